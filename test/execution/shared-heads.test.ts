import { describe, expect, it } from 'vitest';
import { executionOf } from '../support/execution.ts';
import { type SharedHeads, sharedHeadsModel } from '../support/shared-heads.ts';

describe.each([
  ['two heads of keys', { keys: 2, isBroadcast: false }],
  ['one head of keys', { keys: 1, isBroadcast: true }],
])('whole heads of queries that share %s', (_, sharing) => {
  const executed = (left: SharedHeads) =>
    executionOf(
      sharedHeadsModel(sharing),
      sharedHeadsModel(sharing, { queries: [1, 2, 5, 7], width: [0, 1, 3, 4], ...left }),
    );

  it('stay in a dense model cut to the same channels, and nobody hears them', async () => {
    const found = await executed({});
    expect(found, found.reason).toMatchObject({ verdict: 'equal', measure: 'cut' });
  });

  it.each<[string, SharedHeads]>([
    ['another head is read', { read: [1, 2, 5, 6] }],
    ['a factor is another', { factor: 1.01 }],
  ])('and %s: that is different', async (_name, left) => {
    const found = await executed(left);
    expect(found, found.reason).toMatchObject({ verdict: 'different', measure: 'cut' });
  });

  it('and columns in another order leave no measure', async () => {
    const found = await executed({ isSwapped: true });
    expect(found).toMatchObject({ verdict: null });
    expect(found.reason).toMatch(/o is not only cut/);
  });
});
