import { type ReusableBuffer, webAssembly } from '../../bytes/index.ts';
import type { Weight } from '../../network/index.ts';
import { behindWeights, roomBehindWeights } from './behind-weights.ts';
import { SUMS_WASM } from './sums.generated.ts';

/** Where a kernel's weights lie, and in which order they are added up: for each filter, for each column its positions. */
export type Walk = Pick<Weight, 'outCount' | 'outStride' | 'inCount' | 'inStride' | 'kernelOffsets'>;

/** Filters that sums.wat takes at a time. */
const LANES = 4;

interface SumsModule {
  sums(
    weights: number,
    rows: number,
    row: number,
    columns: number,
    column: number,
    offsets: number,
    positions: number,
    isSquare: 0 | 1,
    rowSums: number,
    columnSums: number,
  ): void;
}

const sumsModule = webAssembly<SumsModule>(SUMS_WASM);

/**
 * Adds up `abs(w) ** p` over filters and over columns, in float64, a column's positions first. Where the weights lie in WebAssembly's memory with room
 * behind them, it is done there: cold JavaScript takes several times as long.
 * @param rows filled in, one for each filter
 * @param columns added to, filter after filter; null where nobody asks
 */
export function addSums(
  values: Float32Array | Float64Array,
  walk: Walk,
  p: number,
  rows: Float64Array,
  columns: Float64Array | null,
  buffer: ReusableBuffer,
): void {
  const { outCount, outStride, inCount, inStride, kernelOffsets } = walk;
  const kernel = kernelOffsets.length;
  for (let i = sumsInPlace(values, walk, p, rows, columns, buffer); i < outCount; i++) {
    let row = 0;
    for (let j = 0; j < inCount; j++) {
      const base = i * outStride + j * inStride;
      let window = 0;
      for (let k = 0; k < kernel; k++) window += power(values[base + kernelOffsets[k]!]!, p);
      row += window;
      if (columns !== null) columns[j]! += window;
    }
    rows[i] = row;
  }
}

/** @returns how many filters were done */
function sumsInPlace(
  values: Float32Array | Float64Array,
  { outCount, outStride, inCount, inStride, kernelOffsets }: Walk,
  p: number,
  rows: Float64Array,
  columns: Float64Array | null,
  { memory }: ReusableBuffer,
): number {
  const done = outCount - (outCount % LANES);
  if (memory === null || values.buffer !== memory.buffer || !(values instanceof Float32Array)) return 0;
  if ((p !== 1 && p !== 2) || done === 0) return 0;
  const behind = behindWeights(values, kernelOffsets, 8 * (done + (columns === null ? 0 : inCount)), memory);
  if (behind === null) return 0;
  const { offsets, results } = behind;
  const columnSums = columns === null ? 0 : results + 8 * done;
  const inMemory = columns === null ? null : new Float64Array(memory.buffer, columnSums, inCount);
  if (columns !== null) inMemory!.set(columns.subarray(0, inCount));
  const { sums } = sumsModule(memory);
  const isSquare = p === 2 ? 1 : 0;
  // biome-ignore format: as sums.wat lists them
  sums(values.byteOffset, done, 4 * outStride, inCount, 4 * inStride, offsets, kernelOffsets.length, isSquare, results, columnSums);
  rows.set(new Float64Array(memory.buffer, results, done));
  if (columns !== null) columns.set(inMemory!);
  return done;
}

/** How many bytes behind a kernel sums.wat needs. */
export function roomForSums({ outCount, inCount, kernelOffsets }: Walk): number {
  return roomBehindWeights(kernelOffsets, 8 * (outCount + inCount));
}

export function power(value: number, p: number): number {
  if (p === 2) return value * value;
  return p === 1 ? Math.abs(value) : Math.abs(value) ** p;
}
