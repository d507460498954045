import { type DType, leastOf } from '../../onnx/index.ts';
import { type Kernel, valuesOf } from './kernel.ts';
import type { RowGroup } from './row-group.ts';
import type { RowMatches } from './rows.ts';

/** Whether the elements of two rows, of values of one type, are alike, for all of a group's offsets from the bases of either. */
export type AreAlike = (
  a: Float32Array,
  baseA: number,
  b: Float32Array,
  baseB: number,
  group: RowGroup,
  precision: Precision,
) => boolean;

/** What of two values may be rounding. */
export interface Precision {
  readonly dtype: DType;
  /** How far apart values next to 0 may lie, which have no more digits. */
  readonly tiny: number;
}

/**
 * Pairs rows that no dense row equals with those that are alike but for a factor.
 * @param matches classes found so far, filled in; a row that is alike to several classes makes one of them
 * @returns how many were found
 */
export function matchByFactor(
  dense: Kernel,
  pruned: Kernel,
  groups: readonly RowGroup[],
  matches: RowMatches,
  areAlike: AreAlike,
): number {
  if (!matches.pruned.includes(-1)) return 0;
  const [{ values: a }, { values: b }] = [valuesOf(dense), valuesOf(pruned)];
  // Its values are those of float32 at most.
  const dtype = pruned.dtype === 'float64' ? 'float32' : pruned.dtype;
  let found = 0;
  for (const group of groups) {
    for (let p = group.first; p < group.end; p++) {
      if (matches.pruned[p] !== -1) continue;
      let named = -1;
      for (let d = group.denseFirst; d < group.denseEnd; d++) {
        if (matches.dense[d] !== d) continue;
        // What was rounded before BatchNorm was folded in was multiplied since.
        const tiny = 2 * leastOf(dtype) * Math.max(1, Math.abs(dense.weight.rowScale?.[d] ?? 1));
        if (!areAlike(a, d * dense.weight.outStride, b, p * pruned.weight.outStride, group, { dtype, tiny })) continue;
        if (named < 0) named = d;
        else rename(matches, d, named);
      }
      if (named < 0) continue;
      matches.pruned[p] = named;
      found++;
    }
  }
  return found;
}

/** Makes one class of two. */
function rename({ dense, pruned }: RowMatches, from: number, to: number): void {
  for (const rows of [dense, pruned]) for (let k = 0; k < rows.length; k++) if (rows[k] === from) rows[k] = to;
}
