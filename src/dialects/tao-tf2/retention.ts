import type { RetainedIndices } from '../../network/index.ts';
import type { Tie } from '../types.ts';
import type { Stat } from './importance.ts';
import type { TaoSpec } from './spec.ts';

/** Which of the rule's steps fixed the number of filters. */
export type CountRule = 'threshold' | 'minimum' | 'granularity' | 'all';

/** The one-layer rule applied to one (own or merged) stat. */
export interface Retention {
  readonly retained: RetainedIndices;
  readonly tie: Tie | null;
  readonly rule: CountRule;
  /** Filters above the threshold. */
  readonly passing: number;
  /** Filters in descending order of their stat. */
  readonly order: readonly number[];
}

/** Counts that the pruner may arrive at: more than one where a stat lies within its error of the threshold; nominal first. */
export function possibleCounts(stat: Stat, spec: TaoSpec): readonly number[] {
  const threshold = thresholdFor(stat, spec);
  const nominal = passing(stat.values, threshold);
  if (stat.error === 0) return [retainedCount(nominal, stat.values.length, spec).count];
  const least = passing(stat.values, threshold * (1 + stat.error));
  const most = passing(stat.values, threshold * (1 - stat.error));
  const counts = Array.from({ length: most - least + 1 }, (_, k) => retainedCount(least + k, stat.values.length, spec).count);
  return [...new Set([retainedCount(nominal, stat.values.length, spec).count, ...counts])];
}

/**
 * `_get_retained_idx`: count what exceeds the threshold, at least min_num_filters, rounded up to the granularity, at most
 * all; then the largest stats. numpy's argsort is unstable, so equal stats on the cut are a tie.
 * @param count one of `possibleCounts`
 */
export function retain(stat: Stat, spec: TaoSpec, count: number): Retention {
  const { values, error } = stat;
  const order = Array.from(values.keys()).sort((a, b) => descending(values[a]!, values[b]!) || a - b);
  const above = passing(values, thresholdFor(stat, spec));
  const { rule } = retainedCount(above, values.length, spec);
  const retained = order.slice(0, count).sort((a, b) => a - b);
  return { retained, tie: tieAt(values, order, count, error), rule, passing: above, order };
}

/** numpy compares a float32 array with a Python float in float32. */
function thresholdFor(stat: Stat, spec: TaoSpec): number {
  return stat.values instanceof Float32Array ? Math.fround(spec.threshold) : spec.threshold;
}

function passing(values: Float32Array | Float64Array, threshold: number): number {
  let count = 0;
  for (const value of values) if (value > threshold) count++;
  return count;
}

function retainedCount(above: number, filters: number, spec: TaoSpec): { readonly count: number; readonly rule: CountRule } {
  const least = Math.min(spec.minNumFilters, filters);
  const atLeast = Math.max(least, above);
  const rounded = Math.ceil(atLeast / spec.granularity) * spec.granularity;
  if (rounded >= filters) return { count: filters, rule: 'all' };
  if (above < least) return { count: rounded, rule: 'minimum' };
  return { count: rounded, rule: rounded === above ? 'threshold' : 'granularity' };
}

/** np.argsort(-stat): descending, NaN last. */
function descending(a: number, b: number): number {
  if (Number.isNaN(a) || Number.isNaN(b)) return Number(Number.isNaN(a)) - Number(Number.isNaN(b));
  return b - a;
}

function tieAt(values: Float32Array | Float64Array, order: readonly number[], count: number, error: number): Tie | null {
  if (count >= order.length || count === 0) return null;
  const cut = values[order[count - 1]!]!;
  const near = (value: number): boolean =>
    value === cut || (Number.isNaN(value) && Number.isNaN(cut)) || Math.abs(value - cut) <= error * Math.max(Math.abs(value), Math.abs(cut));
  const candidates = order.filter((filter) => near(values[filter]!)).sort((a, b) => a - b);
  const certain = order.slice(0, count).filter((filter) => !near(values[filter]!)).sort((a, b) => a - b);
  const pick = count - certain.length;
  return candidates.length > pick ? { certain, candidates, pick } : null;
}
