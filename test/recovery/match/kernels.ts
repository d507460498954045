import type { Weight } from '../../../src/network/index.ts';
import { inlineTensor } from '../../../src/onnx/index.ts';
import type { Bits } from '../../../src/recovery/match/bits.ts';
import type { Kernel } from '../../../src/recovery/match/kernel.ts';

interface Type {
  readonly negativeZero: number;
  bitsOf(elements: readonly number[]): Bits;
}

/** Elements are given as numbers; those of float16 and float64 as their bits, of which only the sign counts. */
export const TYPES: Readonly<Record<'float16' | 'float32' | 'float64', Type>> = {
  float16: { negativeZero: 0x8000, bitsOf: (elements) => Uint16Array.from(elements) },
  float32: { negativeZero: -0, bitsOf: (elements) => new Uint32Array(Float32Array.from(elements).buffer) },
  float64: { negativeZero: -0, bitsOf: (elements) => new BigUint64Array(Float64Array.from(elements).buffer) },
};

/** A kernel of windows of one element, row by row. */
export function kernelOf(
  rows: readonly (readonly number[])[],
  dtype: keyof typeof TYPES = 'float32',
  changed: Partial<Weight> = {},
): Kernel {
  const inCount = rows[0]!.length;
  const weight: Weight = {
    tensor: inlineTensor('w', dtype, [rows.length, inCount], new Uint8Array(0)),
    ...{ outCount: rows.length, outStride: inCount, inCount, inStride: 1 },
    kernelOffsets: Int32Array.of(0),
    rowScale: null,
    ...changed,
  };
  return { bits: TYPES[dtype].bitsOf(rows.flat()), weight, groups: 1, dtype, memory: null };
}
