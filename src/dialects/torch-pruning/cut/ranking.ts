import type { Scores } from '../score/reduction.ts';

/** The channels that score lowest, and which of them only rounding tells from those that stay. */
export interface Lowest {
  /** Positions, ascending. */
  readonly pruned: readonly number[];
  /** Where which ones go hangs on rounding, or on the order of equal scores: any `pick` of the candidates go. */
  readonly unsure: { readonly candidates: readonly number[]; readonly pick: number } | null;
}

/** `torch.topk(scores, count, largest=False)` or `torch.argsort(scores)[:count]`, of which neither promises an order of equal scores. */
export function lowest({ values, errors }: Scores, count: number): Lowest {
  const order = ascending(values);
  const [low, high] = [order.slice(0, count), order.slice(count)];
  return { pruned: [...low].sort((a, b) => a - b), unsure: unsureBetween(values, errors, low, high) };
}

/**
 * Everything up to the `count`-th lowest score (base_pruner.py:628-630, `imp <= thres`): equal scores all go, so more than
 * `count` may.
 */
export function upToThreshold({ values, errors }: Scores, count: number): Lowest & { readonly threshold: number } {
  const order = ascending(values);
  const threshold = values[order[count - 1]!]!;
  const low = order.filter((k) => values[k]! <= threshold);
  const high = order.filter((k) => values[k]! > threshold);
  const unsure = unsureBetween(values, errors, low, high);
  // What ties with the threshold in our numbers need not do so in float32.
  const sure = low.length - (unsure?.pick ?? 0);
  const pruned = [...low].sort((a, b) => a - b);
  return { pruned, threshold, unsure: unsure === null ? null : { ...unsure, pick: Math.max(1, count - sure) } };
}

function ascending(values: Float64Array): number[] {
  return [...values.keys()].sort((a, b) => values[a]! - values[b]! || a - b);
}

function unsureBetween(
  values: Float64Array,
  errors: Float64Array,
  low: readonly number[],
  high: readonly number[],
): Lowest['unsure'] {
  const most = low.reduce((top, k) => Math.max(top, values[k]! + errors[k]!), -Infinity);
  const least = high.reduce((bottom, k) => Math.min(bottom, values[k]! - errors[k]!), Infinity);
  if (most < least) return null;
  const going = low.filter((k) => values[k]! + errors[k]! >= least);
  const staying = high.filter((k) => values[k]! - errors[k]! <= most);
  return { candidates: [...going, ...staying].sort((a, b) => a - b), pick: going.length };
}
