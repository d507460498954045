import { expect, it } from 'vitest';
import { mostListed } from '../../src/dialects/explained.ts';

it('a group of any size lists values of its members in linear room: 64 for each layer of a small one, 3 for each of 20,000', () => {
  expect([2, 512, 1024, 20_000].map(mostListed)).toEqual([64, 64, 32, 3]);
});
