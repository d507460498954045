import type { Kernel, RowGroup } from './kernel.ts';
import type { RowMatches } from './rows.ts';

/**
 * How far off the factor of a filter may be, relative to it, when two programs computed it: gamma / sqrt(variance + epsilon) in
 * another order, with an approximate reciprocal root, or a root that is not correctly rounded (torch on some CPUs, by MKL).
 */
export const ROUNDING = 2 ** -20;
/** How far apart the quotients of one row's elements may lie: each is the quotient of the factors, give or take two roundings. */
const SPREAD = 2 ** -22;

/**
 * Pairs rows that no dense row equals with those that they equal but for a factor's rounding.
 * @param matches classes found so far, filled in; a row that equals several classes so makes one of them
 * @returns how many were found
 */
export function matchRoundedRows(
  dense: Kernel,
  pruned: Kernel,
  groups: readonly RowGroup[],
  matches: RowMatches,
): number {
  const [a, b] = [floatsOf(dense), floatsOf(pruned)];
  if (a === null || b === null || !matches.pruned.includes(-1)) return 0;
  let found = 0;
  for (const group of groups) {
    for (let p = group.first; p < group.end; p++) {
      if (matches.pruned[p] !== -1) continue;
      let named = -1;
      for (let d = group.denseFirst; d < group.denseEnd; d++) {
        if (matches.dense[d] !== d) continue;
        if (!isRounded(a, d * dense.weight.outStride, b, p * pruned.weight.outStride, group)) continue;
        if (named < 0) named = d;
        else rename(matches, d, named);
      }
      if (named < 0) continue;
      matches.pruned[p] = named;
      found++;
    }
  }
  return found;
}

/** Makes one class of two. */
export function rename({ dense, pruned }: RowMatches, from: number, to: number): void {
  for (const rows of [dense, pruned]) for (let k = 0; k < rows.length; k++) if (rows[k] === from) rows[k] = to;
}

/** Whether one factor, near to 1, makes all elements of one row the other's. */
function isRounded(a: Float32Array, baseA: number, b: Float32Array, baseB: number, group: RowGroup): boolean {
  const { offsets, denseOffsets } = group;
  let [least, most] = [1 + ROUNDING, 1 - ROUNDING];
  for (let k = 0; k < offsets.length; k++) {
    const [x, y] = [a[baseA + denseOffsets[k]!]!, b[baseB + offsets[k]!]!];
    if (x === y && x === 0) continue;
    const quotient = y / x;
    if (!(quotient >= 1 - ROUNDING && quotient <= 1 + ROUNDING)) return false;
    if (quotient < least) least = quotient;
    if (quotient > most) most = quotient;
    if (most - least > SPREAD) return false;
  }
  return true;
}

/** A kernel's elements where they are float32; null for any other type. */
export function floatsOf({ bits, dtype }: Kernel): Float32Array | null {
  return dtype === 'float32' ? new Float32Array(bits.buffer, bits.byteOffset, bits.length) : null;
}
