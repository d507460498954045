import { describe, expect, it } from 'vitest';
import { readKernel, rowGroups, transposed, valuesOf } from '../../../src/recovery/match/kernel.ts';
import { network, type Rows, rows } from '../../support/convs.ts';

const kernelOf = (kernel: Rows, group = 1) => {
  const model = network([{ name: 'a', from: 'x', kernel, group }], { channels: kernel[0]!.length * group });
  return readKernel(model, model.prunable.get('a')!)!;
};
const columns = (...all: number[]): Int32Array => Int32Array.from(all);
const plain = (groups: ReturnType<typeof rowGroups>) =>
  groups?.map(({ offsets, denseOffsets, runs, size, ...group }) => ({
    ...group,
    offsets: [...offsets],
    denseOffsets: [...denseOffsets],
  })) ?? null;

describe('the elements of pruned and dense rows', () => {
  it('are paired by the columns that remain, all of them or some', () => {
    const [dense, pruned] = [kernelOf(rows(4, 5, 1)), kernelOf(rows(2, 3, 1))];
    const whole = { first: 0, end: 2, denseFirst: 0, denseEnd: 4 };
    expect(plain(rowGroups(dense, pruned, columns(0, 2, 4), null))).toEqual([
      { ...whole, offsets: [0, 1, 2], denseOffsets: [0, 2, 4] },
    ]);
    expect(plain(rowGroups(dense, pruned, columns(0, 2, 4), columns(1, 2)))).toEqual([
      { ...whole, offsets: [1, 2], denseOffsets: [2, 4] },
    ]);
  });

  it('of groups are those of the dense group that the columns come from', () => {
    const [dense, pruned] = [kernelOf(rows(6, 2, 1), 3), kernelOf(rows(4, 1, 1), 2)];
    expect(plain(rowGroups(dense, pruned, columns(1, 4), null))).toEqual([
      { first: 0, end: 2, denseFirst: 0, denseEnd: 2, offsets: [0], denseOffsets: [1] },
      { first: 2, end: 4, denseFirst: 4, denseEnd: 6, offsets: [0], denseOffsets: [0] },
    ]);
  });

  it('are not paired where a group mixes columns of several dense ones', () => {
    const [dense, pruned] = [kernelOf(rows(4, 2, 1), 2), kernelOf(rows(2, 2, 1), 1)];
    expect(rowGroups(dense, pruned, columns(0, 3), null)).toBeNull();
  });

  it('of a depthwise convolution are rows of one column, whatever the channels before it', () => {
    const [dense, pruned] = [kernelOf(rows(4, 1, 1), 4), kernelOf(rows(2, 1, 1), 2)];
    expect(plain(rowGroups(dense, pruned, columns(1, 3), null))).toEqual([
      { first: 0, end: 2, denseFirst: 0, denseEnd: 4, offsets: [0], denseOffsets: [0] },
    ]);
  });
});

it('a kernel read as its columns gives back each element', () => {
  const kernel = kernelOf(rows(3, 2, 1));
  const { values, weight } = valuesOf(transposed(kernel));
  const at = (row: number, column: number) => values[row * weight.outStride + column * weight.inStride];
  expect([weight.outCount, weight.inCount]).toEqual([2, 3]);
  for (const [row, each] of rows(3, 2, 1).entries())
    for (const [column, value] of each.entries()) expect(at(column, row)).toBe(value);
});
