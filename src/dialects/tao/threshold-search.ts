import type { RetainedIndices } from '../../network/index.ts';
import type { Decision } from './exploration/decision.ts';
import type { Exploration } from './exploration/explore.ts';
import { retainedCount } from './retention.ts';
import type { TaoSpec } from './spec.ts';

/**
 * The threshold with the fewest digits, nearest to the spec's, under which every layer would keep as many filters as it does.
 * @returns null where none does
 */
export function fittingThreshold(
  spec: TaoSpec,
  exploration: Exploration | null,
  actual: (layer: string) => RetainedIndices | null,
): number | null {
  // A threshold is any number from zero.
  let [low, high] = [0, Number.POSITIVE_INFINITY];
  for (const [layer, decision] of exploration?.decisions ?? []) {
    const kept = actual(layer.name);
    if (kept === null || decision.stat === null) continue;
    const range = thresholdsKeeping(kept.length, decision, spec);
    if (range === null) return null;
    low = Math.max(low, range.low);
    high = Math.min(high, range.high);
  }
  return exploration === null || low >= high ? null : shortestIn(low, high, spec.threshold);
}

/** Thresholds from `low` up to but not `high` under which this stat keeps so many filters. */
function thresholdsKeeping(
  kept: number,
  { stat }: Decision,
  spec: TaoSpec,
): { readonly low: number; readonly high: number } | null {
  const descending = stat!.values.slice().sort().reverse();
  const filters = descending.length;
  const passing = Array.from({ length: filters + 1 }, (_, above) => above).filter(
    (above) => retainedCount(above, filters, spec).count === kept,
  );
  const [least, most] = [passing[0], passing.at(-1)];
  if (least === undefined || most === undefined) return null;
  return {
    low: most === filters ? 0 : descending[most]!,
    high: least === 0 ? Number.POSITIVE_INFINITY : descending[least - 1]!,
  };
}

function shortestIn(low: number, high: number, near: number): number | null {
  for (let digits = 0; digits <= 8; digits++) {
    const scale = 10 ** digits;
    const candidate =
      near >= high
        ? Math.ceil(high * scale - 1) / scale
        : Math.ceil(Math.max(low, Math.min(near, high)) * scale) / scale;
    if (candidate >= low && candidate < high) return Number(candidate.toFixed(digits));
  }
  return null;
}
