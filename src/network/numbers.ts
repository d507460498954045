import { type DType, isFloat } from '../onnx/index.ts';
import { type Dim, isKnown } from './channels.ts';
import { stridedOffsets } from './strided.ts';

/** Elements of a tensor, row-major; null for one that hangs on a symbolic size. Many floats are packed, which holds none that is null. */
export type Elements = readonly Dim[] | Float32Array | Float64Array;

/** A small tensor whose elements are known. */
export interface Numbers {
  readonly dtype: DType;
  readonly dims: readonly number[];
  readonly data: Elements;
}

export interface Integers extends Numbers {
  readonly data: readonly Dim[];
}

export function isInteger(numbers: Numbers): numbers is Integers {
  return INTEGERS.test(numbers.dtype);
}

/** Fewer elements than these are as small in an array. */
const LEAST_PACKED = 64;

/** The same elements, many floats in half of the memory: as they are stored, so that a tensor of them is no copy. */
export function packed(numbers: Numbers): Numbers {
  const { data } = numbers;
  if (data.length >= LEAST_PACKED) return { ...numbers, data: floatsIn(numbers) ?? data };
  return isPacked(data) ? { ...numbers, data: Array.from(data) } : numbers;
}

/** Floats as they are stored; null for integers, and where not all are known. */
export function floatsIn({ dtype, data }: Numbers): Float32Array | Float64Array | null {
  if (isPacked(data)) return data;
  if (!isFloat(dtype) || !isKnown(data)) return null;
  return dtype === 'float64' ? Float64Array.from(data) : Float32Array.from(data);
}

/** The elements where all are known; else null. */
export function knownIn({ data }: Numbers): ArrayLike<number> | null {
  return isPacked(data) || isKnown(data) ? data : null;
}

function isPacked(data: Elements): data is Float32Array | Float64Array {
  return ArrayBuffer.isView(data);
}

export const INTEGERS = /^u?int(8|16|32|64)$|^bool$/;

export function countOf(dims: readonly number[]): number {
  return dims.reduce((n, size) => n * size, 1);
}

/** A function of each element that is known. */
export function mappedElements(data: Elements, apply: (value: number) => number): Dim[] {
  const mapped = new Array<Dim>(data.length);
  for (let k = 0; k < mapped.length; k++) {
    const value = data[k]!;
    mapped[k] = value === null ? null : apply(value);
  }
  return mapped;
}

/** A vector of int64, as shapes are. */
export function vector(data: readonly Dim[]): Numbers {
  return { dtype: 'int64', dims: [data.length], data };
}

/** The same elements under another shape; null where they are not as many. */
export function reshapedNumbers(numbers: Numbers, dims: readonly Dim[]): Numbers | null {
  const count = dims.reduce<Dim>((n, d) => (n === null || d === null ? null : n * d), 1);
  return count === numbers.data.length ? { ...numbers, dims: dims as number[] } : null;
}

/** The elements at `offset` plus strides over `dims`, row-major. */
export function stridedNumbers(
  { dtype, data }: Numbers,
  dims: readonly number[],
  strides: readonly number[],
  offset = 0,
): Numbers {
  return { dtype, dims, data: elementsAt({ dtype, data }, stridedOffsets(dims, strides, offset)) };
}

/** An offset that no element has. */
export const NOWHERE = -1;

/** The elements at `offsets`, in one piece of memory; null for one that is nowhere. */
export function elementsAt({ dtype, data }: Pick<Numbers, 'dtype' | 'data'>, offsets: Int32Array): Elements {
  const count = offsets.length;
  if (!isPacked(data) || offsets.includes(NOWHERE)) {
    const elements = new Array<Dim>(count);
    for (let k = 0; k < count; k++) elements[k] = data[offsets[k]!] ?? null;
    return elements;
  }
  const picked = dtype === 'float64' ? new Float64Array(count) : new Float32Array(count);
  for (let k = 0; k < count; k++) picked[k] = data[offsets[k]!]!;
  return picked;
}
