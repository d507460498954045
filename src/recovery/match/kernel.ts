import { bufferBehind, type ReusableBuffer } from '../../bytes/index.ts';
import type { Layer, Network, Onlooker, Weight } from '../../network/index.ts';
import { sequence } from '../../network/index.ts';
import { bytesOf, type DType, narrowed, type TensorData, toFloat32, toFloat64 } from '../../onnx/index.ts';
import type { Reading } from '../readings.ts';
import { type Bits, bitsOf } from './bits.ts';
import { type RowGroup, rowGroup } from './row-group.ts';

/** A layer's kernel in memory, addressed by its named axes. */
export interface Kernel {
  readonly bits: Bits;
  readonly weight: Weight;
  readonly groups: number;
  /** The type of `bits`, which may be narrower than the one that is stored. */
  readonly dtype: DType;
  /** What it lies in, where that is WebAssembly's. */
  readonly memory: WebAssembly.Memory | null;
}

/** A dense layer's kernel and the pruned one's. */
export interface Kernels {
  readonly dense: Kernel;
  readonly pruned: Kernel;
}

/**
 * Reads a layer's kernel into a buffer, its model's if none is given, where it lasts until the next one.
 * @param onlooker sees its elements as they are stored
 * @returns null where its weight is computed at run time or holds no floats
 */
export function readKernel(
  network: Network,
  layer: Layer,
  buffer: ReusableBuffer = network.model.buffer,
  as: Pick<Reading, 'dtype' | 'way'> | null = null,
  onlooker: Onlooker | null = null,
): Kernel | null {
  const { weight, groups } = layer;
  if (weight === null || 'opaque' in weight) return null;
  return kernelOf(weight, groups, buffer, as, (stored) => onlooker?.see(weight, { first: 0, weight }, stored));
}

/**
 * The same of a weight, or a block of one.
 * @param see sees its elements as they are stored
 */
export function kernelOf(
  weight: Weight,
  groups: number,
  buffer: ReusableBuffer,
  as: Pick<Reading, 'dtype' | 'way'> | null = null,
  see?: (stored: TensorData) => void,
): Kernel | null {
  const stored = weight.tensor.read(buffer);
  see?.(stored);
  if (weight.rowScale !== null) scaleRows(stored, weight, weight.rowScale);
  const data = as === null ? stored : narrowed(stored, as.dtype, as.way, stored.bytes);
  const bits = bitsOf(data);
  const memory = data.bytes.buffer === buffer.memory?.buffer ? buffer.memory : null;
  return bits === null ? null : { bits, weight, groups, dtype: data.dtype, memory };
}

/** Reads a pair of kernels, into one memory where both have room. @param onlooker sees the dense one */
export function readKernels(
  dense: Network,
  denseLayer: Layer,
  pruned: Network,
  layer: Layer,
  as: Reading | null,
  onlooker: Onlooker | null = null,
): Kernels | null {
  const one = readKernel(dense, denseLayer, undefined, as, onlooker);
  const { weight } = layer;
  const room = one === null || weight === null || 'opaque' in weight ? null : roomBehind(one, weight);
  const other = one === null ? null : readKernel(pruned, layer, room ?? pruned.model.buffer, as);
  return one === null || other === null ? null : { dense: one, pruned: other };
}

/**
 * Room for a weight behind a kernel, in its memory; null where there is none.
 * @param between bytes that are left free before it
 */
export function roomBehind({ bits, memory }: Kernel, { tensor }: Weight, between = 0): ReusableBuffer | null {
  if (memory === null) return null;
  const bytes = bytesOf(tensor.dtype, tensor.elements);
  const { byteOffset, byteLength } = bits;
  return bytes === null ? null : bufferBehind({ byteOffset, byteLength: byteLength + between }, memory, bytes);
}

/** A kernel's values, whatever their type. */
export function valuesOf(kernel: Kernel): { readonly values: Float32Array; readonly weight: Weight } {
  return { values: toFloat32(dataOf(kernel), 'round'), weight: kernel.weight };
}

