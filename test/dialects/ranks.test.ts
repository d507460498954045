import fc from 'fast-check';
import { expect, it } from 'vitest';
import { ranksOf } from '../../src/dialects/ranks.ts';

it('the largest value ranks first, equal ones share a rank, and NaN comes last', () => {
  expect(ranksOf([0.5, 2, 1, 2])).toEqual([4, 1, 3, 1]);
  expect(ranksOf([Number.NaN, 1, -1])).toEqual([3, 1, 2]);
  expect(ranksOf([0, -0])).toEqual([1, 1]);
  expect(ranksOf([])).toEqual([]);
});

it('ranks by how many values are larger, whatever they are', () => {
  const value = fc.oneof(fc.constantFrom(0, -0, 1, Number.NaN, Number.NEGATIVE_INFINITY), fc.double());
  fc.assert(
    fc.property(fc.array(value), (values) => {
      const isLarger = (a: number, b: number): boolean => a > b || (Number.isNaN(b) && !Number.isNaN(a));
      expect(ranksOf(values)).toEqual(values.map((own) => 1 + values.filter((other) => isLarger(other, own)).length));
    }),
  );
});
