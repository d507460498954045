import type { Bits } from './bits.ts';
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
  const places = placesOf(ballots(pruned, ofRows, ofColumns), dense, pruned);
  const width = dense.weight.inCount;
  const rows = vote(outCount, ofRows, (row, column, named) => {
    const count = placesAt(places, dense, pruned, row, column, named);
    for (let k = 0; k < count; k++) named[k] = Math.floor(named[k]! / width);
    return count;
  });
  const columns = vote(inCount, ofColumns, (column, row, named) => {
    const count = placesAt(places, dense, pruned, row, column, named);
    let kept = 0;
    for (let k = 0; k < count; k++) if (rows[row] === Math.floor(named[k]! / width)) named[kept++] = named[k]! % width;
    return kept;
  });
  return { rows, columns };
}

/** Where the elements stand that are asked for, and no others: far fewer than a kernel has. */
function ballots({ weight }: Kernel, ofRows: readonly number[], ofColumns: readonly number[]): Int32Array {
  const { outCount, outStride, inCount, inStride } = weight;
  const asked = new Int32Array(outCount * ofRows.length + inCount * ofColumns.length);
  let n = 0;
  for (let row = 0; row < outCount; row++)
    for (const column of ofRows) asked[n++] = row * outStride + column * inStride;
  for (let column = 0; column < inCount; column++)
    for (const row of ofColumns) asked[n++] = row * outStride + column * inStride;
  return asked;
}

/**
 * Where each value that is asked for stands in the dense kernel: a hash table in a few arrays, as maps of lists would leave a hundred
 * megabytes of garbage behind the layers of a transformer.
 */
interface Places {
  /** Elements of the pruned kernel that are asked for, of each value the first. */
  readonly asked: Int32Array;
  /** Which of these holds a value, by the value's hash and one after another; -1 where none does. */
  readonly slots: Int32Array;
  /** How often its value stands in the dense kernel; counting ends where it tells nothing. */
  readonly counts: Uint8Array;
  /** Where, the first MAX_OCCURRENCES of each. */
  readonly places: Int32Array;
}

/** Finds values in the dense kernel, in one pass over it. */
function placesOf(asked: Int32Array, dense: Kernel, { bits }: Kernel): Places {
  const found = {
    asked,
    slots: new Int32Array(2 ** Math.ceil(Math.log2(4 * asked.length + 1))).fill(-1),
    counts: new Uint8Array(asked.length),
    places: new Int32Array(asked.length * MAX_OCCURRENCES),
  };
  for (const [n, at] of asked.entries()) {
    const slot = slotOf(found, bits, bits[at]!);
    if (found.slots[slot] === -1) found.slots[slot] = n;
  }
  const { outCount, outStride, inCount, inStride } = dense.weight;
  for (let row = 0; row < outCount; row++) {
    for (let column = 0; column < inCount; column++) {
      const n = found.slots[slotOf(found, bits, dense.bits[row * outStride + column * inStride]!)]!;
      if (n === -1 || found.counts[n]! > MAX_OCCURRENCES) continue;
      const count = found.counts[n]!++;
      if (count < MAX_OCCURRENCES) found.places[n * MAX_OCCURRENCES + count] = row * inCount + column;
    }
  }
  return found;
}

/** The slot of a value, or the empty one where it would be. */
function slotOf({ asked, slots }: Pick<Places, 'asked' | 'slots'>, bits: Bits, value: number | bigint): number {
  const last = slots.length - 1;
  let slot = hashOf(value) & last;
  while (slots[slot] !== -1 && bits[asked[slots[slot]!]!] !== value) slot = (slot + 1) & last;
  return slot;
}

/** Multiplicative hashing (Knuth, The Art of Computer Programming 3, 6.4), the high bits of the product to the low ones. */
function hashOf(value: number | bigint): number {
  const low = typeof value === 'number' ? value : Number(BigInt.asIntN(32, value ^ (value >> 32n)));
  const product = Math.imul(low, 0x9e3779b1);
  return product ^ (product >>> 15);
}

/**
 * Dense places (row * columns + column) whose whole kernel window equals a pruned one's.
 * @returns how many were written to `named`
 */
function placesAt(
  found: Places,
  dense: Kernel,
  pruned: Kernel,
  row: number,
  column: number,
  named: Int32Array,
): number {
  const base = row * pruned.weight.outStride + column * pruned.weight.inStride;
  const n = found.slots[slotOf(found, pruned.bits, pruned.bits[base]!)]!;
  const { inCount, inStride, outStride, kernelOffsets } = dense.weight;
  const { kernelOffsets: offsets } = pruned.weight;
  const standing = found.counts[n] ?? 0;
  if (standing > MAX_OCCURRENCES || kernelOffsets.length !== offsets.length) return 0;
  let count = 0;
  for (let k = 0; k < standing; k++) {
    const place = found.places[n * MAX_OCCURRENCES + k]!;
    const denseBase = Math.floor(place / inCount) * outStride + (place % inCount) * inStride;
    let at = 0;
    while (at < offsets.length && dense.bits[denseBase + kernelOffsets[at]!] === pruned.bits[base + offsets[at]!]) at++;
    if (at === offsets.length) named[count++] = place;
  }
  return count;
}

/** For each subject the place that more than half of its telling voters name. */
function vote(
  subjects: number,
  voters: readonly number[],
  ballot: (subject: number, voter: number, named: Int32Array) => number,
): Int32Array {
  const named = new Int32Array(MAX_OCCURRENCES);
  const candidates = new Int32Array(voters.length * MAX_OCCURRENCES);
  const votes = new Int32Array(candidates.length);
  return Int32Array.from({ length: subjects }, (_, subject) => {
    let [cast, known, winner] = [0, 0, 0];
    for (const voter of voters) {
      const count = ballot(subject, voter, named);
      if (count > 0) cast++;
      for (let k = 0; k < count; k++) {
        let at = 0;
        while (at < known && candidates[at] !== named[k]) at++;
        if (at === known) {
          candidates[known] = named[k]!;
          votes[known++] = 0;
        }
        votes[at]!++;
        if (votes[at]! > votes[winner]!) winner = at;
      }
    }
    return known > 0 && votes[winner]! * 2 > cast ? candidates[winner]! : -1;
  });
}

/** At most about so many of them, evenly spread. */
function votersOf(count: number, most: number): number[] {
  const step = Math.max(1, Math.floor(count / most));
  return Array.from({ length: Math.ceil(count / step) }, (_, k) => k * step);
}
