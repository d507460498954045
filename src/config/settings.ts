import { InputError } from './errors.ts';
import { nearest } from './values.ts';

export const FORMATS = ['text', 'json'] as const;
/** How the result is printed. */
export type Format = (typeof FORMATS)[number];

export const FAIL_ON = ['mismatch', 'ambiguous', 'unverifiable'] as const;
/** A layer verdict that fails the gate. */
export type FailOn = (typeof FAIL_ON)[number];

export const FOLDINGS = ['raw', 'folded'] as const;
/** Whether BatchNorm is folded into the weights of a model. */
export type Folding = (typeof FOLDINGS)[number];

/** Who gave the settings; messages name `--dense` or `input dense` accordingly. */
export type SettingsOrigin = 'flags' | 'inputs';

/** What flags or action inputs say, before prunegate.yml and defaults; undefined is not given. */
export interface Settings {
  readonly from: SettingsOrigin;
  readonly config?: string | undefined;
  readonly workingDirectory?: string | undefined;
  readonly model?: string | undefined;
  readonly dense?: string | undefined;
  readonly denseFolded?: string | undefined;
  readonly pruned?: string | undefined;
  readonly spec?: string | undefined;
  readonly overrides?: readonly string[] | undefined;
  readonly reported?: string | undefined;
  readonly lockFile?: string | undefined;
  readonly folding?: Folding | undefined;
  readonly exportCommand?: string | undefined;
  readonly pruneCommand?: string | undefined;
  readonly timeoutMinutes?: number | undefined;
  readonly failOn?: readonly FailOn[] | undefined;
  readonly warnOnly?: boolean | undefined;
  readonly reportDir?: string | undefined;
  readonly format?: Format | undefined;
  readonly annotations?: boolean | undefined;
}

/** The name under which the user gave a setting: `--dense-folded`, or `input dense-folded`. */
export function settingName(origin: SettingsOrigin, key: Exclude<keyof Settings, 'from'>): string {
  const kebab = key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  return origin === 'flags' ? `--${kebab}` : `input ${kebab}`;
}

/**
 * Settings from the action's inputs. Blank inputs are not given.
 * @param get the raw text of an input by its kebab-case name, '' where it is not given (getInput of @actions/core).
 * @throws InputError that names the input, its value and what is allowed.
 */
export function settingsFromInputs(get: (name: string) => string): Settings {
  return settingsFrom('inputs', (key) => {
    const text = get(settingName('inputs', key).replace(/^input /, '')).trim();
    return text === '' ? undefined : text;
  });
}

/**
 * Settings from command-line flags.
 * @param options what the command-line parser gives: camelCase keys; texts, booleans, and lists of texts for repeatable flags. Other keys are
 *   ignored: the parser knows its flags.
 * @throws InputError that names the flag, its value and what is allowed.
 */
export function settingsFromFlags(options: Readonly<Record<string, unknown>>): Settings {
  return settingsFrom('flags', (key) => {
    const value = options[key];
    // `--pruned "$UNSET"` must not fall back to the config file.
    if (typeof value === 'string' && value.trim() === '')
      throw new InputError('must not be empty', { key: settingName('flags', key) });
    return value;
  });
}

function settingsFrom(from: SettingsOrigin, given: (key: Exclude<keyof Settings, 'from'>) => unknown): Settings {
  const as = <T>(key: Exclude<keyof Settings, 'from'>, read: (value: unknown, name: string) => T): T | undefined => {
    const value = given(key);
    return value === undefined ? undefined : read(value, settingName(from, key));
  };
  return {
    from,
    config: as('config', text),
    workingDirectory: as('workingDirectory', text),
    model: as('model', text),
    dense: as('dense', text),
    denseFolded: as('denseFolded', text),
    pruned: as('pruned', text),
    spec: as('spec', text),
    overrides: as('overrides', (value) => items(value, /\n/)),
    reported: as('reported', text),
    lockFile: as('lockFile', text),
    folding: as('folding', (value, name) => choice(value, name, FOLDINGS)),
    exportCommand: as('exportCommand', text),
    pruneCommand: as('pruneCommand', text),
    timeoutMinutes: as('timeoutMinutes', minutes),
    failOn: as('failOn', failOn),
    warnOnly: as('warnOnly', boolean),
    reportDir: as('reportDir', text),
    format: as('format', (value, name) => choice(value, name, FORMATS)),
    annotations: as('annotations', boolean),
  };
}

function text(value: unknown, name: string): string {
  if (typeof value === 'string') return value;
  throw new InputError('must be text', { key: name, value });
}

/** The YAML 1.2 core booleans, as getBooleanInput of @actions/core takes them. */
function boolean(value: unknown, name: string): boolean {
  if (value === true || ['true', 'True', 'TRUE'].includes(String(value))) return true;
  if (value === false || ['false', 'False', 'FALSE'].includes(String(value))) return false;
  throw new InputError('must be true or false', { key: name, value });
}

function minutes(value: unknown, name: string): number {
  const number = typeof value === 'string' && /^[0-9]+(\.[0-9]+)?$/.test(value) ? Number(value) : Number.NaN;
  if (Number.isFinite(number) && number > 0) return number;
  throw new InputError('must be a number of minutes above 0', { key: name, value });
}

/** A list of verdicts, or `none` alone: an empty input can't say that nothing fails the gate. */
function failOn(value: unknown, name: string): readonly FailOn[] {
  const words = items(value, /[,\n]/);
  if (words.length === 1 && words[0] === 'none') return [];
  if (words.length === 0) throw new InputError(`must be none or a list of ${FAIL_ON.join(', ')}`, { key: name, value });
  return [...new Set(words.map((word) => choice(word, name, FAIL_ON, 'none or a list of ')))];
}

function items(value: unknown, separator: RegExp): readonly string[] {
  return [value]
    .flat()
    .flatMap((part) => String(part).split(separator))
    .map((part) => part.trim())
    .filter((part) => part !== '');
}

function choice<T extends string>(value: unknown, name: string, allowed: readonly T[], lead = 'one of '): T {
  const found = allowed.find((one) => one === value);
  if (found !== undefined) return found;
  const meant = nearest(String(value), allowed);
  const hint = meant === null ? '' : `: did you mean ${meant}?`;
  throw new InputError(`must be ${lead}${allowed.join(', ')}${hint}`, { key: name, value });
}
