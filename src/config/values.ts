import { distance } from 'fastest-levenshtein';
import type { KeyPath } from '../errors/place.ts';

/** A mapping of a file. It has no prototype, so that `constructor` and `__proto__` are keys like others. */
export type Mapping = Readonly<Record<string, unknown>>;

/** Whether a value read from a file is a mapping (not a list, not null). */
export function isMapping(value: unknown): value is Mapping {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A mapping without a prototype that holds the entries, later ones winning. */
export function mappingOf(entries: Iterable<readonly [string, unknown]>): Record<string, unknown> {
  const mapping: Record<string, unknown> = Object.create(null);
  for (const [key, value] of entries) mapping[key] = value;
  return mapping;
}

/** A deep copy that may be changed. Values of files are frozen and may share parts (YAML aliases). */
export function copied(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(copied);
  if (isMapping(value)) return mappingOf(Object.entries(value).map(([key, item]) => [key, copied(item)] as const));
  return value;
}

/** The value at a path, or undefined where the path leads nowhere. */
export function valueAt(value: unknown, path: KeyPath): unknown {
  return path.reduce<unknown>((parent, key) => {
    if (Array.isArray(parent)) return parent[Number(key)];
    return isMapping(parent) ? parent[key] : undefined;
  }, value);
}

/** The candidate that the user probably meant by a misspelt word, or null when none is near. */
export function nearest(word: string, candidates: readonly string[]): string | null {
  const plain = (text: string) => text.slice(0, 100).toLowerCase();
  const reach = word.length < 4 ? 1 : Math.max(2, Math.floor(word.length / 3));
  const [best] = candidates
    .map((candidate) => ({ candidate, edits: distance(plain(word), plain(candidate)) }))
    .filter(({ edits }) => edits <= reach)
    .sort((a, b) => a.edits - b.edits);
  return best?.candidate ?? null;
}
