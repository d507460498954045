import type { Kernel, RowGroup } from './kernel.ts';
import { floatsOf, rename } from './rounded.ts';
import type { RowMatches } from './rows.ts';

/** How far apart the quotients of one row's elements may lie, relative to their size: two roundings of float32 on either side. */
const SPREAD = 2 ** -21;

/**
 * Pairs rows that no dense row equals with those that they equal but for a positive factor: BatchNorm's statistics were computed
 * again, and then folded in.
 * @param matches classes found so far, filled in; a row that equals several classes so makes one of them
 * @returns how many were found
 */
export function matchScaledRows(
  dense: Kernel,
  pruned: Kernel,
  groups: readonly RowGroup[],
  matches: RowMatches,
): number {
  const [a, b] = [floatsOf(dense), floatsOf(pruned)];
  if (a === null || b === null) return 0;
  let found = 0;
  for (const group of groups) {
    for (let p = group.first; p < group.end; p++) {
      if (matches.pruned[p] !== -1) continue;
      let named = -1;
      for (let d = group.denseFirst; d < group.denseEnd; d++) {
        if (matches.dense[d] !== d) continue;
        if (!isScaled(a, d * dense.weight.outStride, b, p * pruned.weight.outStride, group)) continue;
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

/** Whether one positive factor makes all elements of one row the other's. */
function isScaled(a: Float32Array, baseA: number, b: Float32Array, baseB: number, group: RowGroup): boolean {
  const { offsets, denseOffsets } = group;
  let [least, most] = [Number.POSITIVE_INFINITY, 0];
  for (let k = 0; k < offsets.length; k++) {
    const [x, y] = [a[baseA + denseOffsets[k]!]!, b[baseB + offsets[k]!]!];
    if (x === 0 && y === 0) continue;
    const quotient = y / x;
    if (!(quotient > 0 && quotient < Number.POSITIVE_INFINITY)) return false;
    if (quotient < least) least = quotient;
    if (quotient > most) most = quotient;
    if (most - least > SPREAD * most) return false;
  }
  return most > 0;
}
