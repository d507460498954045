import { describe, expect, it } from 'vitest';
import { readKernel } from '../../../src/recovery/match/kernel.ts';
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
