import { firstPlace } from '../network/index.ts';

/** 1 for the largest value; equal values share a rank, and NaN comes last, as in numpy's argsort(-values). */
export function ranksOf(values: ArrayLike<number>): readonly number[] {
  const count = values.length;
  const sorted = new Float64Array(count);
  // Loops: a model may have thousands of layers that diverge, each of which is ranked several times.
  for (let k = 0; k < count; k++) sorted[k] = -values[k]!;
  sorted.sort();
  const ranks = new Array<number>(count);
  for (let k = 0; k < count; k++) ranks[k] = firstAt(sorted, -values[k]!) + 1;
  return ranks;
}

/** Where a value stands first in a list in ascending order, which has NaN at its end. */
function firstAt(sorted: Float64Array, value: number): number {
  return Number.isNaN(value)
    ? firstPlace(sorted.length, (place) => !Number.isNaN(sorted[place]))
    : firstPlace(sorted.length, (place) => sorted[place]! < value);
}
