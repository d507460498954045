import type { Weight } from '../../network/index.ts';
import type { RowGroup } from './row-group.ts';

/** Values of a kernel, whatever their type. */
export interface Values {
  readonly values: Float32Array;
  readonly weight: Weight;
}

/** Dense filters that pruned ones come nearest to, where that is decisive. */
export interface NearestRows {
  readonly filters: Int32Array;
  /** Largest distance of a pruned filter to its dense one, relative to the dense filter's norm. */
  readonly distance: number;
  /** How many times as far the next dense filter is, at least. */
  readonly margin: number;
}

/** The next dense filter, and a filter of zeros, must be so many times as far. */
const DECISIVE = 2;
/** Multiplications for one layer: beyond them a part of each row tells which rows are near. */
const MAX_PRODUCTS = 2 ** 30;

/** Distances that are held at once, eight bytes each (CWE-789). */
const MAX_DISTANCES = 2 ** 25;

/**
 * Finds for each pruned row the dense row at the least Euclidean distance. Where some are not decisive alone, pruners that
 * keep the filters' order help: of all assignments in ascending order the one with the least sum of squared distances.
 * @returns null where any margin is not decisive
 */
export function nearestRows(dense: Values, pruned: Values, groups: readonly RowGroup[]): NearestRows | null {
  const filters = new Int32Array(pruned.weight.outCount);
  let [distance, margin] = [0, Number.POSITIVE_INFINITY];
  for (const group of groups) {
    if ((group.end - group.first) * (group.denseEnd - group.denseFirst) > MAX_DISTANCES) return null;
    const squares = squaredDistances(dense, pruned, group);
    const found = decisiveAlone(squares) ?? decisiveInOrder(squares);
    if (found === null) return null;
    for (const [k, row] of found.rows.entries()) {
      filters[group.first + k] = group.denseFirst + row;
      distance = Math.max(distance, Math.sqrt(squares.between[k]![row]! / squares.norms[row]!));
    }
    margin = Math.min(margin, found.margin);
  }
  return { filters, distance, margin };
}

interface Squares {
  /** Squared distance of each pruned row (first index) to each dense row. */
  readonly between: readonly Float64Array[];
  /** Squared norms of the dense and of the pruned rows over the compared elements. */
  readonly norms: Float64Array;
  readonly own: Float64Array;
}

function squaredDistances(dense: Values, pruned: Values, group: RowGroup): Squares {
  const [rows, denseRows] = [group.end - group.first, group.denseEnd - group.denseFirst];
  const all = group.offsets.length;
  const step = Math.max(1, Math.ceil((rows * denseRows * all) / MAX_PRODUCTS));
  const norms = new Float64Array(denseRows);
  const own = new Float64Array(rows);
  const between = Array.from({ length: rows }, () => new Float64Array(denseRows));
  for (let p = 0; p < rows; p++) {
    const base = (group.first + p) * pruned.weight.outStride;
    for (let k = 0; k < all; k += step) own[p]! += pruned.values[base + group.offsets[k]!]! ** 2;
  }
  for (let d = 0; d < denseRows; d++) {
    const base = (group.denseFirst + d) * dense.weight.outStride;
    for (let k = 0; k < all; k += step) norms[d]! += dense.values[base + group.denseOffsets[k]!]! ** 2;
    for (let p = 0; p < rows; p++) {
      const prunedBase = (group.first + p) * pruned.weight.outStride;
      let sum = 0;
      for (let k = 0; k < all; k += step) {
        const difference =
          pruned.values[prunedBase + group.offsets[k]!]! - dense.values[base + group.denseOffsets[k]!]!;
        sum += difference * difference;
      }
      between[p]![d] = Number.isNaN(sum) ? Number.POSITIVE_INFINITY : sum;
    }
  }
  return { between, norms, own };
}

interface Decided {
  readonly rows: readonly number[];
  readonly margin: number;
}

/** Each row's nearest, where all are different and the next is far. */
function decisiveAlone({ between, own }: Squares): Decided | null {
  const rows: number[] = [];
  let margin = Number.POSITIVE_INFINITY;
  for (const [p, row] of between.entries()) {
    const [best, next] = twoLeast(row);
    rows.push(best);
    margin = Math.min(margin, ratio(row[best]!, next, own[p]!));
  }
  return new Set(rows).size === rows.length && margin >= DECISIVE ? { rows, margin } : null;
}

function twoLeast(values: Float64Array): readonly [number, number] {
  let best = 0;
  let next = Number.POSITIVE_INFINITY;
  for (let k = 1; k < values.length; k++) {
    if (values[k]! < values[best]!) {
      next = values[best]!;
      best = k;
    } else if (values[k]! < next) next = values[k]!;
  }
  return [best, next];
}

/**
 * How many times as far the next row is, from squared distances. A row that is as far as no row at all (its own norm) is near
 * to nothing.
 */
function ratio(best: number, next: number, own: number): number {
  if (!(best < Number.POSITIVE_INFINITY)) return 0;
  if (best === 0) return next === 0 ? 0 : Number.POSITIVE_INFINITY;
  return Math.sqrt(Math.min(next, own) / best);
}

/**
 * Dynamic programming over rows in ascending order, from both ends: what the whole costs if row p is dense row d, for all of
 * them, so that each row's margin is that of the whole assignment.
 */
function decisiveInOrder({ between, own }: Squares): Decided | null {
  const [rows, denseRows] = [between.length, between[0]?.length ?? 0];
  if (rows > denseRows || rows * denseRows > MAX_PRODUCTS / 64) return null;
  const forward = bestBefore(between);
  const backward = bestBefore(between.toReversed().map((row) => row.toReversed()));
  const chosen: number[] = [];
  let margin = Number.POSITIVE_INFINITY;
  for (const [p, row] of between.entries()) {
    const through = row.map((square, d) => forward[p]![d]! + backward[rows - 1 - p]![denseRows - 1 - d]! + square);
    const [best, next] = twoLeast(through);
    chosen.push(best);
    // What giving this row another filter adds to the whole, against what this row costs as it is.
    margin = Math.min(margin, ratio(row[best]!, row[best]! + next - through[best]!, own[p]!));
  }
  const isAscending = chosen.every((d, p) => p === 0 || d > chosen[p - 1]!);
  return isAscending && margin >= DECISIVE ? { rows: chosen, margin } : null;
}

/** The least sum of squares of rows 0 .. p - 1 on dense rows before d. */
function bestBefore(between: readonly Float64Array[]): readonly Float64Array[] {
  const sums: Float64Array[] = [];
  let before = new Float64Array(between[0]?.length ?? 0);
  for (const row of between) {
    sums.push(before);
    const after = new Float64Array(row.length);
    let least = Number.POSITIVE_INFINITY;
    for (let d = 0; d < row.length; d++) {
      after[d] = least;
      least = Math.min(least, before[d]! + row[d]!);
    }
    before = after;
  }
  return sums;
}
