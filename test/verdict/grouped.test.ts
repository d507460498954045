import { expect, it } from 'vitest';
import { groupedBy } from '../../src/verdict/grouped.ts';

it('items of one key stand together, in the order in which the first of each comes', () => {
  expect(groupedBy(['b1', 'a1', 'b2', 'c1', 'a2'], (text) => text[0]!)).toEqual([['b1', 'b2'], ['a1', 'a2'], ['c1']]);
  expect(groupedBy([], String)).toEqual([]);
});
