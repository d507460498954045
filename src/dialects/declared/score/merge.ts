import { UNIT } from '../../shared/rounding.ts';
import type { GroupKeys } from '../keys.ts';
import type { Scores } from './scores.ts';

/** Scores of a group's channels from those of its members, element by element. */
export function mergedScores(members: readonly Scores[], by: GroupKeys['score']): Scores {
  const [first] = members;
  if (first === undefined || members.length === 1 || by === 'first') return first!;
  const size = first.values.length;
  const values = new Float64Array(size);
  const errors = new Float64Array(size);
  for (let k = 0; k < size; k++) {
    const own = members.map((scores) => scores.values[k]!);
    const error = members.reduce((sum, scores) => sum + scores.errors[k]!, 0);
    values[k] = mergedValue(own, by);
    errors[k] = (by === 'mean' ? error / own.length : error) + values[k]! * UNIT * own.length;
  }
  return { values, errors };
}

function mergedValue(values: readonly number[], by: GroupKeys['score']): number {
  switch (by) {
    case 'max':
      return Math.max(...values);
    case 'min':
      return Math.min(...values);
    case 'rss':
      return Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));
    case 'mean':
      return values.reduce((sum, value) => sum + value, 0) / values.length;
    default:
      return values.reduce((sum, value) => sum + value, 0);
  }
}
