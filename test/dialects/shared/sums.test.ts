import { describe, expect, it } from 'vitest';
import { reusableBuffer } from '../../../src/bytes/index.ts';
import { addSums, roomForSums, type Walk } from '../../../src/dialects/shared/sums.ts';

const [ROWS, COLUMNS] = [11, 5];
const WALKS: readonly [string, Walk][] = [
  ['filters of a linear layer', { outStride: COLUMNS, inStride: 1, kernelOffsets: Int32Array.of(0) }],
  ['filters that lie across', { outStride: 1, inStride: ROWS, kernelOffsets: Int32Array.of(0) }],
  ['windows of a convolution', { outStride: COLUMNS * 3, inStride: 3, kernelOffsets: Int32Array.of(0, 1, 2) }],
  ['windows that lie apart', { outStride: 1, inStride: ROWS, kernelOffsets: Int32Array.of(0, 55, 110) }],
].map(([name, walk]) => [name as string, { outCount: ROWS, inCount: COLUMNS, ...(walk as object) } as Walk]);

const values = Float32Array.from({ length: ROWS * COLUMNS * 3 }, (_, k) => Math.sin(1 + 1.7 * k) * 10 ** (k % 7));

/** Sums of values that lie in WebAssembly's memory, or not, and what was left of bytes behind the room that it asks for. */
function sumsOf(walk: Walk, p: number, isInMemory: boolean, hasColumns = true, room = roomForSums(walk)) {
  const buffer = reusableBuffer(values.byteLength, room + 64);
  const memory = new Uint8Array(buffer.memory!.buffer).fill(0x77);
  const own = isInMemory ? new Float32Array(buffer.memory!.buffer, 0, values.length) : values;
  own.set(values);
  const rows = new Float64Array(ROWS);
  // What earlier blocks came to.
  const columns = hasColumns ? Float64Array.from({ length: COLUMNS }, (_, k) => k / 3) : null;
  addSums(own, walk, p, rows, columns, buffer);
  return { rows, columns, untouched: memory.subarray(values.byteLength + room).every((byte) => byte === 0x77) };
}

describe.each(WALKS)('sums over %s', (_, walk) => {
  it.each([1, 2])('are bit for bit those of a plain loop where they are made in WebAssembly, by power %i', (p) => {
    const inMemory = sumsOf(walk, p, true);
    expect(inMemory).toEqual(sumsOf(walk, p, false));
    expect(inMemory.untouched).toBe(true);
    expect(sumsOf(walk, p, true, false)).toEqual(sumsOf(walk, p, false, false));
  });

  it('are those of the weights', () => {
    const { rows, columns } = sumsOf(walk, 1, true);
    const at = (i: number, j: number): number =>
      walk.kernelOffsets.reduce((sum, k) => sum + Math.abs(values[i * walk.outStride + j * walk.inStride + k]!), 0);
    for (const [i, sum] of rows.entries())
      expect(sum / [0, 1, 2, 3, 4].reduce((all, j) => all + at(i, j), 0)).toBeCloseTo(1, 12);
    for (const [j, sum] of columns!.entries())
      expect(sum / Array.from(rows.keys()).reduce((all, i) => all + at(i, j), j / 3)).toBeCloseTo(1, 12);
  });

  it('are made elsewhere by other powers', () => {
    expect(sumsOf(walk, 1.5, true)).toEqual(sumsOf(walk, 1.5, false));
  });
});
