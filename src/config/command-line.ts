import type { Place } from '../errors/place.ts';

/** A word of a command line, and where it was given. */
export interface Word {
  readonly text: string;
  readonly place: Place;
  /** Which of several commands it belongs to, from 0. */
  readonly command: number;
}

/** A text as a file has it, quotes and line breaks included. */
export interface Spelled {
  readonly text: string;
  /** One-based line on which it starts. */
  readonly line: number;
}

/** A word of a text of commands. */
export interface Split {
  readonly text: string;
  /** Which of the commands it belongs to, from 0. */
  readonly command: number;
}

const TOKENS =
  /\\([\s\S])|'([^']*)'|"((?:[^"\\]|\\[\s\S])*)"|(#[^\n]*)|(\s+)|(&?>>?(?:&\d)?|<|&&|\|\|?|[;&])|([\s\S])/g;

/**
 * The words of commands as a POSIX shell splits them, but nothing is expanded: `$KEY` stays as it is. A backslash before white
 * space continues the line. Where lines are continued so, a line that is not ends its command; else all is one, since YAML
 * may have folded it. Redirections are left out.
 * @returns null where a quote is not closed
 */
export function splitWords(text: string): readonly Split[] | null {
  const words: Split[] = [];
  const [hasLines, isContinued] = [text.includes('\n'), /\\\r?\n/.test(text)];
  let command = 0;
  let word: string | null = null;
  let isTarget = false;
  const end = (): void => {
    if (word !== null && !isTarget) words.push({ text: word, command });
    if (word !== null) isTarget = false;
    word = null;
  };
  const endCommand = (): void => {
    end();
    if (words.at(-1)?.command === command) command++;
  };
  const tokens = new RegExp(TOKENS);
  for (let found = tokens.exec(text); found !== null; found = tokens.exec(text)) {
    const [token = '', escaped, single, double, comment, space, operator] = found;
    if (comment !== undefined && word === null && hasLines) continue;
    if (space !== undefined || (escaped !== undefined && /\s/.test(escaped))) {
      if (space?.includes('\n') && isContinued) endCommand();
      else end();
    } else if (operator !== undefined && /[<>]/.test(operator)) {
      // A number right before it is a descriptor, what comes after it a file.
      if (/^\d+$/.test(word ?? '')) word = null;
      end();
      isTarget = !operator.includes('>&');
    } else if (operator !== undefined) endCommand();
    else if (token === '"' || token === "'") return null;
    else if (comment !== undefined) {
      // In the middle of a word it is a letter.
      word = `${word ?? ''}#`;
      tokens.lastIndex = found.index + 1;
    } else word = (word ?? '') + (escaped ?? single ?? double?.replace(/\\(["\\$`])/g, '$1') ?? token);
  }
  end();
  return words;
}

/** The line on which each of these words stands in a text that spells them in this order. */
export function linesOfWords(words: readonly string[], { text, line }: Spelled): readonly number[] {
  let from = 0;
  return words.map((word) => {
    const at = text.indexOf(word, from);
    // Escapes may spell it otherwise: then it is where the last one was.
    if (at >= 0) from = at + word.length;
    return line + (text.slice(0, at < 0 ? from : at).match(/\n/g)?.length ?? 0);
  });
}
