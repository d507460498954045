import type { Layer, Weight } from '../../../network/index.ts';
import { distanceSums } from '../../shared/distances.ts';
import { sumError } from '../../shared/rounding.ts';
import { weightsOf } from '../../shared/weights.ts';
import type { ImportanceKeys, ValueName } from '../keys.ts';
import { normalized } from './normalize.ts';
import { normOf } from './norms.ts';
import type { Scores } from './scores.ts';

/** Whether an input column is left, of all columns of the layer's whole input. */
export type IsLeft = (column: number) => boolean;

/**
 * Scores of a layer's filters by its own weights.
 * @param isLeft for a pruner that cuts as it goes: which input columns earlier groups left; null where all are
 */
export function rowScores(layer: Layer, weight: Weight, importance: ImportanceKeys, isLeft: IsLeft | null): Scores {
  const rows = rowsOf(layer, weight, isLeft);
  const terms = rows[0]?.length ?? 0;
  const factor = importance.normalize === 'tensor-l2' ? 1 / (lengthOf(rows) || 1) : 1;
  if (factor !== 1) for (const row of rows) for (let k = 0; k < row.length; k++) row[k]! *= factor;
  const scores = importance.value === 'fpgm' ? distanceSums(rows) : normsOf(rows, importance.value, terms);
  return normalized(scores, importance.normalize, 0);
}

function rowsOf({ groups, kind }: Layer, weight: Weight, isLeft: IsLeft | null): Float64Array[] {
  const values = weightsOf(weight);
  const { outCount, outStride, inCount, inStride, kernelOffsets } = weight;
  const perBlock = outCount / groups;
  return Array.from({ length: outCount }, (_, i) => {
    const first = Math.floor(i / perBlock) * inCount;
    // A depthwise filter has no columns but its own.
    const columns = Array.from({ length: inCount }, (_, j) => j).filter(
      (j) => isLeft === null || kind === 'depthwise' || isLeft(first + j),
    );
    const row = new Float64Array(columns.length * kernelOffsets.length);
    let n = 0;
    for (const j of columns)
      for (const offset of kernelOffsets) row[n++] = values[i * outStride + j * inStride + offset]!;
    return row;
  });
}

function normsOf(rows: readonly Float64Array[], value: ValueName, terms: number): Scores {
  const values = Float64Array.from(rows, (row) => normOf(row, value));
  return { values, errors: values.map((size) => size * sumError(terms)) };
}

function lengthOf(rows: readonly Float64Array[]): number {
  return Math.sqrt(rows.reduce((sum, row) => sum + normOf(row, 'l2sq'), 0));
}
