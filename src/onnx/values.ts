import { InputError, shown } from '../errors/input-error.ts';
import { widenFloat16 } from '../tensor-files/index.ts';
import { isFloat } from './dtype.ts';
import type { TensorData } from './model.ts';

/**
 * Elements as float32: a view of float32 data without a copy; float16 and bfloat16 widened, which is exact.
 *
 * @param wider 'round' also takes float64, each element rounded to the nearest float32; 'refuse' throws for it.
 * @throws InputError for other types.
 */
export function toFloat32(data: TensorData, wider: 'refuse' | 'round' = 'refuse'): Float32Array {
  if (data.dtype === 'float32') return view(data, Float32Array, 4);
  if (data.dtype === 'float16') return widenFloat16(view(data, Uint16Array, 2));
  if (data.dtype === 'bfloat16') return widenBfloat16(view(data, Uint16Array, 2));
  if (data.dtype === 'float64' && wider === 'round') return Float32Array.from(view(data, Float64Array, 8));
  throw new InputError(`${data.dtype} elements cannot be read as float32`);
}

/**
 * Elements as float64: a view of float64 data without a copy; narrower floats widened, which is exact.
 *
 * @throws InputError for other types.
 */
export function toFloat64(data: TensorData): Float64Array {
  if (data.dtype === 'float64') return view(data, Float64Array, 8);
  if (!isFloat(data.dtype)) throw new InputError(`${data.dtype} elements cannot be read as float64`);
  return Float64Array.from(toFloat32(data));
}

/**
 * Elements of an integer or bool tensor as numbers.
 *
 * @param huge what becomes of integers beyond 2^53 - 1: 'refuse' throws, 'saturate' takes the nearest safe integer (Slice
 * uses 2^63 - 1 for "to the end").
 * @throws InputError for other types.
 */
export function toIntegers(data: TensorData, huge: 'refuse' | 'saturate' = 'refuse'): number[] {
  switch (data.dtype) {
    case 'int64':
      return Array.from(view(data, BigInt64Array, 8), (value) => safeInteger(value, huge));
    case 'uint64':
      return Array.from(view(data, BigUint64Array, 8), (value) => safeInteger(value, huge));
    case 'int32':
      return Array.from(view(data, Int32Array, 4));
    case 'uint32':
      return Array.from(view(data, Uint32Array, 4));
    case 'int16':
      return Array.from(view(data, Int16Array, 2));
    case 'uint16':
      return Array.from(view(data, Uint16Array, 2));
    case 'int8':
      return Array.from(view(data, Int8Array, 1));
    case 'uint8':
      return Array.from(data.bytes);
    case 'bool':
      return Array.from(data.bytes, (byte) => (byte === 0 ? 0 : 1));
    default:
      throw new InputError(`${data.dtype} elements cannot be read as integers`);
  }
}

function safeInteger(value: bigint, huge: 'refuse' | 'saturate'): number {
  const number = Number(value);
  if (Number.isSafeInteger(number)) return number;
  if (huge === 'refuse') throw new InputError(`holds an integer too large to be exact (found ${shown(String(value))})`);
  return number < 0 ? Number.MIN_SAFE_INTEGER : Number.MAX_SAFE_INTEGER;
}

function view<View>(
  { bytes }: TensorData,
  type: new (buffer: ArrayBufferLike, offset: number, length: number) => View,
  size: number,
): View {
  return new type(bytes.buffer, bytes.byteOffset, bytes.byteLength / size);
}

/** bfloat16 is the upper half of a float32. */
function widenBfloat16(halves: Uint16Array): Float32Array {
  const bits = new Uint32Array(halves.length);
  for (let i = 0; i < halves.length; i++) bits[i] = halves[i]! << 16;
  return new Float32Array(bits.buffer);
}
