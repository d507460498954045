import type { RetainedIndices } from '../../network/index.ts';
import { without } from '../../prose/index.ts';
import type { Assignment } from '../correspondence.ts';
import type { Bits } from './bits.ts';
import type { Kernel } from './kernel.ts';
import { type RowGroup, RUN } from './row-group.ts';
import type { RowMatches } from './rows.ts';

/** Rows of zeros. */
export interface ZeroRows {
  /** Those that were set to zero. */
  readonly zeroed: readonly number[];
  /** Those that are zeros in the dense model. */
  readonly before: readonly number[];
}

/**
 * Finds filters that were set to zero instead of removed: rows of zeros in a layer of the dense one's width, where the dense row at
 * that place is none. A row decides, whatever its bias is. They are paired with the dense rows in whose places they stand.
 * @param matches classes found so far, filled in
 * @returns null where there are none
 */
export function matchZeroRows(
  dense: Kernel,
  pruned: Kernel,
  groups: readonly RowGroup[],
  matches: RowMatches,
): ZeroRows | null {
  if (dense.weight.outCount !== pruned.weight.outCount) return null;
  const zeroed: number[] = [];
  const before: number[] = [];
  let isMoved = false;
  for (const { first, end, denseFirst, denseEnd, runs } of groups) {
    for (let p = first; p < end; p++) {
      const isZero = isZeroRow(pruned, p, runs, 1);
      const wasZero = p >= denseFirst && p < denseEnd && isZeroRow(dense, p, runs, 0);
      if (wasZero) before.push(p);
      else if (isZero && p >= denseFirst && p < denseEnd) zeroed.push(p);
      // Rows that were moved, one of zeros among them, are none that were set to zero.
      isMoved ||= wasZero && !isZero;
    }
  }
  if (zeroed.length === 0 || isMoved) return null;
  for (const p of [...zeroed, ...before]) matches.pruned[p] = matches.dense[p]!;
  return { zeroed, before };
}

/**
 * The filters that are gone though their rows are still there.
 * @param preferred what the layer is to retain: a dense row of zeros beside others that were set to zero is gone as they are if it
 * is not among these
 */
export function goneRows({ zeroed, before }: ZeroRows, preferred: RetainedIndices | null): readonly number[] {
  const gone = preferred === null ? [] : without(before, preferred);
  return [...zeroed, ...gone].sort((a, b) => a - b);
}

/** What is known of a layer's filters besides, with the zeroed ones in their own places. */
export function inTheirPlaces(
  chosen: Assignment | null,
  zeroed: readonly number[],
  filters: number,
): Assignment | null {
  if (zeroed.length === 0) return chosen;
  const places = chosen?.slice() ?? new Int32Array(filters).fill(-1);
  for (const p of zeroed) places[p] = p;
  return places;
}

/** The same matches without zeroed rows, which say nothing of the columns that they were computed on. */
export function withoutZeroed(matches: RowMatches, zeroed: readonly number[]): RowMatches {
  const pruned = matches.pruned.slice();
  for (const p of zeroed) pruned[p] = -1;
  return { dense: matches.dense, pruned };
}

/** Whether a row of a group holds nothing but zeros, so that it may have been set to zero. */
export function hasZeroRow(pruned: Kernel, { first, end, runs }: RowGroup): boolean {
  for (let p = first; p < end; p++) if (isZeroRow(pruned, p, runs, 1)) return true;
  return false;
}

/** @param starts which number of a run says where it begins */
function isZeroRow({ bits, weight, dtype }: Kernel, row: number, runs: Int32Array, starts: 0 | 1): boolean {
  for (let at = 0; at < runs.length; at += RUN) {
    const start = row * weight.outStride + runs[at + starts]!;
    for (let k = start; k < start + runs[at + 2]!; k++) if (!isZero(bits[k]!, dtype)) return false;
  }
  return runs.length > 0;
}

/** Zeros of both signs: a mask of zeros makes negative weights -0. */
function isZero(bits: Bits[number], dtype: Kernel['dtype']): boolean {
  if (typeof bits === 'bigint') return (bits & 0x7fffffffffffffffn) === 0n;
  return dtype === 'float32' ? bits << 1 === 0 : (bits & 0x7fff) === 0;
}
