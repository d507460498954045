import type { ReusableBuffer } from '../../bytes/index.ts';
import type { Layer, Weight } from '../../network/index.ts';
import { type DType, isFloat, isHalf, type Tensor, type TensorData, toFloat32, toFloat64 } from '../../onnx/index.ts';

/** Why weights tell nothing, and what can be done. */
interface Unreadable {
  readonly unknown: string;
  readonly remedy: string | null;
}

/** A layer's weights, or why they are none that a pruner can be said to have seen; float32 ones are also stored as float64. */
export function readableWeight(layer: Layer): Weight | Unreadable {
  const weight = storedWeight(layer);
  return 'unknown' in weight || !isHalf(weight.tensor.dtype) ? weight : roundedCopy(layer.name, weight.tensor.dtype);
}

/** The same, in half precision too: those are rounded copies of what the pruner saw. */
export function storedWeight({ name, weight }: Layer): Weight | Unreadable {
  if (weight === null || 'opaque' in weight)
    return { unknown: `the weight of ${name} is computed at run time`, remedy: null };
  const { dtype } = weight.tensor;
  return isFloat(dtype) ? weight : { unknown: `${name} has ${dtype} weights`, remedy: 'Export the model in float32.' };
}

/** Why numbers in half precision are not ranked. */
export function roundedCopy(name: string, dtype: DType): Unreadable {
  return {
    unknown: `${name} has ${dtype} weights, and the pruner may have ranked what they were rounded from`,
    remedy: 'Export the dense model in float32; the pruned one may be in half precision.',
  };
}

/**
 * A layer's weights, scaled where BatchNorm is folded in.
 * @param buffer where they last until the next reading
 */
export function weightsOf(weight: Weight, buffer?: ReusableBuffer): Float32Array | Float64Array {
  return scaled(numbersIn(weight.tensor, buffer), weight, buffer);
}

/**
 * A weight's stored elements, times what its filters are multiplied by.
 * @param buffer where they may be changed in place, if they lie in it
 */
export function scaled(
  values: Float32Array | Float64Array,
  { rowScale, outCount, outStride, inCount, inStride, kernelOffsets }: Weight,
  buffer?: ReusableBuffer,
): Float32Array | Float64Array {
  if (rowScale === null) return values;
  // Only what lies in the buffer is nobody else's.
  const own = values.buffer === buffer?.bytes.buffer ? values : values.slice();
  for (let i = 0; i < outCount; i++)
    for (let j = 0; j < inCount; j++)
      for (const k of kernelOffsets) own[i * outStride + j * inStride + k]! *= rowScale[i]!;
  return own;
}

/**
 * A tensor's elements, as exact as they are stored.
 * @param buffer where they last until the next reading
 */
export function numbersIn(tensor: Tensor, buffer?: ReusableBuffer): Float32Array | Float64Array {
  return numbersOf(tensor.read(buffer));
}

export function numbersOf(data: TensorData): Float32Array | Float64Array {
  return data.dtype === 'float64' ? toFloat64(data) : toFloat32(data);
}
