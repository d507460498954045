/** Where a user's mistake lies and what to do about it. Every field that is known is printed. */
export interface InputErrorDetails {
  /** The file at fault, as the user wrote its path. */
  readonly file?: string;
  /** One-based line in that file. */
  readonly line?: number;
  /** The key, input, flag or tensor at fault. */
  readonly key?: string;
  /** The value found, shown as JSON and shortened. */
  readonly value?: unknown;
  /** What the command at fault printed last, each line safe to show: quoted below the message. */
  readonly output?: readonly string[];
}

/**
 * A mistake that the user can mend: bad usage, config, spec or model file. Exit status 2, one line, no stack.
 * Whatever else is thrown is a bug of ours (exit status 4).
 */
export class InputError extends Error {
  override readonly name = 'InputError';

  readonly details: InputErrorDetails;

  /** @param problem what is wrong and what to do, as one sentence that reads after `file:line: key:`. */
  constructor(problem: string, details: InputErrorDetails = {}) {
    const place = [
      details.file === undefined ? '' : `${details.file}${details.line === undefined ? '' : `:${details.line}`}`,
      details.key ?? '',
    ]
      .filter((part) => part !== '')
      .map((part) => `${part}: `)
      .join('');
    const found = details.value === undefined ? '' : ` (found ${shown(details.value)})`;
    super(cut(oneLine(`${place}${problem}${found}`)));
    this.details = details;
  }
}

/** Names in a message come from files and may have a million characters. */
const MAX_MESSAGE = 2000;

function cut(message: string): string {
  return message.length <= MAX_MESSAGE ? message : `${message.slice(0, MAX_MESSAGE - 3)}...`;
}

/** A value as JSON, at most 80 characters, so that a message stays one readable line. */
export function shown(value: unknown): string {
  const text =
    typeof value === 'number' && !Number.isFinite(value) ? String(value) : (JSON.stringify(value) ?? String(value));
  return text.length <= 80 ? text : `${text.slice(0, 77)}...`;
}

/**
 * What is not seen in a line, or makes it read as what it is not: controls and line ends, marks of writing direction (CVE-2021-42574), format and tag
 * characters, joiners, fillers, selectors, halves of a character.
 */
const HIDDEN = String.raw`[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800]`;
/** Made from it where a text has more than ASCII: V8 goes through all of Unicode for it, also for a literal that is only read. That takes a millisecond. */
let hidden: RegExp | null = null;
const ALL_SEEN = /^[ -~]*$/;

/** Text of a file as one line that shows all that is in it: `\u202e` for a character that nobody would see. */
export function oneLine(text: string): string {
  if (ALL_SEEN.test(text)) return text;
  hidden ??= new RegExp(HIDDEN, 'gu');
  return text.replace(hidden, (character) => {
    const digits = character.codePointAt(0)!.toString(16);
    return digits.length > 4 ? `\\u{${digits}}` : `\\u${digits.padStart(4, '0')}`;
  });
}
