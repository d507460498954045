import type { RetainedIndices } from '../network/index.ts';
import { filterWords } from '../prose/index.ts';

/** Indices as a lock has them: `0, 3-8, 12`, and `none`. */
export function rangesText(indices: RetainedIndices): string {
  return filterWords(indices, indices.length);
}

/**
 * The indices that a text of this form names.
 * @param filters how many there are, so that a short text cannot name millions that do not exist (CWE-409)
 * @returns what is wrong with it, as the end of a sentence, where they do not ascend or leave the layer
 */
export function indicesOf(text: string, filters: number): RetainedIndices | string {
  if (text === 'none') return [];
  const indices: number[] = [];
  for (const part of text.split(', ')) {
    const [from = Number.NaN, to = from] = part.split('-').map(Number);
    if (to < from || from <= (indices.at(-1) ?? -1)) return 'must ascend, each index once';
    if (to >= filters) return `names filter ${to} of ${filters}, which are 0 to ${filters - 1}`;
    for (let index = from; index <= to; index++) indices.push(index);
  }
  return indices;
}
