import { sumError } from '../../shared/rounding.ts';
import type { ImportanceKeys } from '../keys.ts';
import { normOf } from './norms.ts';
import type { Scores } from './scores.ts';

/**
 * A layer's scores over what they are divided by. Scores of zeros stay zeros.
 * @param guard what the pruner adds to the divisor
 */
export function normalized(scores: Scores, by: ImportanceKeys['normalize'], guard: number): Scores {
  const divisor = divisorOf(scores.values, by) + guard;
  if (divisor === 1 || divisor === 0) return scores;
  const error = sumError(scores.values.length);
  const values = scores.values.map((value) => value / divisor);
  return { values, errors: scores.errors.map((own, k) => own / divisor + values[k]! * error) };
}

function divisorOf(values: Float64Array, by: ImportanceKeys['normalize']): number {
  const sum = (): number => values.reduce((total, value) => total + value, 0);
  switch (by) {
    case 'none':
    case 'tensor-l2':
      return 1;
    case 'max':
      return values.reduce((most, value) => Math.max(most, value), 0);
    case 'sum':
      return sum();
    case 'mean':
      return sum() / (values.length || 1);
    case 'l2':
      return normOf(values, 'l2');
  }
}
