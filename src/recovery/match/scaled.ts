import { leastOf, unitOf } from '../../onnx/index.ts';
import type { AreAlike } from './by-factor.ts';

/** How far apart the quotients of one row's elements may lie, relative to their size and in units of their type: two roundings on either side. */
const SPREAD = 2 ** 3;

/** Whether one positive factor makes all elements of one row the other's: BatchNorm's statistics were computed again, and then folded in. */
export const areScaled: AreAlike = (a, baseA, b, baseB, { offsets, denseOffsets }, { dtype }) => {
  const [spread, normal] = [SPREAD * unitOf(dtype), leastOf(dtype) / unitOf(dtype) / 2];
  let [least, most] = [Number.POSITIVE_INFINITY, 0];
  for (let k = 0; k < offsets.length; k++) {
    const [x, y] = [a[baseA + denseOffsets[k]!]!, b[baseB + offsets[k]!]!];
    if (x === 0 && y === 0) continue;
    const quotient = y / x;
    // What is next to 0 has fewer digits.
    if (Math.abs(x) < normal && Math.abs(y) < normal) continue;
    if (!(quotient > 0 && quotient < Number.POSITIVE_INFINITY)) return false;
    if (quotient < least) least = quotient;
    if (quotient > most) most = quotient;
    if (most - least > spread * most) return false;
  }
  return most > 0;
};
