import { expect, it } from 'vitest';
import { ranksOf } from '../../src/dialects/ranks.ts';

it('the largest value ranks first, equal ones share a rank, and NaN comes last', () => {
  expect(ranksOf([0.5, 2, 1, 2])).toEqual([4, 1, 3, 1]);
  expect(ranksOf([Number.NaN, 1, -1])).toEqual([3, 1, 2]);
  expect(ranksOf([0, -0])).toEqual([1, 1]);
  expect(ranksOf([])).toEqual([]);
});
