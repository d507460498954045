import type { Stat } from './norms/importance.ts';
import type { Criterion } from './spec.ts';

/** numpy's float32 log and exp are CPU-dependent by a few units in the last place (AVX2 and AVX512 code paths). */
const LOG_EXP_ERROR = 2e-6;
/** np.power(x, 0.5) in float32 is within one or two units in the last place of the exact root. */
const POWER_ERROR = 2 ** -22;
/** A float32 mean of three or more stats depends on their order, which for the real pruner is a Python set's. */
const MEAN_ORDER_ERROR = 2 ** -21;

/** Merges a depthwise conv's stat with its parent's, as `_equalize_dw_retained_indices` does: float32, pairwise. */
export function mergePair(parent: Stat, own: Stat, criterion: Criterion): Stat {
  const a = parent.values;
  const b = own.values;
  const error = Math.max(parent.error, own.error);
  switch (criterion) {
    case 'union':
      return { values: a.map((x, k) => Math.max(x, b[k]!)), error };
    case 'intersection':
      return { values: a.map((x, k) => Math.min(x, b[k]!)), error };
    case 'arithmetic_mean':
      return { values: a.map((x, k) => roundLike(a, x + b[k]!) / 2), error };
    case 'geometric_mean':
      return { values: a.map((x, k) => Math.sqrt(roundLike(a, x * b[k]!))), error: Math.max(error, POWER_ERROR) };
  }
}

/** The stats of an element-wise group while they are merged, one behind the other. */
export interface Merged {
  /** Null before the first. */
  sums: Float32Array | Float64Array | null;
  count: number;
  error: number;
}

export function nothingMerged(): Merged {
  return { sums: null, count: 0, error: Number.NEGATIVE_INFINITY };
}

/** Merges one more stat, as `_merge_layerwise_stats` does: numpy float32 over the stacked stats. */
export function mergeIn(merged: Merged, { values, error }: Stat, criterion: Criterion): void {
  const next = criterion === 'geometric_mean' ? values.map(Math.log) : values;
  merged.count += 1;
  merged.error = Math.max(merged.error, error);
  if (merged.sums === null) {
    merged.sums = next.slice();
    return;
  }
  const { sums } = merged;
  const fold = FOLDS[criterion];
  for (let k = 0; k < sums.length; k++) sums[k] = fold(sums[k]!, next[k]!);
}

const add = (sum: number, value: number): number => sum + value;
const FOLDS: Readonly<Record<Criterion, (merged: number, value: number) => number>> = {
  union: Math.max,
  intersection: Math.min,
  arithmetic_mean: add,
  geometric_mean: add,
};

/** The stat that a group is ranked by. @param merged of one stat at least */
export function statOfMerged({ sums, count, error }: Merged, criterion: Criterion): Stat {
  const whole = sums!;
  switch (criterion) {
    case 'union':
    case 'intersection':
      return { values: whole.slice(), error };
    case 'arithmetic_mean':
      return {
        values: whole.map((sum) => sum / count),
        error: Math.max(error, count > 2 ? MEAN_ORDER_ERROR : 0),
      };
    case 'geometric_mean':
      return {
        values: whole.map((sum) => Math.exp(roundLike(whole, sum / count))),
        error: Math.max(error, LOG_EXP_ERROR),
      };
  }
}

/** Typed arrays round what is stored; this rounds what is not stored yet. */
function roundLike(array: Float32Array | Float64Array, value: number): number {
  return array instanceof Float32Array ? Math.fround(value) : value;
}
