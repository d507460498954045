import { power } from '../../shared/sums.ts';
import type { ValueName } from '../keys.ts';

/** The norm that a value's name stands for. */
export function normOf(row: ArrayLike<number>, value: ValueName): number {
  let sum = 0;
  for (let k = 0; k < row.length; k++) sum += termOf(row[k]!, value);
  return normFrom(sum, row.length, value);
}

/** What one weight adds to a norm's sum. */
export function termOf(weight: number, value: ValueName): number {
  return power(weight, exponentOf(value));
}

/** To which power weights are added up. */
export function exponentOf(value: ValueName): 1 | 2 {
  return value === 'l1' || value === 'mean-abs' ? 1 : 2;
}

/** Whether a value is a norm of weights. */
export function isNorm(value: ValueName): boolean {
  return value !== 'bn-gamma' && value !== 'fpgm' && value !== 'file';
}

/** The norm of `count` weights, whose terms come to `sum`. */
export function normFrom(sum: number, count: number, value: ValueName): number {
  if (value === 'mean-abs') return sum / (count || 1);
  return value === 'l2' ? Math.sqrt(sum) : sum;
}
