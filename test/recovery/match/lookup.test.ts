import { describe, expect, it } from 'vitest';
import { type Kernel, readKernel } from '../../../src/recovery/match/kernel.ts';
import { lookUpByValue } from '../../../src/recovery/match/lookup.ts';
import { cutRows, network, type Rows, rows } from '../../support/convs.ts';

/** The kernel of one layer, in a model of its own: a buffer lasts until the next is read. */
const kernelOf = (kernel: Rows, group = 1) => {
  const model = network([{ name: 'a', from: 'x', kernel, group }], { channels: kernel[0]!.length * group });
  return readKernel(model, model.prunable.get('a')!)!;
};

describe('a kernel is found in another by its values alone', () => {
  const dense = rows(8, 6, 1);

  it('with the row and the column of everything that was kept, in whatever order', () => {
    const found = lookUpByValue(kernelOf(dense), kernelOf(cutRows(dense, [5, 0, 7], [4, 1, 2])))!;
    expect([[...found.rows], [...found.columns]]).toEqual([
      [5, 0, 7],
      [4, 1, 2],
    ]);
  });

  it('but for what occurs too often to tell its place', () => {
    const flat = dense.map((row, k) => (k < 5 ? row.map(() => 0) : row));
    const found = lookUpByValue(kernelOf(flat), kernelOf(cutRows(flat, [0, 6, 7], [0, 3])))!;
    expect([[...found.rows], [...found.columns]]).toEqual([
      [-1, 6, 7],
      [0, 3],
    ]);
  });

  it('and for what is not there', () => {
    const found = lookUpByValue(kernelOf(dense), kernelOf(rows(2, 6, 3)))!;
    expect([...found.rows]).toEqual([-1, -1]);
  });

  it('not where it is grouped: a column is one of several then', () => {
    expect(lookUpByValue(kernelOf(rows(4, 2, 1), 2), kernelOf(rows(4, 2, 1), 2))).toBeNull();
  });
});

/** A matrix; every reading of a value is counted. */
function matrix(rows: number, columns: number, value: (row: number, column: number) => number) {
  const values = Float32Array.from({ length: rows * columns }, (_, k) => value(Math.floor(k / columns), k % columns));
  const reads = { count: 0 };
  const bits = new Proxy(new Int32Array(values.buffer), {
    get(target, key) {
      reads.count++;
      return Reflect.get(target, key);
    },
  });
  const weight = { outCount: rows, outStride: columns, inCount: columns, inStride: 1, kernelOffsets: [0] };
  return { kernel: { bits, weight, groups: 1, dtype: 'float32' } as unknown as Kernel, reads };
}

const KEPT = { rows: [1, 4, 5, 90], columns: [0, 7, 50, 51, 80] };

/** A dense matrix, and what is left of it. */
function pair(value: (row: number, column: number) => number) {
  return {
    dense: matrix(100, 90, value),
    pruned: matrix(4, 5, (row, column) => value(KEPT.rows[row]!, KEPT.columns[column]!)),
  };
}

const lists = (found: ReturnType<typeof lookUpByValue>) =>
  found && { rows: [...found.rows], columns: [...found.columns] };

describe('what a look-up takes', () => {
  it('is one look at each dense value', () => {
    const { dense, pruned } = pair((row, column) => Math.sin(row * 91.7 + column * 7.3));
    expect(lists(lookUpByValue(dense.kernel, pruned.kernel))).toEqual(KEPT);
    expect(dense.reads.count).toBeLessThan(1.1 * 100 * 90);
  });

  it('is more voters where few tell, as of weights that are mostly zeros', () => {
    const wide = (row: number, column: number) => (column % 16 === 9 ? Math.sin(row * 91.7 + column * 7.3) : 0);
    const rows = [3, 60];
    const columns = Array.from({ length: 64 }, (_, k) => k + 20);
    const dense = matrix(100, 100, wide);
    const pruned = matrix(2, 64, (row, column) => wide(rows[row]!, columns[column]!));
    expect([...lookUpByValue(dense.kernel, pruned.kernel)!.rows]).toEqual(rows);
  });
});
