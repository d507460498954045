import { float16Of, float32Of } from '../tensor-files/index.ts';
import type { DType, Tensor, TensorData } from './model.ts';
import { toFloat32, toFloat64 } from './values.ts';

/** Rounds a float32, given as its bits, to a type of two bytes. */
type Narrow = (bits: number) => number;

const INFINITE = 0x7f800000;

/** The bits of 2 ** -14, the least float16 that has all its digits, and of 10,000: between them all ways to float16 are one. */
const [LEAST_USUAL, MOST_USUAL] = [0x38800000, 0x461c4000];

/**
 * In which ways programs round to a type, the usual one first: to the nearest, ties to even (IEEE 754; PyTorch, numpy, TensorFlow).
 * Converters of ONNX models bring what float16 cannot hold to its bounds instead: onnxruntime/transformers/float16.py and
 * onnxconverter_common/float16.py (`min_positive_val`, `max_finite_val`). bfloat16 was cut off by onnx before 1.19 (`truncate`).
 */
const WAYS: Partial<Readonly<Record<DType, readonly Narrow[]>>> = {
  float16: [float16Of, within(5.96e-8, 65_504), within(1e-7, 1e4)],
  bfloat16: [bfloat16Of, (bits) => bits >>> 16],
};

/** Digits of the mantissa, the implicit one counted, and the exponent of the least number. */
const LAYOUTS: Partial<Readonly<Record<DType, { readonly digits: number; readonly least: number }>>> = {
  float16: { digits: 11, least: -24 },
  bfloat16: { digits: 8, least: -133 },
  float32: { digits: 24, least: -149 },
  float64: { digits: 53, least: -1074 },
};

/** Half a unit in the last place: the largest relative error of rounding to a type, but for numbers next to 0. */
export function unitOf(dtype: DType): number {
  return 2 ** -(LAYOUTS[dtype] ?? LAYOUTS.float32!).digits;
}

/** The least number above 0 that a type holds. */
export function leastOf(dtype: DType): number {
  return 2 ** (LAYOUTS[dtype] ?? LAYOUTS.float32!).least;
}

/** The one of two floating types whose values the other holds, too; null for float16 and bfloat16, and for types that are no floats. */
export function narrowerOf(a: DType, b: DType): DType | null {
  const [ofA, ofB] = [LAYOUTS[a], LAYOUTS[b]];
  if (ofA === undefined || ofB === undefined) return null;
  if (a === b) return a;
  const [narrow, wide] = ofA.digits < ofB.digits ? [ofA, ofB] : [ofB, ofA];
  return narrow.least < wide.least ? null : narrow === ofA ? a : b;
}

/** In how many ways values are rounded to a type. */
export function waysTo(dtype: DType): number {
  return WAYS[dtype]?.length ?? 1;
}

/** Rounds one number to a type, to the nearest, as float32 arithmetic whose results are then rounded does it. */
export function roundingTo(dtype: DType): (value: number) => number {
  if (dtype === 'float64') return (value) => value;
  if (dtype === 'bfloat16') return (value) => onBits(value, (bits) => bfloat16Of(bits) << 16);
  if (dtype === 'float16') return (value) => onBits(value, (bits) => float32Of(float16Of(bits)));
  return Math.fround;
}

const SCRATCH = new Float32Array(1);
const SCRATCH_BITS = new Uint32Array(SCRATCH.buffer);

function onBits(value: number, change: (bits: number) => number): number {
  SCRATCH[0] = value;
  SCRATCH_BITS[0] = change(SCRATCH_BITS[0]!);
  return SCRATCH[0]!;
}

/** Whether rounding elements to a type leaves all of them as they are. */
export function holdsOnly(data: TensorData, dtype: DType): boolean {
  const round = roundingTo(dtype);
  const values = data.dtype === 'float64' ? toFloat64(data) : toFloat32(data);
  for (let k = 0; k < values.length; k++) if (!Object.is(round(values[k]!), values[k]!)) return false;
  return true;
}

/** A tensor whose elements are rounded to one type and stored in another that holds them. */
export function roundedTensor(tensor: Tensor, to: DType, stored: DType): Tensor {
  const { name, dims, elements } = tensor;
  if (tensor.dtype === to && stored === to) return tensor;
  return {
    ...{ name, dims, elements, dtype: stored, part: null },
    read: () => {
      const data = narrowed(tensor.read(), to);
      if (data.dtype === stored) return data;
      const values = stored === 'float64' ? toFloat64(data) : toFloat32(data);
      return { dtype: stored, dims, bytes: new Uint8Array(values.buffer, values.byteOffset, values.byteLength) };
    },
  };
}

/**
 * Elements rounded to a narrower type, the same data where it is theirs already.
 * @param way which of the ways to it, the first is to the nearest
 * @param into where they are written, which may be where they lie
 */
export function narrowed(data: TensorData, to: DType, way = 0, into?: Uint8Array): TensorData {
  if (data.dtype === to) return data;
  const floats = toFloat32(data, 'round');
  const count = floats.length;
  if (to === 'float32') {
    const { buffer, byteOffset } = into ?? new Uint8Array(4 * count);
    new Float32Array(buffer, byteOffset, count).set(floats);
    return { dtype: to, dims: data.dims, bytes: new Uint8Array(buffer, byteOffset, 4 * count) };
  }
  const narrow = WAYS[to]![way]!;
  const bits = new Uint32Array(floats.buffer, floats.byteOffset, count);
  const { buffer, byteOffset } = into ?? new Uint8Array(2 * count);
  const halves = new Uint16Array(buffer, byteOffset, count);
  const isFloat16 = to === 'float16';
  // Where they lie over one another, each is read before what is written reaches it.
  for (let k = 0; k < count; k++) {
    const word = bits[k]!;
    const size = word & 0x7fffffff;
    // Nearly all weights lie here. What `float16Of` makes of them, in place of a call, which takes three times as long.
    if (isFloat16 && size >= LEAST_USUAL && size <= MOST_USUAL)
      halves[k] = ((word >>> 16) & 0x8000) | ((size + 0xfff + ((size >>> 13) & 1) - 0x38000000) >>> 13);
    else halves[k] = narrow(word);
  }
  return { dtype: to, dims: data.dims, bytes: new Uint8Array(buffer, byteOffset, 2 * count) };
}

function bfloat16Of(bits: number): number {
  if ((bits & 0x7fffffff) > INFINITE) return (bits >>> 16) | 0x40;
  return ((bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16) & 0xffff;
}

/** To the nearest float16, but nothing comes nearer to 0 than `least`, and nothing finite goes beyond `most`. */
function within(least: number, most: number): Narrow {
  const [small, large] = new Uint32Array(Float32Array.of(least, most).buffer);
  return (bits) => {
    const size = bits & 0x7fffffff;
    const kept = size === 0 || size >= INFINITE ? size : Math.min(Math.max(size, small!), large!);
    return float16Of((bits & 0x80000000) | kept);
  };
}
