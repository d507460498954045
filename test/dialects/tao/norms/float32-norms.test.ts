import fc from 'fast-check';
import { expect, it } from 'vitest';
import { reusableBuffer } from '../../../../src/bytes/index.ts';
import { float32Norms, normsInPlace } from '../../../../src/dialects/tao/norms/float32-norms.ts';
import type { Weight } from '../../../../src/network/index.ts';
import { inlineTensor } from '../../../../src/onnx/index.ts';
import { kernelWeight } from '../../../support/convs.ts';

const listOf = (value: fc.Arbitrary<number>) => fc.array(value, { minLength: 1, maxLength: 64 });
/** Beside a large value, no sum tells whether a small one is in it. */
const ORDINARY = listOf(fc.float({ min: Math.fround(0.1), max: 2, noNaN: true }));
const ANY = listOf(fc.float({ noNaN: false }));

/**
 * A kernel as (out, in, kh * kw), or as a MatMul's (in, out), in the memory of a buffer.
 * @param least how many elements it has at least
 */
const kernelOf = (least: number) =>
  fc
    .record({
      rows: fc.integer({ min: 1, max: 37 }),
      more: fc.integer({ min: 1, max: 9 }),
      positions: fc.constantFrom(1, 2, 3, 4, 6, 8, 9, 25),
      isMatMul: fc.boolean(),
      shift: fc.integer({ min: 0, max: 3 }),
      seed: fc.oneof(ORDINARY, ANY),
    })
    .map(({ rows, more, positions: count, isMatMul, shift, seed }) => {
      const positions = isMatMul ? 1 : count;
      const columns = Math.floor(least / (rows * positions)) + more;
      const elements = rows * columns * positions;
      const buffer = reusableBuffer(4 * (elements + shift), 4 * elements);
      const data = new Float32Array(buffer.bytes.buffer, 4 * shift, elements);
      for (let k = 0; k < elements; k++) data[k] = seed[(k * 7 + (k >> 3)) % seed.length]! * (1 + (k % 13) / 16);
      const weight = kernelWeight(rows, columns, positions, isMatMul);
      return { buffer, data, weight };
    });

// Large ones are summed up by another walk.
it.each([
  ['small', 0, 100],
  ['large', 2 ** 17, 300],
])(
  'WebAssembly computes the norms of a %s kernel that rounding each square and each sum gives, bit for bit',
  (_, least, numRuns) => {
    fc.assert(
      fc.property(kernelOf(least), ({ buffer, data, weight }) => {
        const inPlace = normsInPlace(buffer, 0)!(data, weight);
        expect(inPlace).not.toBeNull();
        // Object.is tells -0 from 0 and knows NaN.
        expect(inPlace).toEqual(float32Norms(data.slice(), weight, null));
      }),
      { numRuns },
    );
  },
);

it('a kernel outside the memory, or without room behind it, is not touched', () => {
  const buffer = reusableBuffer(16);
  const room = buffer.memory!.buffer.byteLength / 4;
  const weight = (rows: number, data: Float32Array): Weight => ({
    tensor: inlineTensor('w', 'float32', [rows], new Uint8Array(data.buffer)),
    outCount: rows,
    outStride: 1,
    inCount: 1,
    inStride: rows,
    kernelOffsets: Int32Array.of(0),
    rowScale: null,
  });
  const whole = new Float32Array(buffer.memory!.buffer, 0, room - 4);
  expect(normsInPlace(buffer)!(whole, weight(whole.length, whole))).toBeNull();
  const elsewhere = new Float32Array(16).fill(3);
  expect(normsInPlace(buffer)!(elsewhere, weight(16, elsewhere))).toBeNull();
  expect(float32Norms(elsewhere, weight(16, elsewhere), normsInPlace(buffer))).toEqual(elsewhere);
});
