import { InputError } from '../errors/input-error.ts';
import { inputErrorAt, type Place } from '../errors/place.ts';
import { nearest } from './values.ts';

export const FORMATS = ['text', 'json', 'markdown'] as const;
/** How the result is printed. */
export type Format = (typeof FORMATS)[number];

export const FAIL_ON = ['mismatch', 'ambiguous', 'unverifiable'] as const;
/** A layer verdict that fails the gate. */
export type FailOn = (typeof FAIL_ON)[number];

export const FOLDINGS = ['raw', 'folded'] as const;
/** Whether BatchNorm is folded into the weights of a model. */
export type Folding = (typeof FOLDINGS)[number];

export const MODES = ['check', 'plan', 'merge'] as const;
/** What one step of the action does. */
export type Mode = (typeof MODES)[number];

export const PROVIDERS = ['auto', 'cpu', 'cuda', 'tensorrt'] as const;
/** Where onnxruntime shall run the models; auto is the fastest that the machine has. */
export type ProviderChoice = (typeof PROVIDERS)[number];

export const COMMENTS = ['always', 'on-failure', 'never'] as const;
/** When the pull request gets a comment. */
export type CommentPolicy = (typeof COMMENTS)[number];

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
  readonly tolerance?: number | undefined;
  readonly execute?: boolean | undefined;
  readonly executionProvider?: ProviderChoice | undefined;
  readonly requireGpu?: boolean | undefined;
  readonly onnxruntime?: string | undefined;
  readonly inputs?: readonly string[] | undefined;
  readonly inputShapes?: readonly InputShape[] | undefined;
  readonly maxLatencyRatio?: number | undefined;
  readonly minParameterReduction?: number | undefined;
  readonly minMacReduction?: number | undefined;
  readonly minSizeReduction?: number | undefined;
  readonly passEnv?: readonly string[] | undefined;
  readonly allowUntrustedCommands?: boolean | undefined;
  readonly comment?: CommentPolicy | undefined;
  readonly checkRun?: boolean | undefined;
  readonly githubToken?: string | undefined;
  readonly mode?: Mode | undefined;
  readonly reports?: readonly string[] | undefined;
}

/** The shape that a model's input shall have when it is executed. */
export interface InputShape {
  readonly input: string;
  /** Sizes from 1. */
  readonly shape: readonly number[];
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
    tolerance: as('tolerance', fraction),
    execute: as('execute', boolean),
    executionProvider: as('executionProvider', (value, name) => choice(value, name, PROVIDERS)),
    requireGpu: as('requireGpu', boolean),
    onnxruntime: as('onnxruntime', text),
    inputs: as('inputs', (value) => items(value, /\n/)),
    inputShapes: as('inputShapes', (value, name) =>
      items(value, /\n/).map((item) => inputShape(item, { file: null, line: null, key: name })),
    ),
    maxLatencyRatio: as('maxLatencyRatio', ratio),
    minParameterReduction: as('minParameterReduction', fraction),
    minMacReduction: as('minMacReduction', fraction),
    minSizeReduction: as('minSizeReduction', fraction),
    passEnv: as('passEnv', (value) => items(value, /[,\s]/)),
    allowUntrustedCommands: as('allowUntrustedCommands', boolean),
    comment: as('comment', (value, name) => choice(value, name, COMMENTS)),
    checkRun: as('checkRun', boolean),
    githubToken: as('githubToken', text),
    mode: as('mode', (value, name) => choice(value, name, MODES)),
    reports: as('reports', (value) => items(value, /\n/)),
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

const DECIMAL = /^[0-9]*\.?[0-9]+(e-?[0-9]+)?$/i;

/** Flags come as text, and so do inputs. */
function number(value: unknown): number {
  return typeof value === 'string' && DECIMAL.test(value) ? Number(value) : Number.NaN;
}

function fraction(value: unknown, name: string): number {
  const parsed = number(value);
  if (parsed >= 0 && parsed <= 1) return parsed;
  throw new InputError('must be a number from 0 to 1', { key: name, value });
}

function ratio(value: unknown, name: string): number {
  const parsed = number(value);
  if (Number.isFinite(parsed) && parsed > 0) return parsed;
  throw new InputError('must be a number above 0', { key: name, value });
}

/** `input_1=1x3x224x224`; an input's name may hold `=` and `x` itself. */
export function inputShape(item: string, at: Place): InputShape {
  const [, input, sizes] = /^(.+)=([1-9][0-9]{0,8}(?:x[1-9][0-9]{0,8})*)$/.exec(item) ?? [];
  if (input !== undefined && sizes !== undefined) return { input, shape: sizes.split('x').map(Number) };
  throw inputErrorAt(at, "must be an input's name and its sizes, like input_1=1x3x224x224", item);
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
