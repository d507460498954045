import type { ReusableBuffer } from '../../../bytes/index.ts';
import { type FilterBlock, filterBlocks, type Layer, type Weight } from '../../../network/index.ts';
import { distanceSums } from '../../shared/distances.ts';
import { sumError } from '../../shared/rounding.ts';
import { weightsOf } from '../../shared/weights.ts';
import type { ImportanceKeys, ValueName } from '../keys.ts';
import { normalized } from './normalize.ts';
import { isNorm, normFrom, normOf } from './norms.ts';
import type { Scores } from './scores.ts';
import type { WeightSums } from './weight-sums.ts';

/** Whether an input column is left, of all columns of the layer's whole input. */
export type IsLeft = (column: number) => boolean;

/**
 * Scores of a layer's filters by its own weights.
 * @param isLeft for a pruner that cuts as it goes: which input columns earlier groups left; null where all are
 */
export function rowScores(
  layer: Layer,
  weight: Weight,
  { value, normalize }: ImportanceKeys,
  isLeft: IsLeft | null,
  sums: WeightSums,
): Scores {
  if (isLeft === null && isSummedUp({ value, normalize }))
    return normalized(scoresBySums(weight, value, sums), normalize, 0);
  const rows = rowsOf(layer, weight, isLeft, sums.buffer);
  const factor = normalize === 'tensor-l2' ? 1 / (lengthOf(rows) || 1) : 1;
  const scores =
    value === 'fpgm'
      ? distanceSums(Array.from({ length: rows.count }, (_, i) => rows.read(i, factor).slice()))
      : normsOf(rows, (i) => normOf(rows.read(i, factor), value));
  return normalized(scores, normalize, 0);
}

/** Whether a filter's score is made of the sum over its weights alone, as far as it goes for whole filters. */
export function isSummedUp({ value, normalize }: Pick<ImportanceKeys, 'value' | 'normalize'>): boolean {
  return isNorm(value) && normalize !== 'tensor-l2';
}

function scoresBySums(weight: Weight, value: ValueName, sums: WeightSums): Scores {
  const terms = weight.inCount * weight.kernelOffsets.length;
  const values = sums.rows(weight, value).map((sum) => normFrom(sum, terms, value));
  return { values, errors: values.map((size) => size * sumError(terms)) };
}

/** A layer's filters, of which one is held at a time: all of them in float64 would be twice the layer. */
interface Rows {
  readonly count: number;
  /** Weights of a filter. */
  readonly terms: number;
  /** Each weight times `factor`; lasts until the next one is read. */
  read(row: number, factor: number): Float64Array;
}

function rowsOf({ groups, kind }: Layer, weight: Weight, isLeft: IsLeft | null, buffer: ReusableBuffer): Rows {
  const { outCount, outStride, inCount, inStride, kernelOffsets } = weight;
  // Filters are read in order, so that one block of them is held, and no whole kernel.
  const blocks = filterBlocks(weight);
  let open: { readonly block: FilterBlock; readonly values: Float32Array | Float64Array } | null = null;
  const blockOf = (row: number) => {
    if (open === null || row < open.block.first || row >= open.block.first + open.block.weight.outCount) {
      const block = blocks.findLast(({ first }) => first <= row)!;
      open = { block, values: weightsOf(block.weight, buffer) };
    }
    return open;
  };
  const perBlock = outCount / groups;
  const all = Array.from({ length: inCount }, (_, j) => j);
  // A depthwise filter has no columns but its own.
  const isWhole = isLeft === null || kind === 'depthwise';
  const left = Array.from({ length: groups }, (_, block) =>
    isWhole ? all : all.filter((j) => isLeft(block * inCount + j)),
  );
  const held = new Float64Array(inCount * kernelOffsets.length);
  return {
    count: outCount,
    terms: left[0]!.length * kernelOffsets.length,
    read(row, factor) {
      const { block, values } = blockOf(row);
      const start = (row - block.first) * outStride;
      let n = 0;
      for (const j of left[Math.floor(row / perBlock)]!)
        for (const offset of kernelOffsets) held[n++] = values[start + j * inStride + offset]! * factor;
      return held.subarray(0, n);
    },
  };
}

function normsOf({ count, terms }: Rows, normOfRow: (row: number) => number): Scores {
  const values = Float64Array.from({ length: count }, (_, i) => normOfRow(i));
  return { values, errors: values.map((size) => size * sumError(terms)) };
}

function lengthOf(rows: Rows): number {
  let sum = 0;
  for (let i = 0; i < rows.count; i++) sum += normOf(rows.read(i, 1), 'l2sq');
  return Math.sqrt(sum);
}
