import type { Layer, Network, Weight } from '../network/index.ts';
import { toFloat32 } from '../onnx/index.ts';

/** Relative difference within which two exports of one model may round differently (float32, one multiplication). */
const ROUNDING = 2 ** -18;

/**
 * Whether two networks hold the same weights up to float32 rounding: the dense model with BatchNorm folded by us, and the
 * folded export that is said to be the same.
 * @returns the first layer that differs and how, as a sentence; null where none does
 */
export function differenceBeyondRounding(folded: Network, exported: Network): string | null {
  for (const [name, layer] of folded.prunable) {
    const other = exported.prunable.get(name);
    if (other === undefined) return `${name} is not in it`;
    const [a, b] = [kernelOf(folded, layer), kernelOf(exported, other)];
    if (a === null || b === null) continue;
    if (a.length !== b.length) return `${name} has another shape there`;
    const largest = a.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    if (a.some((value, k) => !(Math.abs(value - b[k]!) <= ROUNDING * largest)))
      return `the weights of ${name} are others there`;
  }
  return null;
}

/** A layer's weights in (out, in, kernel) order, scaled where BatchNorm is folded in. */
function kernelOf(network: Network, layer: Layer): Float32Array | null {
  const { weight } = layer;
  if (weight === null || 'opaque' in weight || weight.tensor.dtype !== 'float32') return null;
  const values = toFloat32(network.file.readTensor(weight.tensor));
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
