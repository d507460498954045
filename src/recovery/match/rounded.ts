import type { AreAlike } from './by-factor.ts';

/**
 * How far off the factor of a filter may be, relative to it, when two programs computed it: gamma / sqrt(variance + epsilon) in
 * another order, with an approximate reciprocal root, or a root that is not correctly rounded (torch on some CPUs, by MKL).
 */
export const ROUNDING = 2 ** -20;
/** How far apart the quotients of one row's elements may lie: each is the quotient of the factors, give or take two roundings. */
const SPREAD = 2 ** -22;

/** Whether one factor, near to 1, makes all elements of one row the other's. */
export const areRounded: AreAlike = (a, baseA, b, baseB, { offsets, denseOffsets }) => {
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
};
