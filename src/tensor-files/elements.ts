import { narrowToFloat16, widenFloat16 } from './float16.ts';

/** Element types that inputs and outputs of a model may have here. */
export type ElementType =
  | 'float32'
  | 'float64'
  | 'float16'
  | 'int8'
  | 'uint8'
  | 'int16'
  | 'uint16'
  | 'int32'
  | 'uint32'
  | 'int64'
  | 'uint64'
  | 'bool';

/** Elements as numpy writes them and onnxruntime takes and gives them. */
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

/** Floats of one type as those of another: exact where it is wider, else rounded. */
export function convertElements(elements: Elements, from: ElementType, to: ElementType): Elements {
  if (from === to) return elements;
  const values = from === 'float16' ? widenFloat16(elements as Uint16Array) : (elements as Float32Array | Float64Array);
  if (to === 'float64') return Float64Array.from(values);
  const floats = values instanceof Float32Array ? values : Float32Array.from(values);
  return to === 'float16' ? narrowToFloat16(floats) : floats;
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
