import type { Layer, Network, Weight } from '../../network/index.ts';
import { type DType, toFloat32 } from '../../onnx/index.ts';
import type { Bits } from './bits.ts';
import { bitsOf } from './bits.ts';

/** A layer's kernel in memory, addressed by its named axes. */
export interface Kernel {
  readonly bits: Bits;
  readonly weight: Weight;
  readonly groups: number;
  readonly dtype: DType;
}

/** Reads a layer's kernel into its model's buffer, where it lasts until the next one; null where its weight is computed at run time or holds no floats. */
export function readKernel(network: Network, layer: Layer): Kernel | null {
  const { weight } = layer;
  if (weight === null || 'opaque' in weight) return null;
  const data = weight.tensor.read(network.model.buffer);
  if (weight.rowScale !== null) scaleRows(toFloat32(data), weight, weight.rowScale);
  const bits = bitsOf(data);
  return bits === null ? null : { bits, weight, groups: layer.groups, dtype: data.dtype };
}

/** An ungrouped kernel whose columns are taken for rows. */
export function transposed({ weight, ...kernel }: Kernel): Kernel {
  const { outCount, outStride, inCount, inStride } = weight;
  return {
    ...kernel,
    weight: { ...weight, outCount: inCount, outStride: inStride, inCount: outCount, inStride: outStride },
  };
}

/** Multiplies each filter in place, rounding to float32 as the exporter that folded it did. */
function scaleRows(values: Float32Array, weight: Weight, scale: Float32Array): void {
  const { outCount, outStride, inCount, inStride, kernelOffsets } = weight;
  for (let row = 0; row < outCount; row++) {
    const factor = scale[row]!;
    for (let column = 0; column < inCount; column++) {
      const base = row * outStride + column * inStride;
      for (let k = 0; k < kernelOffsets.length; k++) values[base + kernelOffsets[k]!]! *= factor;
    }
  }
}

/** Filters of one group, and where each of its pruned input columns lies in the dense kernel. */
export interface RowGroup {
  /** Pruned filters first .. end. */
  readonly first: number;
  readonly end: number;
  /** Dense filters first .. end that they can be. */
  readonly denseFirst: number;
  readonly denseEnd: number;
  /** Element offset within a pruned row, for each compared element. */
  readonly offsets: Int32Array;
  /** Element offset within a dense row, for each compared element. */
  readonly denseOffsets: Int32Array;
}

/**
 * Pairs the elements of pruned and dense rows.
 * @param columns dense input column of each pruned input column, over all groups
 * @returns null where a pruned group mixes columns of several dense groups
 */
export function rowGroups(dense: Kernel, pruned: Kernel, columns: Int32Array): RowGroup[] | null {
  const groups: RowGroup[] = [];
  // A depthwise kernel has one input column for each filter: rows are compared whole.
  const isDepthwise =
    pruned.weight.inCount === 1 && pruned.groups === pruned.weight.outCount && dense.weight.inCount === 1;
  const count = isDepthwise ? 1 : pruned.groups;
  const rows = pruned.weight.outCount / count;
  const denseRows = dense.weight.outCount / (isDepthwise ? 1 : dense.groups);
  for (let g = 0; g < count; g++) {
    const own = isDepthwise
      ? Int32Array.of(0)
      : columns.subarray(g * pruned.weight.inCount, (g + 1) * pruned.weight.inCount);
    const denseGroup = isDepthwise ? 0 : Math.floor((own[0] ?? 0) / dense.weight.inCount);
    if (!isDepthwise && own.some((column) => Math.floor(column / dense.weight.inCount) !== denseGroup)) return null;
    const inGroup = isDepthwise ? own : own.map((column) => column - denseGroup * dense.weight.inCount);
    groups.push({
      first: g * rows,
      end: (g + 1) * rows,
      denseFirst: denseGroup * denseRows,
      denseEnd: (denseGroup + 1) * denseRows,
      offsets: elementOffsets(pruned.weight, null, own.length),
      denseOffsets: elementOffsets(dense.weight, inGroup, own.length),
    });
  }
  return groups;
}

/** Offsets of the given columns' elements within a row; of the first `count` columns where none are given. */
function elementOffsets({ kernelOffsets, inStride }: Weight, columns: Int32Array | null, count: number): Int32Array {
  const size = kernelOffsets.length;
  const offsets = new Int32Array(count * size);
  if (size === 1) {
    for (let c = 0; c < count; c++) offsets[c] = (columns === null ? c : columns[c]!) * inStride;
    return offsets;
  }
  let n = 0;
  for (let c = 0; c < count; c++) {
    const base = (columns === null ? c : columns[c]!) * inStride;
    for (let k = 0; k < size; k++) offsets[n++] = base + kernelOffsets[k]!;
  }
  return offsets;
}
