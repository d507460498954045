/** Half a unit in the last place of float32: the relative error of one rounded operation. */
export const UNIT = 2 ** -24;

/**
 * Relative error of torch's sum of `terms` numbers of one sign, each with a rounded power. Its order depends on the
 * processor and the number of threads, but it adds in blocks of blocks (aten/src/ATen/native/cpu/SumKernel.cpp, four
 * levels), so the error grows like the fourth root of the number of terms, not like their number.
 */
export function sumError(terms: number): number {
  return UNIT * (4 + 4 * terms ** 0.25);
}
