import { describe, expect, it } from 'vitest';
import { recoverRetention } from '../../src/recovery/index.ts';
import { networkOf } from '../support/golden.ts';
import { type SharedHeads, sharedHeadsModel } from '../support/shared-heads.ts';

describe.each([
  ['two heads of keys', { keys: 2, isBroadcast: false }],
  ['one head of keys that is repeated', { keys: 1, isBroadcast: false }],
  ['one head of keys that is broadcast', { keys: 1, isBroadcast: true }],
])('where heads of queries share %s', (_, sharing) => {
  const queries = [1, 2, 5, 7];
  const width = [0, 1, 3, 4];
  const found = (left: SharedHeads) => {
    const pruned = sharedHeadsModel(sharing, { queries, width, ...left });
    const { layers, open } = recoverRetention(networkOf(sharedHeadsModel(sharing)), networkOf(pruned));
    expect([...layers.values()].flatMap((layer) => layer.open).concat(open)).toEqual([]);
    return [...layers.values()].flatMap(({ name, disagreements }) =>
      disagreements.map(({ consumer, detail }) => `${name}: ${consumer}: ${detail}`),
    );
  };

  it('the columns behind are those of the heads that are left', () => {
    expect(found({})).toEqual([]);
  });

  it.each<[string, SharedHeads]>([
    ['another head', { read: [1, 2, 5, 6] }],
    ['two of them exchanged', { read: [2, 1, 5, 7] }],
    ['heads that stand in another order', { queries: [2, 1, 5, 7], read: [1, 2, 5, 7] }],
  ])('and no others: %s', (_name, left) => {
    expect(found(left)).toEqual(['q: o: they are those of other heads than of the queries that are left']);
  });

  it('and their channels stand in their order', () => {
    expect(found({ isSwapped: true })).toEqual(['v: o: they keep its filters in another order']);
  });
});
