import type { Locate, Place } from '../errors/place.ts';
import { inputErrorAt } from '../errors/place.ts';
import { openablePath } from './paths.ts';
import { type Mapping, nearest } from './values.ts';

/** Which values a setting takes: as flags and inputs spell them, as prunegate.yml holds them, and as `--help` shows them. */
export interface Kind<T> {
  /** What stands for the value in `--help`, without brackets; null for a switch, which takes none. `...` at the end takes several. */
  readonly placeholder: string | null;
  /** What prunegate.yml may hold, as JSON schema. */
  readonly schema: Mapping;
  /**
   * The value that a flag or an input spells: text, a boolean, or texts.
   * @throws InputError at the place
   */
  read(value: unknown, at: Place): T;
  /** The value of what stands in prunegate.yml and fits the schema; left out where it is the same. */
  readonly fromFile?: (value: unknown, at: Locate) => T;
  /**
   * The value with its paths, given relative to a folder, as ones that can be opened; left out where it has none.
   * @throws InputError for a path that cannot be one
   */
  readonly opened?: (value: T, folder: string, at: Locate) => T;
}

const TEXT: Mapping = { type: 'string', minLength: 1 };
const TEXTS: Mapping = { type: 'array', items: TEXT };

export function text(placeholder: string): Kind<string> {
  return { placeholder, schema: TEXT, read: readText };
}

/** A path of a file or folder. */
export function path(placeholder: 'file' | 'folder'): Kind<string> {
  return {
    ...text(placeholder),
    opened: (value, folder, at) => openablePath(value, folder, at([])),
  };
}

/** The same, or false for none at all. */
export function pathOrNone(placeholder: 'file' | 'folder'): Kind<string | false> {
  const named = path(placeholder);
  return {
    ...named,
    read: (value, at) => (value === false ? false : named.read(value, at)),
    opened: (value, folder, at) => (value === false ? false : openablePath(value, folder, at([]))),
  };
}

export const files: Kind<readonly string[]> = {
  placeholder: 'file...',
  schema: TEXTS,
  read: (value) => items(value, /\n/),
  opened: (values, folder, at) => values.map((value, i) => openablePath(value, folder, at([i]))),
};

/** Texts, one on a line. */
export function lines(placeholder: string): Kind<readonly string[]> {
  return { placeholder: `${placeholder}...`, schema: TEXTS, read: (value) => items(value, /\n/) };
}

/** Words, separated by commas or white space. */
export function words(placeholder: string): Kind<readonly string[]> {
  return { placeholder, schema: TEXTS, read: (value) => items(value, /[,\s]/) };
}

/** Names of models, or GitHub's matrix of them: `{"model": ["a", "b"]}`, as the plan has it. */
export const modelNames: Kind<readonly string[]> = {
  placeholder: 'names',
  schema: TEXTS,
  read(value, at) {
    if (typeof value !== 'string' || !value.trimStart().startsWith('{')) return items(value, /[,\s]/);
    const names = matrixNames(value);
    if (names === null) throw inputErrorAt(at, 'must be names, or a matrix like {"model":["a","b"]}', value);
    return names;
  },
};

function matrixNames(text: string): readonly string[] | null {
  try {
    const { model } = JSON.parse(text) as { readonly model?: unknown };
    return Array.isArray(model) && model.length > 0 && model.every((name) => typeof name === 'string') ? model : null;
  } catch {
    return null;
  }
}

/** The YAML 1.2 core booleans, as getBooleanInput of @actions/core takes them. */
export const boolean: Kind<boolean> = {
  placeholder: null,
  schema: { type: 'boolean' },
  read(value, at) {
    if (value === true || ['true', 'True', 'TRUE'].includes(String(value))) return true;
    if (value === false || ['false', 'False', 'FALSE'].includes(String(value))) return false;
    throw inputErrorAt(at, 'must be true or false', value);
  },
};

