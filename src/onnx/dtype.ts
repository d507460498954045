import type { DType } from './model.ts';

/** TensorProto.DataType by number (onnx.proto, IR version 14). 27 and 28 (6-bit floats) have no layout that we read. */
const DTYPES: readonly DType[] = [
  'undefined',
  'float32',
  'uint8',
  'int8',
  'uint16',
  'int16',
  'int32',
  'int64',
  'string',
  'bool',
  'float16',
  'float64',
  'uint32',
  'uint64',
  'complex64',
  'complex128',
  'bfloat16',
  'float8e4m3fn',
  'float8e4m3fnuz',
  'float8e5m2',
  'float8e5m2fnuz',
  'uint4',
  'int4',
  'float4e2m1',
  'float8e8m0',
  'uint2',
  'int2',
];

/** Bits of one element; 0 where elements have no fixed size. */
const BITS: Readonly<Record<DType, number>> = {
  undefined: 0,
  unknown: 0,
  string: 0,
  int2: 2,
  uint2: 2,
  int4: 4,
  uint4: 4,
  float4e2m1: 4,
  bool: 8,
  int8: 8,
  uint8: 8,
  float8e4m3fn: 8,
  float8e4m3fnuz: 8,
  float8e5m2: 8,
  float8e5m2fnuz: 8,
  float8e8m0: 8,
  int16: 16,
  uint16: 16,
  float16: 16,
  bfloat16: 16,
  int32: 32,
  uint32: 32,
  float32: 32,
  int64: 64,
  uint64: 64,
  float64: 64,
  complex64: 64,
  complex128: 128,
};

/** The type with this TensorProto.DataType number; 'unknown' for one that onnx.proto (IR version 14) does not name. */
export function dtypeOf(code: number): DType {
  return DTYPES[code] ?? 'unknown';
}

/** TensorProto.DataType of a type. */
export function codeOf(dtype: DType): number {
  const code = DTYPES.indexOf(dtype);
  if (code < 0) throw new Error(`no TensorProto.DataType for ${dtype}`);
  return code;
}

/** True for the types that toFloat32 and toFloat64 read: float16, bfloat16, float32 and float64, not the 8- and 4-bit floats. */
export function isFloat(dtype: DType): boolean {
  return dtype === 'float32' || dtype === 'float16' || dtype === 'bfloat16' || dtype === 'float64';
}

/** True for the floats that are narrower than those that runtimes compute in: float16 and bfloat16. */
export function isHalf(dtype: DType): boolean {
  return dtype === 'float16' || dtype === 'bfloat16';
}

/** Bytes of one element: 0.5 and 0.25 for packed 4- and 2-bit types, 0 where there is no fixed size (string, undefined, unknown). */
export function bytesPerElement(dtype: DType): number {
  return BITS[dtype] / 8;
}

/** Bytes of so many elements in raw_data's layout; packed types are rounded up. null where there is no fixed size. */
export function bytesOf(dtype: DType, elements: number): number | null {
  return BITS[dtype] === 0 ? null : Math.ceil(elements * bytesPerElement(dtype));
}
