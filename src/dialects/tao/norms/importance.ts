import type { Weight } from '../../../network/index.ts';
import { type DType, isHalf, type TensorData, toFloat32, toFloat64, unitOf } from '../../../onnx/index.ts';
import type { Normalizer } from '../spec.ts';
import { float32Norms, type NormsInPlace } from './float32-norms.ts';

/** Filter norms, and the relative error within which two of them cannot be told apart. */
export interface Stat {
  /** One value for each filter. */
  readonly values: Float32Array | Float64Array;
  /** 0 where the pruner's arithmetic is reproduced bit for bit. */
  readonly error: number;
}

/**
 * L2 norm of each filter's kernel (pruning.py `get_L2_norm`). numpy sums the Keras kernel (kh, kw, in, out) over its
 * leading axes one after the other in float32; ONNX stores (out, in, kh, kw), so the walk is kh, kw, in with each square
 * and each sum rounded.
 * @param inPlace works on what was read into the buffer
 */
export function normsOfData(data: TensorData, weight: Weight, inPlace: NormsInPlace | null): Stat {
  const isDouble = data.dtype === 'float64';
  const values = isDouble ? norms64(toFloat64(data), weight) : float32Norms(toFloat32(data), weight, inPlace);
  const error = isDouble ? 2 ** -50 : narrowed(data.dtype);
  const { rowScale } = weight;
  if (rowScale === null) return { values, error };
  // Norms of weights that were scaled by us: each product would have been rounded once more.
  return { values: values.map((norm, filter) => norm * Math.abs(rowScale[filter]!)), error: Math.max(error, 2 ** -20) };
}

/** Half precision weights are rounded copies of the float32 ones that the pruner saw (IEEE 754 binary16, bfloat16). */
function narrowed(dtype: DType): number {
  return isHalf(dtype) ? 2 * unitOf(dtype) : 0;
}

/** Norms divided as the spec says (pruning.py `normalize_stat`). */
export function normalized({ values, error }: Stat, normalizer: Normalizer): Stat {
  return {
    values: values instanceof Float32Array ? normalize32(values, normalizer) : normalize64(values, normalizer),
    error,
  };
}

function norms64(data: Float64Array, weight: Weight): Float64Array {
  const { outCount, outStride, inCount, inStride, kernelOffsets } = weight;
  return Float64Array.from({ length: outCount }, (_, filter) => {
    let sum = 0;
    for (const offset of kernelOffsets) {
      for (let i = 0; i < inCount; i++) sum += data[filter * outStride + offset + i * inStride]! ** 2;
    }
    return Math.sqrt(sum);
  });
}

/** `stat / max` or `stat / sqrt(sum(stat ** 2)) * n`, each step in float32; NaN where the whole layer is zero. */
function normalize32(stat: Float32Array, normalizer: Normalizer): Float32Array {
  if (normalizer === 'off') return stat;
  if (normalizer === 'max') {
    const largest = maximum(stat);
    const shares = new Float32Array(stat.length);
    // A loop: a closure is called for each filter of the model.
    for (let k = 0; k < stat.length; k++) shares[k] = stat[k]! / largest;
    return shares;
  }
  const norm = Math.fround(
    Math.sqrt(
      pairwiseSum(
        stat.map((s) => s * s),
        0,
        stat.length,
      ),
    ),
  );
  return stat.map((s) => Math.fround(Math.fround(s / norm) * stat.length));
}

function normalize64(stat: Float64Array, normalizer: Normalizer): Float64Array {
  if (normalizer === 'off') return stat;
  if (normalizer === 'max') {
    const largest = maximum(stat);
    return stat.map((s) => s / largest);
  }
  const norm = Math.sqrt(stat.reduce((sum, s) => sum + s * s, 0));
  return stat.map((s) => (s / norm) * stat.length);
}

/** np.max: NaN wins. */
function maximum(values: Float32Array | Float64Array): number {
  let largest = Number.NEGATIVE_INFINITY;
  for (let k = 0; k < values.length; k++) {
    const value = values[k]!;
    if (Number.isNaN(value)) return Number.NaN;
    if (value > largest) largest = value;
  }
  return largest;
}

const PAIRWISE_BLOCK = 128;
const LANES = 8;

/** numpy's pairwise float32 sum of a contiguous 1-D array (numpy/core/src/umath/loops_utils.h.src, `FLOAT_pairwise_sum`). */
function pairwiseSum(values: Float32Array, start: number, n: number): number {
  if (n < LANES) {
    let sum = Math.fround(0);
    for (let k = 0; k < n; k++) sum = Math.fround(sum + values[start + k]!);
    return sum;
  }
  if (n > PAIRWISE_BLOCK) {
    const half = Math.floor(n / 2) - (Math.floor(n / 2) % 8);
    return Math.fround(pairwiseSum(values, start, half) + pairwiseSum(values, start + half, n - half));
  }
  const lanes = values.slice(start, start + LANES);
  let k = LANES;
  for (; k < n - (n % LANES); k += LANES)
    for (let lane = 0; lane < LANES; lane++) lanes[lane]! += values[start + k + lane]!;
  // Neighbours first: ((0 + 1) + (2 + 3)) + ((4 + 5) + (6 + 7)).
  for (let width = 1; width < LANES; width *= 2)
    for (let lane = 0; lane < LANES; lane += 2 * width) lanes[lane]! += lanes[lane + width]!;
  let sum = lanes[0]!;
  for (; k < n; k++) sum = Math.fround(sum + values[start + k]!);
  return sum;
}
