import type { AreAlike } from './by-factor.ts';

/** How far apart the quotients of one row's elements may lie, relative to their size: two roundings of float32 on either side. */
const SPREAD = 2 ** -21;

/** Whether one positive factor makes all elements of one row the other's: BatchNorm's statistics were computed again, and then folded in. */
export const areScaled: AreAlike = (a, baseA, b, baseB, { offsets, denseOffsets }) => {
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
};
