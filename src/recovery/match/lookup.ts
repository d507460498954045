import type { Kernel } from './kernel.ts';

/** Values that occur more often (zeros, ones) tell nothing about their place. */
const MAX_OCCURRENCES = 4;
/** Columns and rows that vote for one another: of trained weights few tell, of sparse and of half precision ones many are asked. */
const VOTERS = [8, 64] as const;

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
  if (dense.groups !== 1 || pruned.groups !== 1 || dense.dtype !== pruned.dtype) return null;
  let found: ValueLookup | null = null;
  for (const voters of VOTERS) {
    found = elect(dense, pruned, voters);
    if (!found.rows.includes(-1) && !found.columns.includes(-1)) break;
  }
  return found;
}

function elect(dense: Kernel, pruned: Kernel, most: number): ValueLookup {
  const { outCount, inCount } = pruned.weight;
  const [ofRows, ofColumns] = [votersOf(inCount, most), votersOf(outCount, most)];
  const places = placesOf(ballotValues(pruned, ofRows, ofColumns), dense);
  const width = dense.weight.inCount;
  const rows = vote(outCount, ofRows, (row, column) =>
    at(places, dense, pruned, row, column).map((place) => Math.floor(place / width)),
  );
  const columns = vote(inCount, ofColumns, (column, row) =>
    at(places, dense, pruned, row, column).flatMap((place) =>
      rows[row] === Math.floor(place / width) ? [place % width] : [],
    ),
  );
  return { rows, columns };
}

/** Where each value stands in the dense kernel; more places than tell anything are cut off. */
type Places = ReadonlyMap<number | bigint, readonly number[]>;

const NOWHERE: readonly number[] = [];

/** The values that are asked for, and no others: far fewer than a kernel has. */
function ballotValues(
  pruned: Kernel,
  ofRows: readonly number[],
  ofColumns: readonly number[],
): Map<number | bigint, readonly number[]> {
  const { outCount, outStride, inCount, inStride } = pruned.weight;
  const values = new Map<number | bigint, readonly number[]>();
  const add = (row: number, column: number): void => {
    values.set(pruned.bits[row * outStride + column * inStride]!, NOWHERE);
  };
  for (let row = 0; row < outCount; row++) for (const column of ofRows) add(row, column);
  for (let column = 0; column < inCount; column++) for (const row of ofColumns) add(row, column);
  return values;
}

/** Finds values in the dense kernel, in one pass over it. */
function placesOf(values: Map<number | bigint, readonly number[]>, dense: Kernel): Places {
  const { outCount, outStride, inCount, inStride } = dense.weight;
  const mayBeAskedFor = filterOf(values.keys());
  for (let row = 0; row < outCount; row++) {
    for (let column = 0; column < inCount; column++) {
      const value = dense.bits[row * outStride + column * inStride]!;
      if (!mayBeAskedFor(value)) continue;
      const known = values.get(value);
      if (known !== undefined && known.length <= MAX_OCCURRENCES) values.set(value, [...known, row * inCount + column]);
    }
  }
  return values;
}

/** Bits of a Bloom filter with one hash: half a megabyte, which a processor's cache holds. */
const FILTER_BITS = 22;

/** Rules out most values that were not asked for, at a tenth of what a map takes. */
function filterOf(values: Iterable<number | bigint>): (value: number | bigint) => boolean {
  const words = new Int32Array(2 ** (FILTER_BITS - 5));
  for (const value of values) {
    const hash = hashOf(value);
    words[hash >>> 5]! |= 1 << (hash & 31);
  }
  return (value) => {
    const hash = hashOf(value);
    return (words[hash >>> 5]! & (1 << (hash & 31))) !== 0;
  };
}

/** Multiplicative hashing (Knuth, The Art of Computer Programming 3, 6.4). */
function hashOf(value: number | bigint): number {
  const low = typeof value === 'number' ? value : Number(BigInt.asIntN(32, value ^ (value >> 32n)));
  return Math.imul(low, 0x9e3779b1) >>> (32 - FILTER_BITS);
}

/** Dense (row, column) pairs whose whole kernel window equals a pruned one's. */
function at(places: Places, dense: Kernel, pruned: Kernel, row: number, column: number): readonly number[] {
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
  voters: readonly number[],
  ballots: (subject: number, voter: number) => readonly number[],
): Int32Array {
  return Int32Array.from({ length: subjects }, (_, subject) => {
    const counts = new Map<number, number>();
    let cast = 0;
    for (const voter of voters) {
      const named = ballots(subject, voter);
      if (named.length === 0) continue;
      cast++;
      for (const place of named) counts.set(place, (counts.get(place) ?? 0) + 1);
    }
    const [winner, votes] = [...counts].reduce((best, entry) => (entry[1] > best[1] ? entry : best), [-1, 0]);
    return votes * 2 > cast ? winner : -1;
  });
}

/** At most about so many of them, evenly spread. */
function votersOf(count: number, most: number): number[] {
  const step = Math.max(1, Math.floor(count / most));
  return Array.from({ length: Math.ceil(count / step) }, (_, k) => k * step);
}
