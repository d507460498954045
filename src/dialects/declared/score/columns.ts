import type { Layer, Network } from '../../../network/index.ts';
import { sumError } from '../../shared/rounding.ts';
import { weightsOf } from '../../shared/weights.ts';
import type { Groups } from '../groups.ts';
import type { ImportanceKeys } from '../keys.ts';
import { normalized } from './normalize.ts';
import { normOf } from './norms.ts';
import type { Scores, Unknown } from './scores.ts';

/** What ModelOpt adds to the largest score before it divides by it (torch/nas/modules/conv.py). */
const GUARD = 1e-9;

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
  importance: ImportanceKeys,
  unfit: (reader: Layer) => Unknown | null,
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
    const found = normalized(
      readerScores(layer, columns, channelOf, size, importance),
      importance.normalize,
      guardOf(importance),
    );
    for (let k = 0; k < size; k++) {
      values[k]! += found.values[k]!;
      errors[k]! += found.errors[k]!;
    }
    readers++;
  }
  return readers === 0 ? null : { values, errors };
}

function guardOf({ normalize }: ImportanceKeys): number {
  return normalize === 'max' ? GUARD : 0;
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

function readerScores(
  { weight }: Layer,
  columns: ReadonlyMap<number, number>,
  channelOf: Int32Array,
  size: number,
  { value, normalize }: ImportanceKeys,
): Scores {
  if (weight === null || 'opaque' in weight) return { values: new Float64Array(size), errors: new Float64Array(size) };
  const all = weightsOf(weight);
  const { outCount, outStride, inStride, kernelOffsets } = weight;
  const factor = normalize === 'tensor-l2' ? 1 / (normOf(Float64Array.from(all), 'l2') || 1) : 1;
  const values = new Float64Array(size);
  const column = new Float64Array(outCount * kernelOffsets.length);
  for (const [at, id] of columns) {
    let n = 0;
    for (let i = 0; i < outCount; i++)
      for (const offset of kernelOffsets) column[n++] = factor * all[i * outStride + at * inStride + offset]!;
    values[channelOf[id]!]! += normOf(column, value);
  }
  return { values, errors: values.map((size_) => size_ * sumError(column.length)) };
}