export function choice<const T extends string>(placeholder: string, allowed: readonly T[]): Kind<T> {
  return {
    placeholder,
    schema: { type: 'string', enum: allowed },
    read: (value, at) => chosen(value, at, allowed, 'one of '),
  };
}

/** A list of some of several words; as text, `none` alone is the empty list, which an empty input could not say. */
export function someOf<const T extends string>(placeholder: string, allowed: readonly T[]): Kind<readonly T[]> {
  return {
    placeholder,
    schema: { type: 'array', items: { type: 'string', enum: allowed }, uniqueItems: true },
    read(value, at) {
      const given = items(value, /[,\n]/);
      if (given.length === 1 && given[0] === 'none') return [];
      if (given.length === 0) throw inputErrorAt(at, `must be none or a list of ${allowed.join(', ')}`, value);
      return [...new Set(given.map((word) => chosen(word, at, allowed, 'none or a list of ')))];
    },
  };
}

/** Which numbers are allowed: from `least` on or above `above`, to `most`. */
export interface Bounds {
  readonly least?: number;
  readonly above?: number;
  readonly most?: number;
}

const DECIMAL = /^(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)(?:e-?[0-9]+)?$/i;

export function number(placeholder: string, { least, above, most }: Bounds, unit = ''): Kind<number> {
  const range = least === undefined ? `above ${above}` : `from ${least}`;
  const demand = `must be a number ${unit}${range}${most === undefined ? '' : ` to ${most}`}`;
  return {
    placeholder,
    schema: {
      type: 'number',
      ...(least === undefined ? {} : { minimum: least }),
      ...(above === undefined ? {} : { exclusiveMinimum: above }),
      ...(most === undefined ? {} : { maximum: most }),
    },
    read(value, at) {
      const parsed = typeof value === 'string' && DECIMAL.test(value) ? Number(value) : Number.NaN;
      const isBelow = above === undefined ? parsed < (least ?? 0) : parsed <= above;
      if (Number.isFinite(parsed) && !isBelow && parsed <= (most ?? parsed)) return parsed;
      throw inputErrorAt(at, demand, value);
    },
  };
}

/** The shape that a model's input shall have when it is executed. */
export interface InputShape {
  readonly input: string;
  /** Sizes from 1. */
  readonly shape: readonly number[];
}

export const shapes: Kind<readonly InputShape[]> = {
  placeholder: 'name=shape...',
  schema: TEXTS,
  read: (value, at) => items(value, /\n/).map((item) => inputShape(item, at)),
  fromFile: (value, at) => (value as readonly string[]).map((item, i) => inputShape(item, at([i]))),
};

/** `input_1=1x3x224x224`; an input's name may hold `=` and `x` itself. */
function inputShape(item: string, at: Place): InputShape {
  const [, input, sizes] = /^(.+)=([1-9][0-9]{0,8}(?:x[1-9][0-9]{0,8})*)$/.exec(item) ?? [];
  if (input !== undefined && sizes !== undefined) return { input, shape: sizes.split('x').map(Number) };
  throw inputErrorAt(at, "must be an input's name and its sizes, like input_1=1x3x224x224", item);
}

/** As text what a kind says, in prunegate.yml something else. */
export function stated(kind: Kind<string>, schema: Mapping): Kind<string> {
  return { placeholder: kind.placeholder, schema, read: kind.read };
}

function readText(value: unknown, at: Place): string {
  if (typeof value === 'string') return value;
  throw inputErrorAt(at, 'must be text', value);
}

function items(value: unknown, separator: RegExp): readonly string[] {
  return [value]
    .flat()
    .flatMap((part) => String(part).split(separator))
    .map((part) => part.trim())
    .filter((part) => part !== '');
}

function chosen<T extends string>(value: unknown, at: Place, allowed: readonly T[], lead: string): T {
  const found = allowed.find((one) => one === value);
  if (found !== undefined) return found;
  const meant = nearest(String(value), allowed);
  const hint = meant === null ? '' : `: did you mean ${meant}?`;
  throw inputErrorAt(at, `must be ${lead}${allowed.join(', ')}${hint}`, value);
}
