import { InputError } from './input-error.ts';

/** Keys and list positions that lead to a value, from the top of its file. */
export type KeyPath = readonly (string | number)[];

/** Where a value was given: a line of a file, an override, a flag or an action input. */
export interface Place {
  /** The file as the user would write its path; null for flags and inputs. */
  readonly file: string | null;
  /** One-based line in `file`; null where there is none. */
  readonly line: number | null;
  /** The key as shown to the user, such as `prune.key`, `models[0].dense` or `--dense`; null for a whole file. */
  readonly key: string | null;
}

/** Finds the place of a value by its path below some root. */
export type Locate = (path: KeyPath) => Place;

/**
 * The error for a mistake at a place.
 * @param problem one sentence that reads after `file:line: key:`, such as `must be at least 0`.
 * @param value the value found, appended to the message; leave it out where there is none.
 * @param output what the command at fault printed last.
 */
export function inputErrorAt(
  place: Place,
  problem: string,
  value?: unknown,
  output: readonly string[] = [],
): InputError {
  return new InputError(problem, {
    ...(place.file === null ? {} : { file: place.file }),
    ...(place.line === null ? {} : { line: place.line }),
    ...(place.key === null || place.key === '' ? {} : { key: place.key }),
    ...(value === undefined ? {} : { value }),
    ...(output.length === 0 ? {} : { output }),
  });
}

/** `models[0].spec.key` for `['models', 0, 'spec', 'key']`. */
export function formatPath(path: KeyPath): string {
  return path.reduce<string>((text, part) => {
    if (typeof part === 'number') return `${text}[${part}]`;
    return text === '' ? part : `${text}.${part}`;
  }, '');
}

/** A place as it stands before what is said of it: `prunegate.yml:3: tolerance`. */
export function placeText({ file, line, key }: Place): string {
  const where = file === null ? '' : `${file}${line === null ? '' : `:${line}`}`;
  return [where, key ?? ''].filter((part) => part !== '').join(': ');
}
