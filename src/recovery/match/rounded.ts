import type { Kernel, RowGroup } from './kernel.ts';

/**
 * How far off the factor of a filter may be, relative to it, when two programs computed it: gamma / sqrt(variance + epsilon) in
 * another order, with an approximate reciprocal root, or a root that is not correctly rounded (torch on some CPUs, by MKL).
 */
export const ROUNDING = 2 ** -20;
/** How far apart the quotients of one row's elements may lie: each is the quotient of the factors, give or take two roundings. */
const SPREAD = 2 ** -22;

/**
 * Pairs rows that no dense row equals with those that they equal but for a factor's rounding.
 * @param first dense filters found so far, filled in
 * @param several all dense filters of a row where there are several, filled in
 * @returns how many were found
 */
export function matchRoundedRows(
  dense: Kernel,
  pruned: Kernel,
  groups: readonly RowGroup[],
  first: Int32Array,
  several: Map<number, readonly number[]>,
): number {
  const [a, b] = [floatsOf(dense), floatsOf(pruned)];
  if (a === null || b === null) return 0;
  let found = 0;
  for (const group of groups) {
    for (let p = group.first; p < group.end; p++) {
      if (first[p] !== -1) continue;
      const rows: number[] = [];
      for (let d = group.denseFirst; d < group.denseEnd; d++)
        if (isRounded(a, d * dense.weight.outStride, b, p * pruned.weight.outStride, group)) rows.push(d);
      if (rows.length === 0) continue;
      first[p] = rows[0]!;
      if (rows.length > 1) several.set(p, rows);
      found++;
    }
  }
  return found;
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

function floatsOf({ bits, dtype }: Kernel): Float32Array | null {
  return dtype === 'float32' ? new Float32Array(bits.buffer, bits.byteOffset, bits.length) : null;
}
