import { expect, it } from 'vitest';
import { disjointSets } from '../../src/network/index.ts';

it('numbers that are joined, directly or by others, have the least of them for a root', () => {
  const sets = disjointSets(7);
  sets.join(6, 5);
  sets.join(2, 4);
  sets.join(5, 4);
  sets.join(4, 6);
  expect([0, 1, 2, 3, 4, 5, 6].map(sets.rootOf)).toEqual([0, 1, 2, 3, 2, 2, 2]);
});
