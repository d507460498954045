import { once, type RetainedIndices } from '../../network/index.ts';
import type { Tie } from '../explained.ts';
import { argsortDescending } from './argsort.ts';
import type { Stat } from './norms/importance.ts';
import type { TaoSpec } from './spec.ts';

/** Which of the rule's steps fixed the number of filters; `all` where every filter passes. */
export type CountRule = 'threshold' | 'minimum' | 'granularity' | 'all';

/** The one-layer rule applied to one (own or merged) stat. */
export interface Retention {
  readonly retained: RetainedIndices;
  readonly tie: Tie | null;
  readonly rule: CountRule;
  /** Filters above the threshold. */
  readonly passing: number;
}

/** Counts that the pruner may arrive at: more than one where a stat lies within its error of the threshold; nominal first. */
export function possibleCounts(stat: Stat, spec: TaoSpec): readonly number[] {
  const threshold = thresholdFor(stat, spec);
  const nominal = passing(stat.values, threshold);
  if (stat.error === 0) return [retainedCount(nominal, stat.values.length, spec).count];
  const least = passing(stat.values, threshold * (1 + stat.error));
  const most = passing(stat.values, threshold * (1 - stat.error));
  const counts = Array.from(
    { length: most - least + 1 },
    (_, k) => retainedCount(least + k, stat.values.length, spec).count,
  );
  return [...new Set([retainedCount(nominal, stat.values.length, spec).count, ...counts])];
}

/**
 * `_get_retained_idx`: count what exceeds the threshold, at least min_num_filters, rounded up to the granularity, at most
 * all; then the largest stats. numpy's argsort is unstable, so equal stats on the cut are a tie, unless the spec says whose
 * argsort it is.
 * @param count one of `possibleCounts`
 */
export function retain(stat: Stat, spec: TaoSpec, count: number): Retention {
  const { values, error } = stat;
  const above = passing(values, thresholdFor(stat, spec));
  const { rule } = retainedCount(above, values.length, spec);
  if (count >= values.length) return { retained: indicesWhere(values, () => true), tie: null, rule, passing: above };
  if (spec.ties === 'numpy-1.24' && error === 0) {
    const first = argsortDescending(values).subarray(0, count);
    return { retained: [...first.sort()], tie: null, rule, passing: above };
  }
  return { ...cutAt(stat, count), rule, passing: above };
}

/** The filters of the largest stats. @param count fewer than there are */
function cutAt({ values, error }: Stat, count: number): Pick<Retention, 'retained' | 'tie'> {
  const cut = cutValue(values, count);
  const isNumber = !Number.isNaN(cut);
  const above: number[] = [];
  const equal: number[] = [];
  for (let k = 0; k < values.length; k++) {
    const value = values[k]!;
    // np.argsort(-stat) puts NaN last, so a NaN at the cut means that every number is above it.
    if (isNumber ? value > cut : !Number.isNaN(value)) above.push(k);
    else if (!isNumber || value === cut) equal.push(k);
  }
  const retained = ascending(above, equal.slice(0, count - above.length));
  const isNear = (value: number): boolean => Math.abs(value - cut) <= error * Math.max(Math.abs(value), Math.abs(cut));
  const certain = error === 0 ? above : above.filter((k) => !isNear(values[k]!));
  const candidates = error === 0 || !isNumber ? equal : indicesWhere(values, (value) => value === cut || isNear(value));
  const pick = count - certain.length;
  return { retained, tie: candidates.length > pick ? { certain, candidates, pick } : null };
}

/** Both lists as one; each is ascending. */
function ascending(a: readonly number[], b: readonly number[]): number[] {
  const merged: number[] = [];
  for (let i = 0, k = 0; i < a.length || k < b.length; )
    merged.push(k === b.length || (i < a.length && a[i]! < b[k]!) ? a[i++]! : b[k++]!);
  return merged;
}

/** The stat of the last filter that stays: the `count`-th largest, NaN counting as smallest. */
function cutValue(values: Float32Array | Float64Array, count: number): number {
  const ascending = inOrder(values);
  let numbers = ascending.length;
  while (Number.isNaN(ascending[numbers - 1])) numbers--;
  return count > numbers ? Number.NaN : ascending[numbers - count]!;
}

/** The same values are asked about for each threshold and each layer that shares them. */
const inOrder = once((values: Float32Array | Float64Array) => values.slice().sort());

export function indicesWhere(values: Float32Array | Float64Array, holds: (value: number) => boolean): number[] {
  const indices: number[] = [];
  for (let k = 0; k < values.length; k++) if (holds(values[k]!)) indices.push(k);
  return indices;
}

/** numpy compares a float32 array with a Python float in float32. */
export function thresholdFor(stat: Stat, spec: TaoSpec): number {
  return stat.values instanceof Float32Array ? Math.fround(spec.threshold) : spec.threshold;
}

export function passing(values: Float32Array | Float64Array, threshold: number): number {
  let count = 0;
  for (let k = 0; k < values.length; k++) if (values[k]! > threshold) count++;
  return count;
}

export function retainedCount(
  above: number,
  filters: number,
  spec: TaoSpec,
): { readonly count: number; readonly rule: CountRule } {
  const least = Math.min(spec.minNumFilters, filters);
  const atLeast = Math.max(least, above);
  const rounded = Math.ceil(atLeast / spec.granularity) * spec.granularity;
  const count = Math.min(rounded, filters);
  if (above === filters) return { count, rule: 'all' };
  if (above < least) return { count, rule: 'minimum' };
  return { count, rule: count === above ? 'threshold' : 'granularity' };
}
