import { FIXED_CHANNEL, type Layer, type Weight } from '../../network/index.ts';
import type { ChannelCorrespondence } from '../correspondence.ts';
import { type Kernel, readKernel, valuesOf } from './kernel.ts';
import type { Placed } from './place.ts';
import { roughly } from './rounded.ts';
import type { RowMatches } from './rows.ts';

/** What a kernel holds in the columns of one channel. */
export interface ColumnKey {
  readonly side: 'dense' | 'pruned';
  readonly channel: number;
  /** Equal where two columns hold the same for the same filters. */
  readonly key: string;
}

/** Looks at the columns that are read of the asked channels, in every layer whose rows are sure. */
export function* columnKeys(
  correspondence: ChannelCorrespondence,
  placed: ReadonlyMap<number, Placed>,
  asked: { readonly dense: ReadonlySet<number>; readonly pruned: ReadonlySet<number> },
): Generator<ColumnKey> {
  for (const [id, { matches = null, misplaced, outcome, as = null }] of placed) {
    const [layer, denseLayer] = [correspondence.pruned.layers[id]!, correspondence.partner.get(id)!];
    const [columns, denseColumns] = [
      columnsOf(layer, 0),
      columnsOf(denseLayer, correspondence.calls.get(id)?.[0] ?? 0),
    ];
    if (columns === null || denseColumns === null || !columns.some((channel) => asked.pruned.has(channel))) continue;
    if (misplaced !== null) {
      for (const [at, channel] of columns.entries())
        if (asked.pruned.has(channel)) yield { side: 'pruned', channel, key: `${id} ${misplaced[at]}` };
      for (const [at, channel] of denseColumns.entries())
        if (asked.dense.has(channel)) yield { side: 'dense', channel, key: `${id} ${at}` };
      continue;
    }
    // A depthwise kernel has no columns; its rows are its own channels'.
    if (matches === null || (layer.groups > 1 && layer.kind !== 'conv')) continue;
    const isNear = outcome.kind === 'rounded';
    const own = { columns, asked: asked.pruned, rows: sureRows(matches, false), isNear };
    for (const [channel, key] of keysOf(readKernel(correspondence.pruned, layer, undefined, as), own))
      yield { side: 'pruned', channel, key: `${id} ${key}` };
    const others = { columns: denseColumns, asked: asked.dense, rows: sureRows(matches, true), isNear };
    for (const [channel, key] of keysOf(readKernel(correspondence.dense, denseLayer, undefined, as), others))
      yield { side: 'dense', channel, key: `${id} ${key}` };
  }
}

function columnsOf({ calls }: Layer, call: number): Int32Array | null {
  const columns = calls[call]?.columns;
  return columns instanceof Int32Array ? columns : null;
}

/** Rows that are one dense row and no other, in the order of the pruned ones. */
function sureRows({ dense, pruned }: RowMatches, isDense: boolean): readonly number[] {
  const sizes = new Int32Array(dense.length);
  for (const name of dense) sizes[name]!++;
  return [...pruned.keys()]
    .filter((p) => pruned[p]! >= 0 && sizes[pruned[p]!] === 1)
    .map((p) => (isDense ? pruned[p]! : p));
}

interface AskedColumns {
  /** Channel of each input column. */
  readonly columns: Int32Array;
  readonly asked: ReadonlySet<number>;
  readonly rows: readonly number[];
  /** Whether values may differ by rounding. */
  readonly isNear: boolean;
}

function* keysOf(
  kernel: Kernel | null,
  { columns, asked, rows, isNear }: AskedColumns,
): Generator<readonly [channel: number, key: string]> {
  if (kernel === null || kernel.weight.inCount * kernel.groups !== columns.length) return;
  const { weight, groups } = kernel;
  const { values } = isNear ? valuesOf(kernel) : { values: new Float32Array() };
  const occurrences = new Map<number, number>();
  for (const [at, channel] of columns.entries()) {
    if (channel === FIXED_CHANNEL || !asked.has(channel)) continue;
    const occurrence = occurrences.get(channel) ?? 0;
    occurrences.set(channel, occurrence + 1);
    const group = Math.floor(at / weight.inCount);
    const offset = (at % weight.inCount) * weight.inStride;
    const own = rows.filter((row) => Math.floor((row * groups) / weight.outCount) === group);
    const held = isNear ? roughly(sumOf(values, weight, own, offset), kernel.dtype) : hashOf(kernel, own, offset);
    yield [channel, `${occurrence} ${held}`];
  }
}

function hashOf({ bits, weight }: Kernel, rows: readonly number[], offset: number): string {
  let [one, two] = [0x811c9dc5, 0x9747b28c];
  for (const row of rows) {
    for (const k of weight.kernelOffsets) {
      const stored = bits[row * weight.outStride + offset + k]!;
      const value = typeof stored === 'number' ? stored : Number(stored & 0xffffffffn);
      one = Math.imul(one ^ value, 0x01000193) ^ (one >>> 15);
      two = Math.imul(two ^ value, 0x5bd1e995) ^ (two >>> 13);
    }
  }
  return `${one} ${two}`;
}

/** Of sizes, which nothing cancels, so that rounding stays small against it. */
function sumOf(values: Float32Array, weight: Weight, rows: readonly number[], offset: number): number {
  let sum = 0;
  for (const row of rows)
    for (const k of weight.kernelOffsets) sum += Math.abs(values[row * weight.outStride + offset + k]!);
  return sum;
}
