import type { Layer, Network, Weight } from '../../network/index.ts';
import { toFloat32 } from '../../onnx/index.ts';
import { type Alignment, align } from './align.ts';
import { bringAlike } from './alike.ts';
import { withNames } from './named.ts';

/** Relative difference within which two exports of one model may round differently (float32, one multiplication). */
const ROUNDING = 2 ** -18;

/** The dense model as its exporter folded it. */
export interface FoldedReference {
  /** The folded export, its layers called like the dense model's. */
  readonly network: Network;
  /** The dense layer, and which of its calls, that each layer of the export is, by id. */
  readonly partners: Alignment['partners'];
}

/**
 * Makes sure that a folded export is the dense model: that BatchNorm folded by us gives the same weights up to float32
 * rounding.
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
    if (a === null || b === null) continue;
    if (a.length !== b.length) return { difference: `${layer.name} has another shape there` };
    const largest = a.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    if (a.some((value, k) => !(Math.abs(value - b[k]!) <= ROUNDING * largest)))
      return { difference: `the weights of ${layer.name} are others there` };
  }
  for (const { id, name } of dense.prunable.values())
    if (!partnered.has(id)) return { difference: `${name} is not in it` };
  const names = new Map([...pair.partner].map(([id, { name }]) => [id, name]));
  return { network: withNames(exported, names), partners: alignment.partners };
}

/** A layer's weights in (out, in, kernel) order, scaled where BatchNorm is folded in. */
function kernelOf(layer: Layer): Float32Array | null {
  const { weight } = layer;
  if (weight === null || 'opaque' in weight || weight.tensor.dtype !== 'float32') return null;
  const values = toFloat32(weight.tensor.read());
  return inOrder(values, weight);
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
