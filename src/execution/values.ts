import type { ElementType } from './protocol.ts';

/** Elements as onnxruntime takes and gives them. */
export type Elements =
  | Float32Array
  | Float64Array
  | Int8Array
  | Uint8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | BigInt64Array
  | BigUint64Array;

const ARRAYS = {
  float32: Float32Array,
  float64: Float64Array,
  // Bits; Node 20 and 22 have no Float16Array, and onnxruntime takes bits everywhere.
  float16: Uint16Array,
  int8: Int8Array,
  uint8: Uint8Array,
  int16: Int16Array,
  uint16: Uint16Array,
  int32: Int32Array,
  uint32: Uint32Array,
  int64: BigInt64Array,
  uint64: BigUint64Array,
  bool: Uint8Array,
} as const satisfies Record<ElementType, unknown>;

export function isElementType(type: string): type is ElementType {
  return Object.hasOwn(ARRAYS, type);
}

/** So many elements, all zero. */
export function zeroElements(type: ElementType, count: number): Elements {
  return new ARRAYS[type](count);
}

/** Bytes of one element. */
export function bytesOfType(type: ElementType): number {
  return ARRAYS[type].BYTES_PER_ELEMENT;
}

/** Views little-endian bytes as elements; they are copied where they do not lie on a boundary. */
export function viewElements(type: ElementType, bytes: Uint8Array): Elements {
  const own = bytes.byteOffset % bytesOfType(type) === 0 ? bytes : bytes.slice();
  return new ARRAYS[type](own.buffer as ArrayBuffer, own.byteOffset, own.byteLength / bytesOfType(type));
}

/**
 * Elements as numbers to compare. Integers beyond 2^53 are rounded, so that the last bits of hashes are not compared; no
 * network computes such.
 */
export function numbersOf(type: string, data: unknown): ArrayLike<number> {
  if (type === 'float16') return halves(data);
  if (data instanceof BigInt64Array || data instanceof BigUint64Array) return Float64Array.from(data, Number);
  if (ArrayBuffer.isView(data) && !(data instanceof DataView)) return data as unknown as ArrayLike<number>;
  throw new Error(`${type} tensors are not compared`);
}

/** float16 comes as bits, or where Node has Float16Array, as that. */
function halves(data: unknown): ArrayLike<number> {
  if (!(data instanceof Uint16Array)) return data as ArrayLike<number>;
  return Float32Array.from(data, widen);
}

function widen(half: number): number {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >> 10) & 0x1f;
  const fraction = half & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 0x1f) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** Rounds to the nearest float16, ties to even, as bits. */
export function narrow(value: number): number {
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const magnitude = Math.abs(value);
  if (Number.isNaN(value)) return 0x7e00;
  if (magnitude >= 65520) return sign | 0x7c00;
  const exponent = Math.max(-14, exponentOf(magnitude));
  const steps = roundTiesToEven(magnitude / 2 ** (exponent - 10));
  // A subnormal counts steps of 2^-24; rounding up to 2048 steps carries into the exponent by itself.
  return sign | (steps < 1024 ? steps : ((exponent + 15) << 10) + (steps - 1024));
}

const SCRATCH = new DataView(new ArrayBuffer(8));

/** Math.log2 is not exact next to powers of two. */
function exponentOf(magnitude: number): number {
  SCRATCH.setFloat64(0, magnitude);
  return ((SCRATCH.getUint16(0) >> 4) & 0x7ff) - 1023;
}

function roundTiesToEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  return rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? floor + 1 : floor;
}

/** An array as numpy.save writes it (numpy/lib/format.py), in C order. */
export interface NumpyArray {
  readonly type: ElementType;
  readonly dims: readonly number[];
  readonly elements: Elements;
}
