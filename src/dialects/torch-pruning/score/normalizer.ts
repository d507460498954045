import { sumError, UNIT } from '../../shared/rounding.ts';
import type { Rounded } from './reduction.ts';

/** Normalized scores. */
export interface Normalized extends Rounded {
  /** What of the errors may change the order within the group: one divisor is wrong for all alike. */
  readonly orderErrors: Float64Array;
}

/** `_normalize` (importance.py:115-137). */
export function normalize(scores: Rounded, normalizer: string | null): Normalized {
  const { values, errors, unit } = scores;
  const largest = (of: Float64Array): number => of.reduce((most, value) => Math.max(most, value), 0);
  const size = values.length;
  const sum = values.reduce((total, value) => total + value, 0);
  const least = values.reduce((low, value) => Math.min(low, value), Infinity);
  const most = values.reduce((high, value) => Math.max(high, value), -Infinity);
  const divided = (divisor: number, error: number): Normalized => shifted(scores, 0, divisor, error);
  if (normalizer === null) return { ...scores, orderErrors: errors };
  if (normalizer.startsWith('sentinel_')) {
    const at = Math.trunc(Number(normalizer.slice('sentinel_'.length)) * size);
    const sentinel = values.slice().sort()[at] ?? Number.NaN;
    return divided(sentinel + 1e-8, largest(errors));
  }
  switch (normalizer) {
    case 'sum':
      return divided(sum, largest(errors) * size + sumOff(size, unit) * Math.abs(sum));
    case 'mean':
      return divided(sum / size, largest(errors) + sumOff(size, unit) * Math.abs(sum / size));
    case 'max':
      return divided(most, largest(errors));
    case 'standarization':
      return shifted(scores, least, most - least + 1e-8, 2 * largest(errors));
    case 'gaussian': {
      const mean = sum / size;
      const deviation = Math.sqrt(values.reduce((total, value) => total + (value - mean) ** 2, 0) / (size - 1));
      return shifted(scores, mean, deviation + 1e-8, 2 * largest(errors) + sumOff(size, unit) * deviation);
    }
    default:
      return lamp(scores);
  }
}

/** Relative error of a sum: half precision, too, is added up in float32, and the sum rounded. */
function sumOff(terms: number, unit: number): number {
  return sumError(terms) + (unit > UNIT ? unit : 0);
}

function shifted({ values, errors, unit }: Rounded, offset: number, divisor: number, divisorError: number): Normalized {
  const normalized = values.map((value) => (value - offset) / divisor);
  const offsetError = offset === 0 ? 0 : errors.reduce((most, error) => Math.max(most, error), 0);
  // Subtraction and division are monotone in float32 and narrower types too: they make equal what they do not keep apart.
  const orderErrors = errors.map((error, k) => error / Math.abs(divisor) + 2 * unit * Math.abs(normalized[k]!));
  return {
    values: normalized,
    unit,
    orderErrors,
    errors: orderErrors.map(
      (error, k) => error + (offsetError + Math.abs(normalized[k]!) * divisorError) / Math.abs(divisor),
    ),
  };
}

/**
 * `_lamp` (importance.py:97-113): each score over the sum of all that are not smaller. Scores that float32 may hold for
 * equal stand in any order, and any of them may get what the others get.
 */
function lamp({ values, errors, unit }: Rounded): Normalized {
  const order = [...values.keys()].sort((a, b) => values[a]! - values[b]!);
  const sum = values.reduce((total, value) => total + value, 0);
  // Partial sums of half precision are each rounded to it.
  const rounding =
    (sumError(values.length) + (unit > UNIT ? unit * values.length : 0)) * sum +
    errors.reduce((total, error) => total + error, 0);
  const normalized = new Float64Array(values.length);
  const whole = new Float64Array(values.length);
  const orderErrors = new Float64Array(values.length);
  let before = 0;
  for (let k = 0; k < order.length; ) {
    let end = k + 1;
    while (end < order.length && isNear(order[end - 1]!, order[end]!)) end++;
    const near = order.slice(k, end);
    let rest = sum - before;
    for (const channel of near) {
      normalized[channel] = values[channel]! / rest;
      rest -= values[channel]!;
      before += values[channel]!;
    }
    const spread = normalized[near.at(-1)!]! - normalized[near[0]!]!;
    for (const channel of near) {
      const denominator = values[channel]! / normalized[channel]!;
      orderErrors[channel] = spread + (errors[channel]! + unit * values[channel]!) / denominator;
      whole[channel] = orderErrors[channel]! + (Math.abs(normalized[channel]!) * rounding) / denominator;
    }
    k = end;
  }
  return { values: normalized, errors: whole, orderErrors, unit };

  function isNear(a: number, b: number): boolean {
    return values[b]! - values[a]! <= errors[a]! + errors[b]!;
  }
}
