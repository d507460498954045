/** 1 for the largest value; equal values share a rank, and NaN comes last, as in numpy's argsort(-values). */
export function ranksOf(values: ArrayLike<number>): readonly number[] {
  const sorted = Float64Array.from(values, (value) => -value).sort();
  const first = new Map<number, number>();
  for (let at = sorted.length - 1; at >= 0; at--) first.set(sorted[at]!, at + 1);
  return Array.from(values, (value) => first.get(-value)!);
}
