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

/** Merges the stats of an element-wise group, as `_merge_layerwise_stats` does: numpy float32 over the stacked stats. */
export function mergeAll(stats: readonly Stat[], criterion: Criterion): Stat {
  const rows = stats.map((stat) => stat.values);
  const first = rows[0]!;
  const error = Math.max(...stats.map((stat) => stat.error));
  const fold = (f: (merged: number, value: number) => number): Float32Array | Float64Array =>
    rows.slice(1).reduce((merged, values) => merged.map((m, k) => f(m, values[k]!)), first.slice());
  switch (criterion) {
    case 'union':
      return { values: fold(Math.max), error };
    case 'intersection':
      return { values: fold(Math.min), error };
    case 'arithmetic_mean': {
      const values = fold((sum, x) => sum + x).map((sum) => sum / rows.length);
      return { values, error: Math.max(error, rows.length > 2 ? MEAN_ORDER_ERROR : 0) };
    }
    case 'geometric_mean': {
      const logs = rows.map((values) => values.map(Math.log));
      const sums = logs.slice(1).reduce((merged, values) => merged.map((m, k) => m + values[k]!), logs[0]!.slice());
      return {
        values: sums.map((sum) => Math.exp(roundLike(first, sum / rows.length))),
        error: Math.max(error, LOG_EXP_ERROR),
      };
    }
  }
}

/** Typed arrays round what is stored; this rounds what is not stored yet. */
function roundLike(array: Float32Array | Float64Array, value: number): number {
  return array instanceof Float32Array ? Math.fround(value) : value;
}
