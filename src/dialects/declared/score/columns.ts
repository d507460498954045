import type { ReusableBuffer } from '../../../bytes/index.ts';
import { type Layer, type Network, once, type Weight } from '../../../network/index.ts';
import { sumError } from '../../shared/rounding.ts';
import { weightsOf } from '../../shared/weights.ts';
import type { Groups } from '../groups.ts';
import type { ImportanceKeys, ValueName } from '../keys.ts';
import { normalized } from './normalize.ts';
import { normFrom, normOf, termOf } from './norms.ts';
import type { Scores, Unknown } from './scores.ts';
import type { WeightSums } from './weight-sums.ts';

/** What ModelOpt adds to the largest score before it divides by it (torch/nas/modules/conv.py). */
const GUARD = 1e-9;

/** Norms of a layer's input columns, over all its filters. */
export type ColumnNorms = (layer: Layer) => Float64Array;

/** Norms under any importance, each kind of which is found once. */
export function columnReader(sums: WeightSums): (importance: ImportanceKeys) => ColumnNorms {
  const known = new Map<string, ColumnNorms>();
  return ({ value, normalize }) => {
    const isScaled = normalize === 'tensor-l2';
    const key = `${value} ${isScaled}`;
    const found = known.get(key) ?? once(({ weight }: Layer) => columnNorms(weight, value, isScaled, sums));
    known.set(key, found);
    return found;
  };
}

/**
 * Scores of a group's channels by the columns that read them: those of ungrouped convolutions, and of linear layers that read each
 * channel once (behind no flatten), added up over the readers.
 * @param unfit why a reader's weights tell nothing; null where they do
 * @returns null where nothing reads them so
 */
export function columnScores(
  network: Network,
  { all, groupOf, channelOf }: Groups,
  position: number,
  { normalize }: ImportanceKeys,
  { normsOf, unfit }: { readonly normsOf: ColumnNorms; readonly unfit: (reader: Layer) => Unknown | null },
): Scores | Unknown | null {
  const { size } = all[position]!;
  const values = new Float64Array(size);
  const errors = new Float64Array(size);
  let readers = 0;
  for (const layer of network.prunable.values()) {
    const columns = columnsOf(layer, (id) => groupOf[id] === position);
    if (columns === null) continue;
    const unknown = unfit(layer);
    if (unknown !== null) return unknown;
    const found = normalized(readerScores(layer, columns), normalize, normalize === 'max' ? GUARD : 0);
    for (let k = 0; k < size; k++) {
      values[k]! += found.values[k]!;
      errors[k]! += found.errors[k]!;
    }
    readers++;
  }
  return readers === 0 ? null : { values, errors };

  function readerScores(layer: Layer, columns: ReadonlyMap<number, number>): Scores {
    const norms = normsOf(layer);
    const own = new Float64Array(size);
    for (const [at, id] of columns) own[channelOf[id]!]! += norms[at]!;
    return { values: own, errors: own.map((norm) => norm * sumError(termsOf(layer))) };
  }
}

/** The columns of a reader that belong to a group, with their channels; null where it reads none, or in another way. */
function columnsOf(
  { calls, groups, weight }: Layer,
  isOwn: (id: number) => boolean,
): ReadonlyMap<number, number> | null {
  const columns = calls[0]?.columns;
  if (groups !== 1 || weight === null || 'opaque' in weight || !(columns instanceof Int32Array)) return null;
  const own = new Map<number, number>();
  const seen = new Set<number>();
  for (const [at, id] of columns.entries()) {
    if (id < 0 || !isOwn(id)) continue;
    // Flattened, a channel stands in several columns.
    if (seen.has(id)) return null;
    seen.add(id);
    own.set(at, id);
  }
  return own.size === 0 ? null : own;
}

/** Weights of one input column. */
function termsOf({ weight }: Layer): number {
  return weight === null || 'opaque' in weight ? 0 : weight.outCount * weight.kernelOffsets.length;
}

function columnNorms(weight: Layer['weight'], value: ValueName, isScaled: boolean, sums: WeightSums): Float64Array {
  if (weight === null || 'opaque' in weight) return new Float64Array(0);
  const terms = weight.outCount * weight.kernelOffsets.length;
  return (isScaled ? scaledColumns(weight, value, sums.buffer) : sums.columns(weight, value)).map((sum) =>
    normFrom(sum, terms, value),
  );
}

/** Sums over each column's weights once these were divided by the norm of all. */
function scaledColumns(weight: Weight, value: ValueName, buffer: ReusableBuffer): Float64Array {
  const all = weightsOf(weight, buffer);
  const { outCount, outStride, inCount, inStride, kernelOffsets } = weight;
  const factor = 1 / (normOf(all, 'l2') || 1);
  const sums = new Float64Array(inCount);
  for (let i = 0; i < outCount; i++)
    for (let j = 0; j < inCount; j++)
      for (const offset of kernelOffsets)
        sums[j]! += termOf(factor * all[i * outStride + j * inStride + offset]!, value);
  return sums;
}
