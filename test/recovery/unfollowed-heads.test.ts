import { describe, expect, it } from 'vitest';
import { recoverRetention } from '../../src/recovery/index.ts';
import { networkOf } from '../support/golden.ts';
import { type SharedHeads, sharedHeadsModel } from '../support/shared-heads.ts';

describe.each([
  [2, ['q', 'k']],
  [1, ['q', 'k']],
  [2, ['q']],
])('where queries share %i heads of keys, and rotary positions turn %j', (keys, turned) => {
  const sharing = { keys, isBroadcast: false, turned };
  const queries = [1, 2, 5, 7];
  const found = (left: SharedHeads) => {
    const pruned = sharedHeadsModel(sharing, { queries, width: [0, 1, 3, 4], ...left });
    const { layers, open } = recoverRetention(networkOf(sharedHeadsModel(sharing)), networkOf(pruned));
    const of = (key: 'disagreements' | 'open') => [...layers.values()].flatMap((layer) => layer[key]);
    return { wrong: of('disagreements'), open: [...of('open'), ...open].map(({ detail }) => detail) };
  };

  it.each<[string, SharedHeads]>([
    ['whole', {}],
    ['in part', { inHeads: [1] }],
  ])('the columns behind are those of the heads that are left, %s', (_name, left) => {
    expect(found(left)).toEqual({ wrong: [], open: [] });
  });

  it.each<[string, SharedHeads, string]>([
    ['another head', { read: [1, 2, 5, 6] }, 'not all of the dense ones'],
    ['a head of other keys', { read: [0, 1, 2, 7] }, 'not all of the dense ones'],
    ['other channels of the heads', { inHeads: [1], readInHeads: [0] }, 'not all of the dense ones'],
    ['heads in another order', { read: [2, 1, 5, 7] }, 'another order'],
  ])('and it is open where they are not: %s', (_name, left, reason) => {
    expect(found(left)).toEqual({ wrong: [], open: [expect.stringContaining(reason)] });
  });
});
