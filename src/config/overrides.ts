import { inputErrorAt, type Place } from '../errors/place.ts';
import { isMapping } from './values.ts';
import { parseTree } from './yaml.ts';

/** One `prune.key=value`, as it was given, and where. */
export interface Override {
  readonly text: string;
  readonly place: Place;
}

/** An override taken apart. */
export interface Assignment {
  readonly path: readonly string[];
  readonly value: unknown;
  /** The value as it is spelled; null for a list. */
  readonly source: string | null;
  /** Given with `+`: the key need not be in the spec. */
  readonly adds: boolean;
  readonly place: Place;
}

/**
 * Reads an override as Hydra's command line takes it: `key.path=value`, also with `+` or `++` before it. The value is a YAML scalar
 * or a flow list of scalars; nothing after the `=` is the empty text.
 * @throws InputError for `~` (which removes a key), a missing `=`, a bad key or any other value.
 */
export function parseOverride({ text, place }: Override): Assignment {
  if (text.startsWith('~')) throw inputErrorAt(place, 'must set a key: removing one with ~ is not supported', text);
  const [, plus = '', key = '', spelled = ''] = /^(\+{0,2})([^=]*)=(.*)$/s.exec(text.trim()) ?? [];
  const path = key.split('.');
  if (!path.every((part) => /^[\p{L}\p{N}_-]+$/u.test(part))) {
    throw inputErrorAt(place, 'must be like prune.key=value', text);
  }
  const value = parseTree(spelled, (problem) => inputErrorAt(place, `the value ${problem}`, text));
  if (value !== null && (isMapping(value.value) || !isFlat(value.value))) {
    throw inputErrorAt(
      place,
      'the value must be a number, text, true, false, null or a list of them like [a, b]',
      text,
    );
  }
  return {
    path,
    value: value === null ? '' : value.value,
    source: value === null ? '' : value.source,
    adds: plus !== '',
    place,
  };
}

function isFlat(value: unknown): boolean {
  return !Array.isArray(value) || value.every((item) => typeof item !== 'object' || item === null);
}
