import type { Layer, Network, Weight } from '../../network/index.ts';
import { type DType, isFloat, isHalf, leastOf, toFloat32, unitOf } from '../../onnx/index.ts';
import { type Alignment, align } from './align.ts';
import { bringAlike } from './alike.ts';
import { withNames } from './named.ts';

/** Difference within which two exports of one model may round differently, in parts of a layer's largest weight (float32, one multiplication). */
const ROUNDING = 2 ** -18;
/** And where one is in half precision, in units of its type: the weight is rounded, and what folding computed in it. */
const HALF_UNITS = 16;

/** The dense model as its exporter folded it. */
export interface FoldedReference {
  /** The folded export, its layers called like the dense model's. */
  readonly network: Network;
  /** The dense layer, and which of its calls, that each layer of the export is, by id. */
  readonly partners: Alignment['partners'];
}

/**
 * Makes sure that a folded export is the dense model: that BatchNorm folded by us gives the same weights up to rounding.
 * @returns the export, or the first layer that shows it to be another model's, and how
 */
export function foldedReference(dense: Network, exported: Network): FoldedReference | { readonly difference: string } {
  const alignment = align(dense, exported);
  const pair = bringAlike(dense, exported, alignment);
  const partnered = new Set<number>();
  for (const [id, layer] of pair.partner) {
    partnered.add(layer.id);
    const other = pair.pruned.layers[id]!;
    const [a, b] = [kernelOf(layer), kernelOf(other)];
    // Nothing ranks weights that are computed at run time.
    if (a === null || b === null) continue;
    if (a.values.length !== b.values.length) return { difference: `${layer.name} has another shape there` };
    if (!areAlike(a, b)) return { difference: `the weights of ${layer.name} are others there` };
  }
  for (const { id, name } of dense.prunable.values())
    if (!partnered.has(id)) return { difference: `${name} is not in it` };
  const names = new Map([...pair.partner].map(([id, { name }]) => [id, name]));
  return { network: withNames(exported, names), partners: alignment.partners };
}

interface Kernel {
  readonly values: Float32Array;
  readonly dtype: DType;
}

/** A layer's weights in (out, in, kernel) order, scaled where BatchNorm is folded in; null where they are no floats. */
function kernelOf({ weight }: Layer): Kernel | null {
  if (weight === null || 'opaque' in weight || !isFloat(weight.tensor.dtype)) return null;
  return { values: inOrder(toFloat32(weight.tensor.read(), 'round'), weight), dtype: weight.tensor.dtype };
}

function areAlike(a: Kernel, b: Kernel): boolean {
  const largest = a.values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const half = [a.dtype, b.dtype].filter(isHalf).sort((x, y) => unitOf(y) - unitOf(x))[0];
  const [own, tiny] = half === undefined ? [0, 0] : [HALF_UNITS * unitOf(half), 2 * leastOf(half)];
  return a.values.every((value, k) => {
    const allowed = Math.max(ROUNDING * largest, own * Math.abs(value) + tiny);
    return Math.abs(value - b.values[k]!) <= allowed;
  });
}

function inOrder(
  values: Float32Array,
  { outCount, outStride, inCount, inStride, kernelOffsets, rowScale }: Weight,
): Float32Array {
  const ordered = new Float32Array(values.length);
  let n = 0;
  for (let row = 0; row < outCount; row++) {
    const scale = rowScale?.[row] ?? 1;
    for (let column = 0; column < inCount; column++) {
      for (const k of kernelOffsets) ordered[n++] = values[row * outStride + column * inStride + k]! * scale;
    }
  }
  return ordered;
}
