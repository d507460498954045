import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bufferBehind, reusableBuffer } from '../../../src/bytes/index.ts';
import type { Weight } from '../../../src/network/index.ts';
import type { Bits } from '../../../src/recovery/match/bits.ts';
import type { Kernel } from '../../../src/recovery/match/kernel.ts';
import { rowGroup } from '../../../src/recovery/match/row-group.ts';
import { sameRows } from '../../../src/recovery/match/same-rows.ts';
import { kernelWeight } from '../../support/convs.ts';

const TYPES = { float16: Uint16Array, float32: Uint32Array, float64: BigUint64Array } as const;

const pairs = fc
  .record({
    dtype: fc.constantFrom('float16', 'float32', 'float64'),
    rows: fc.integer({ min: 1, max: 7 }),
    kept: fc.uniqueArray(fc.integer({ min: 0, max: 11 }), { minLength: 1, maxLength: 12 }),
    window: fc.constantFrom(1, 3, 9),
    isMatMul: fc.boolean(),
    flipped: fc.nat(),
    isFlipped: fc.boolean(),
  })
  .map(({ dtype, rows, kept, window: size, isMatMul, flipped, isFlipped }) => {
    const window = isMatMul ? 1 : size;
    const columns = kept.sort((a, b) => a - b);
    const [dense, pruned] = [
      kernelWeight(rows, 12, window, isMatMul),
      kernelWeight(rows, columns.length, window, isMatMul),
    ];
    const bytes = TYPES[dtype].BYTES_PER_ELEMENT;
    const buffer = reusableBuffer(bytes * rows * 12 * window, 4096);
    const [denseBits, prunedBits] = [bitsIn(buffer.bytes, dtype, dense), bitsBehind(buffer, dtype, pruned)];
    for (let k = 0; k < denseBits.length; k++) put(denseBits, k, (k * 2654435761) % 60013);
    const at = ({ outStride, inStride }: Weight, row: number, column: number, k: number): number =>
      row * outStride + column * inStride + k;
    for (let row = 0; row < rows; row++)
      for (const [own, column] of columns.entries())
        for (let k = 0; k < window; k++)
          put(prunedBits, at(pruned, row, own, k), Number(denseBits[at(dense, row, column, k)]));
    if (isFlipped) {
      const k = flipped % prunedBits.length;
      put(prunedBits, k, Number(prunedBits[k]) ^ 1);
    }
    const kernel = (bits: Bits, weight: Weight): Kernel => ({ bits, weight, groups: 1, dtype, memory: buffer.memory });
    const filters = { first: 0, end: rows, denseFirst: 0, denseEnd: rows };
    const group = rowGroup(filters, dense, Int32Array.from(columns), pruned, Int32Array.from(columns.keys()));
    return { dense: kernel(denseBits, dense), pruned: kernel(prunedBits, pruned), group, rows };
  });

function bitsIn(bytes: Uint8Array, dtype: keyof typeof TYPES, { outCount, inCount, kernelOffsets }: Weight): Bits {
  return new TYPES[dtype](bytes.buffer as ArrayBuffer, bytes.byteOffset, outCount * inCount * kernelOffsets.length);
}

function bitsBehind(buffer: ReturnType<typeof reusableBuffer>, dtype: keyof typeof TYPES, weight: Weight): Bits {
  return bitsIn(bufferBehind(buffer.bytes, buffer.memory!, 8)!.bytes, dtype, weight);
}

function put(bits: Bits, at: number, value: number): void {
  if (bits instanceof BigUint64Array) bits[at] = BigInt(value);
  else bits[at] = value;
}

describe('rows', () => {
  it('are the same by WebAssembly and by each element, whatever is kept and however it lies', () => {
    fc.assert(
      fc.property(pairs, ({ dense, pruned, group, rows }) => {
        const inMemory = sameRows(dense, pruned, group);
        const byElement = sameRows({ ...dense, memory: null }, { ...pruned, memory: null }, group);
        for (let row = 0; row < rows; row++)
          for (let other = 0; other < rows; other++) {
            expect(inMemory.rows(row, other)).toBe(byElement.rows(row, other));
            expect(inMemory.denseRows(row, other)).toBe(byElement.denseRows(row, other));
            expect(byElement.rows(row, other)).toBe(equal(dense, row, pruned, other, group));
          }
      }),
    );
  });

  it('of columns that are kept side by side are compared in one run', () => {
    const weight = kernelWeight(2, 6, 9, false);
    const filters = { first: 0, end: 2, denseFirst: 0, denseEnd: 2 };
    const group = rowGroup(
      filters,
      weight,
      Int32Array.of(0, 1, 2, 5),
      kernelWeight(2, 4, 9, false),
      Int32Array.of(0, 1, 2, 3),
    );
    expect([...group.runs]).toEqual([0, 0, 27, 45, 27, 9]);
  });
});

/** By the definition: each compared element of a dense row is that of the pruned one. */
function equal(
  dense: Kernel,
  row: number,
  pruned: Kernel,
  other: number,
  { offsets, denseOffsets }: ReturnType<typeof rowGroup>,
): boolean {
  return [...offsets].every(
    (offset, k) =>
      pruned.bits[other * pruned.weight.outStride + offset] ===
      dense.bits[row * dense.weight.outStride + denseOffsets[k]!],
  );
}
