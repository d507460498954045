import { expect, it } from 'vitest';
import { rowMajorStrides, stridedOffsets } from '../../src/network/strided.ts';

it('positions are visited row-major, whatever the strides', () => {
  expect(rowMajorStrides([2, 3, 4])).toEqual([12, 4, 1]);
  expect([...stridedOffsets([2, 3], [3, 1])]).toEqual([0, 1, 2, 3, 4, 5]);
  // A transpose, and a number that is repeated.
  expect([...stridedOffsets([3, 2], [1, 3])]).toEqual([0, 3, 1, 4, 2, 5]);
  expect([...stridedOffsets([2, 2], [0, 1], 7)]).toEqual([7, 8, 7, 8]);
});

it('a scalar has one position, and an empty array none', () => {
  expect([...stridedOffsets([], [], 5)]).toEqual([5]);
  expect([...stridedOffsets([2, 0, 3], [0, 3, 1])]).toEqual([]);
});
