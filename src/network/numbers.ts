import type { DType } from '../onnx/index.ts';
import type { Dim } from './channels.ts';
import { stridedOffsets } from './strided.ts';

/** A small tensor whose elements are known; null for one that hangs on a symbolic size. */
export interface Numbers {
  readonly dtype: DType;
  readonly dims: readonly number[];
  readonly data: readonly Dim[];
}

export function isInteger({ dtype }: Numbers): boolean {
  return INTEGERS.test(dtype);
}

export const INTEGERS = /^u?int(8|16|32|64)$|^bool$/;

export function countOf(dims: readonly number[]): number {
  return dims.reduce((n, size) => n * size, 1);
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
  const picked = Array.from(stridedOffsets(dims, strides, offset), (at) => data[at] ?? null);
  return { dtype, dims, data: picked };
}
