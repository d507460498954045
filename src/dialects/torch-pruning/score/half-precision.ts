import { type DType, isHalf, leastOf, unitOf } from '../../../onnx/index.ts';
import { UNIT } from '../../shared/rounding.ts';

/** What scores of such a unit are told apart by, as words. */
export function exactness(unit: number): string {
  return unit > UNIT ? 'weights in half precision tell' : 'float32 arithmetic is exact';
}

export function giveScores(unit: number): string {
  const inFull = unit > UNIT ? 'Export the dense model in float32, or give' : 'Give';
  return `${inFull} the scores that the pruner computed (scores).`;
}

/** Half a unit in the last place of the coarsest numbers that a pruner can have ranked, where its model keeps these. */
export function rankedUnit(dtype: DType): number {
  return isHalf(dtype) ? unitOf(dtype) : UNIT;
}

/**
 * How far a sum of `abs(w) ** p` of `terms` weights may be off that of the pruner, where they are kept in half precision: they are rounded
 * copies of what it ranked (bfloat16 may be cut off, and converters bring nothing nearer to 0 than 1e-7, less than twice the least
 * float16), or it took powers and sums in half precision, as is done with language models.
 */
export function storedError(sum: number, dtype: DType, terms: number, p: number): number {
  if (!isHalf(dtype)) return 0;
  const least = leastOf(dtype);
  return sum * (p + Math.max(3, 2 * p)) * unitOf(dtype) + terms * (p > 1 ? least / 2 : (2 * least) ** p);
}

/** Sums from which on a float16 may have been at its bounds: converters bring what is beyond 1e4 to that, and powers overflow. */
export function isBeyond(sum: number, dtype: DType, p: number): boolean {
  return dtype === 'float16' && !(sum < Math.min(1e4 ** p, 6e4));
}
