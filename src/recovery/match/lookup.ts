import type { Kernel } from './kernel.ts';

/** Kernels with more (out, in) pairs than this are not indexed by value: the index would cost more memory than the kernel. */
const MAX_INDEXED = 4_000_000;
/** Values that occur more often (zeros, ones) tell nothing about their place. */
const MAX_OCCURRENCES = 4;
/** Columns and rows that vote for one another. */
const VOTERS = 64;

/** Dense row and column of each pruned row and column, recognized by the values alone; -1 where they do not tell. */
export interface ValueLookup {
  readonly rows: Int32Array;
  readonly columns: Int32Array;
}

/**
 * Places a pruned kernel in the dense one without knowing its input channels: trained weights hardly repeat, so the
 * values of a few elements tell their row and column. For ungrouped kernels.
 */
export function lookUpByValue(dense: Kernel, pruned: Kernel): ValueLookup | null {
  const { outCount, inCount } = dense.weight;
  if (dense.groups !== 1 || pruned.groups !== 1 || outCount * inCount > MAX_INDEXED || dense.dtype !== pruned.dtype)
    return null;
  const places = indexByValue(dense);
  const rows = vote(pruned.weight.outCount, pruned.weight.inCount, (row, column) =>
    at(places, dense, pruned, row, column).map((place) => Math.floor(place / inCount)),
  );
  const columns = vote(pruned.weight.inCount, pruned.weight.outCount, (column, row) =>
    at(places, dense, pruned, row, column).flatMap((place) =>
      rows[row] === Math.floor(place / inCount) ? [place % inCount] : [],
    ),
  );
  return { rows, columns };
}

function indexByValue(dense: Kernel): ReadonlyMap<number | bigint, number[]> {
  const { outCount, outStride, inCount, inStride } = dense.weight;
  const places = new Map<number | bigint, number[]>();
  for (let row = 0; row < outCount; row++) {
    for (let column = 0; column < inCount; column++) {
      const value = dense.bits[row * outStride + column * inStride]!;
      const known = places.get(value);
      if (known === undefined) places.set(value, [row * inCount + column]);
      else if (known.length <= MAX_OCCURRENCES) known.push(row * inCount + column);
    }
  }
  return places;
}

/** Dense (row, column) pairs whose whole kernel window equals a pruned one's. */
function at(
  places: ReadonlyMap<number | bigint, number[]>,
  dense: Kernel,
  pruned: Kernel,
  row: number,
  column: number,
): readonly number[] {
  const base = row * pruned.weight.outStride + column * pruned.weight.inStride;
  const found = places.get(pruned.bits[base]!);
  if (found === undefined || found.length > MAX_OCCURRENCES) return [];
  const { inCount, inStride, outStride, kernelOffsets } = dense.weight;
  if (kernelOffsets.length !== pruned.weight.kernelOffsets.length) return [];
  return found.filter((place) => {
    const denseBase = Math.floor(place / inCount) * outStride + (place % inCount) * inStride;
    return kernelOffsets.every(
      (k, n) => dense.bits[denseBase + k] === pruned.bits[base + pruned.weight.kernelOffsets[n]!],
    );
  });
}

/** For each subject the place that more than half of its telling voters name. */
function vote(
  subjects: number,
  voters: number,
  ballots: (subject: number, voter: number) => readonly number[],
): Int32Array {
  const step = Math.max(1, Math.floor(voters / VOTERS));
  return Int32Array.from({ length: subjects }, (_, subject) => {
    const counts = new Map<number, number>();
    let cast = 0;
    for (let voter = 0; voter < voters; voter += step) {
      const named = ballots(subject, voter);
      if (named.length === 0) continue;
      cast++;
      for (const place of named) counts.set(place, (counts.get(place) ?? 0) + 1);
    }
    const [winner, votes] = [...counts].reduce((best, entry) => (entry[1] > best[1] ? entry : best), [-1, 0]);
    return votes * 2 > cast ? winner : -1;
  });
}
