import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { reusableBuffer } from '../../src/bytes/index.ts';
import { filterBlocks, readNetwork, type Weight } from '../../src/network/index.ts';
import { memoryModel, readModel } from '../../src/onnx/index.ts';
import { modelBytes, op, zeros } from '../support/onnx-builder.ts';

const values = (count: number): Uint8Array =>
  new Uint8Array(Float32Array.from({ length: count }, (_, k) => Math.sin(k)).buffer);

interface Kernel {
  readonly rows: number;
  readonly columns: number;
  /** As a MatMul has it, (in, out), or a convolution, (out, in, 1, 1). */
  readonly isMatMul?: boolean;
  readonly isTyped?: boolean;
  readonly isExternal?: boolean;
}

function weightOf({ rows, columns, isMatMul = false, isTyped = false, isExternal = false }: Kernel): Weight {
  const dims = isMatMul ? [columns, rows] : [rows, columns, 1, 1];
  const bytes = values(rows * columns);
  const shape = { dims: dims.map(BigInt), dataType: 1 };
  const place = ['location', 'offset'].map((key, k) => ({ key, value: ['w.bin', '64'][k]! }));
  const weight = isTyped
    ? { ...shape, floatData: [...new Float32Array(bytes.buffer)] }
    : isExternal
      ? { ...shape, dataLocation: 1, externalData: place }
      : { ...zeros(dims), rawData: bytes };
  const graph = {
    inputs: { x: isMatMul ? [1, columns] : [1, columns, 1, 1] },
    weights: { w: weight },
    nodes: [op(isMatMul ? 'MatMul' : 'Conv', ['x', 'w'], 'a', { name: 'a' })],
    outputs: ['a'],
  };
  const beside = new Map([['w.bin', new Uint8Array([...new Uint8Array(64), ...(isExternal ? bytes : [])])]]);
  const network = readNetwork(readModel(memoryModel('model.onnx', modelBytes(graph), beside)));
  const { weight: found } = network.prunable.get('a')!;
  if (found === null || 'opaque' in found) throw new Error('its weight is not found');
  return found;
}

/** More than a block holds. */
const LARGE = { rows: 40, columns: 20_000 };

describe('blocks of filters', () => {
  it('are together what the weight is, in order, and each alone is small', () => {
    const large = fc.record({
      rows: fc.integer({ min: 1, max: 40 }),
      columns: fc.integer({ min: 5000, max: 15_000 }),
      isExternal: fc.boolean(),
    });
    fc.assert(
      fc.property(large, (kernel) => {
        const weight = weightOf(kernel);
        const [whole, buffer] = [weight.tensor.read().bytes, reusableBuffer(4 * kernel.rows * kernel.columns)];
        let next = 0;
        for (const { first, weight: block } of filterBlocks(weight)) {
          expect(first).toBe(next);
          const { bytes } = block.tensor.read(buffer);
          expect(bytes.length).toBe(4 * block.outCount * kernel.columns);
          expect(bytes.length).toBeLessThanOrEqual(Math.max(2 ** 20, 4 * 8 * kernel.columns));
          expect(Buffer.compare(bytes, whole.subarray(4 * first * kernel.columns).subarray(0, bytes.length))).toBe(0);
          next += block.outCount;
        }
        expect(next).toBe(kernel.rows);
      }),
      { numRuns: 8 },
    );
  });

  it('have the factors of their own filters', () => {
    const weight = { ...weightOf(LARGE), rowScale: Float64Array.from({ length: LARGE.rows }, (_, k) => k) };
    const blocks = filterBlocks(weight);
    expect(blocks.length).toBeGreaterThan(1);
    for (const block of blocks)
      expect([...block.weight.rowScale!]).toEqual(
        Array.from({ length: block.weight.outCount }, (_, k) => block.first + k),
      );
  });

  it.each([
    ['stand side by side in the file', { isMatMul: true }],
    ['are written as numbers one by one', { isTyped: true }],
  ])('are one where filters %s', (_, how) => {
    const weight = weightOf({ ...LARGE, ...how });
    expect(filterBlocks(weight)).toEqual([{ first: 0, weight }]);
  });

  it('are one where a filter shares its stretch with another, or elements belong to none', () => {
    const weight = weightOf(LARGE);
    for (const odd of [
      { outCount: LARGE.rows - 1 },
      { outStride: LARGE.columns / 2, outCount: 2 * LARGE.rows },
      { kernelOffsets: Int32Array.of(1) },
    ])
      expect(filterBlocks({ ...weight, ...odd })).toHaveLength(1);
  });
});
