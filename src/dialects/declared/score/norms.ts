import type { ValueName } from '../keys.ts';

/** The norm that a value's name stands for. */
export function normOf(row: Float64Array, value: ValueName): number {
  let sum = 0;
  if (value === 'l1' || value === 'mean-abs') for (const w of row) sum += Math.abs(w);
  else for (const w of row) sum += w * w;
  if (value === 'mean-abs') return sum / (row.length || 1);
  return value === 'l2' ? Math.sqrt(sum) : sum;
}