/** A kernel's elements, where they lie. */
export function dataOf({ bits, dtype }: Kernel): TensorData {
  return { dtype, dims: [bits.length], bytes: new Uint8Array(bits.buffer, bits.byteOffset, bits.byteLength) };
}

/** An ungrouped kernel whose columns are taken for rows. */
export function transposed({ weight, ...kernel }: Kernel): Kernel {
  const { outCount, outStride, inCount, inStride } = weight;
  return {
    ...kernel,
    weight: { ...weight, outCount: inCount, outStride: inStride, inCount: outCount, inStride: outStride },
  };
}

/** Multiplies each filter in place, rounding to its own type as the exporter that folded it did. */
function scaleRows(data: TensorData, weight: Weight, scale: Float64Array): void {
  const { outCount, outStride, inCount, inStride, kernelOffsets } = weight;
  const values = data.dtype === 'float64' ? toFloat64(data) : toFloat32(data);
  for (let row = 0; row < outCount; row++) {
    const factor = scale[row]!;
    for (let column = 0; column < inCount; column++) {
      const base = row * outStride + column * inStride;
      for (let k = 0; k < kernelOffsets.length; k++) values[base + kernelOffsets[k]!]! *= factor;
    }
  }
  if (!(values instanceof Float32Array) || data.dtype === 'float32') return;
  const { buffer, byteOffset, byteLength } = values;
  const scaled = { ...data, dtype: 'float32' as const, bytes: new Uint8Array(buffer, byteOffset, byteLength) };
  narrowed(scaled, data.dtype, 0, data.bytes);
}

/**
 * Pairs the elements of pruned and dense rows.
 * @param columns dense input column of each pruned input column, over all groups
 * @param over the pruned input columns that are compared, ascending; all where null
 * @returns null where a pruned group mixes columns of several dense groups
 */
export function rowGroups(
  dense: Pick<Kernel, 'weight' | 'groups'>,
  pruned: Pick<Kernel, 'weight' | 'groups'>,
  columns: Int32Array,
  over: Int32Array | null,
): RowGroup[] | null {
  const groups: RowGroup[] = [];
  // A depthwise kernel has one input column for each filter: rows are compared whole.
  const isDepthwise =
    pruned.weight.inCount === 1 && pruned.groups === pruned.weight.outCount && dense.weight.inCount === 1;
  const count = isDepthwise ? 1 : pruned.groups;
  const rows = pruned.weight.outCount / count;
  const denseRows = dense.weight.outCount / (isDepthwise ? 1 : dense.groups);
  const size = pruned.weight.inCount;
  for (let g = 0; g < count; g++) {
    const all = isDepthwise ? Int32Array.of(0) : columns.subarray(g * size, (g + 1) * size);
    const denseGroup = isDepthwise ? 0 : Math.floor((all[0] ?? 0) / dense.weight.inCount);
    const firstColumn = denseGroup * dense.weight.inCount;
    if (!isDepthwise && !areWithin(all, firstColumn, firstColumn + dense.weight.inCount)) return null;
    const places =
      over === null || isDepthwise
        ? sequence(all.length)
        : over.filter((at) => at >= g * size && at < (g + 1) * size).map((at) => at - g * size);
    const isAsGiven = places.length === all.length && firstColumn === 0;
    const own = isAsGiven ? all : places.map((at) => all[at]! - firstColumn);
    const denseFirst = denseGroup * denseRows;
    const filters = { first: g * rows, end: (g + 1) * rows, denseFirst, denseEnd: denseFirst + denseRows };
    groups.push(rowGroup(filters, dense.weight, own, pruned.weight, places));
  }
  return groups;
}

function areWithin(columns: Int32Array, first: number, end: number): boolean {
  for (let at = 0; at < columns.length; at++) if (columns[at]! < first || columns[at]! >= end) return false;
  return true;
}
