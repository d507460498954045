import { type DType, isHalf, unitOf } from '../../onnx/index.ts';
import type { AreAlike } from './by-factor.ts';

/**
 * How far off the factor of a filter may be, relative to it and in units of its type, when two programs computed it:
 * gamma / sqrt(variance + epsilon) in another order, with an approximate reciprocal root, or a root that is not correctly rounded
 * (torch on some CPUs, by MKL); in half precision of vectors that were rounded before or after.
 */
export const ROUNDING = 2 ** 4;
/**
 * How far apart the quotients of one row's elements may lie: each is the quotient of the factors, give or take two roundings, or
 * three in half precision, where the dense ones are rounded to be compared.
 */
const SPREAD = { half: 6, other: 4 } as const;

/** Whether one factor, near to 1, makes all elements of one row the other's. */
export const areRounded: AreAlike = (a, baseA, b, baseB, { offsets, denseOffsets }, { dtype, tiny }) => {
  const unit = unitOf(dtype);
  const [low, high, spread] = [
    1 - ROUNDING * unit,
    1 + ROUNDING * unit,
    SPREAD[isHalf(dtype) ? 'half' : 'other'] * unit,
  ];
  let [least, most] = [high, low];
  for (let k = 0; k < offsets.length; k++) {
    const [x, y] = [a[baseA + denseOffsets[k]!]!, b[baseB + offsets[k]!]!];
    if (x === y && x === 0) continue;
    const quotient = y / x;
    // What is next to 0 has no more digits than one.
    if (Math.abs(y - x) <= tiny) continue;
    if (!(quotient >= low && quotient <= high)) return false;
    if (quotient < least) least = quotient;
    if (quotient > most) most = quotient;
    if (most - least > spread) return false;
  }
  return true;
};

/** Decimal digits of a value that may be rounded otherwise: far fewer than its type has, so that hardly any lies on an edge. */
const DIGITS = { half: 2, other: 4 } as const;

/** A value of a type as text that is the same, mostly, where another program rounded otherwise on its way. */
export function roughly(value: number, dtype: DType): string {
  return value.toPrecision(DIGITS[isHalf(dtype) ? 'half' : 'other']);
}
