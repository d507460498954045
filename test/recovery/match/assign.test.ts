import { describe, expect, it } from 'vitest';
import { assignRows, type Evidence, equalRows } from '../../../src/recovery/match/assign.ts';
import type { RowMatches } from '../../../src/recovery/match/rows.ts';

const matches = (dense: readonly number[], pruned: readonly number[]): RowMatches => ({
  ...{ dense: Int32Array.from(dense), pruned: Int32Array.from(pruned) },
});
/** Nothing tells rows apart. */
const NOTHING: Evidence = { preferred: null, chosen: null, denseKey: () => '', prunedKey: () => '' };
const assigned = (found: RowMatches, evidence: Partial<Evidence> = {}): readonly number[] => [
  ...assignRows(found, equalRows(found), { ...NOTHING, ...evidence }),
];

/** Dense rows 1, 2 and 4 are equal, and so are 3 and 5; of the pruned ones 0 is the first of all. */
const DENSE = [0, 1, 1, 3, 1, 3];

describe('classes of equal rows', () => {
  it('are those of several dense rows that a pruned row is', () => {
    expect(equalRows(matches(DENSE, [0, 1, 1]))).toEqual([{ members: [1, 2], rows: [1, 2, 4] }]);
    expect(equalRows(matches(DENSE, [3, -1, 1]))).toEqual([
      { members: [0], rows: [3, 5] },
      { members: [2], rows: [1, 2, 4] },
    ]);
    expect(equalRows(matches(DENSE, [0, -1]))).toEqual([]);
  });
});

describe('among equal rows', () => {
  it('those that nothing equals, and those that are none, stay what they are', () => {
    expect(assigned(matches([0, 1, 2], [2, -1, 0]))).toEqual([2, -1, 0]);
  });

  it('each is given once, in ascending order', () => {
    expect(assigned(matches(DENSE, [0, 1, 1]))).toEqual([0, 1, 2]);
    expect(assigned(matches(DENSE, [1, 1, 1]))).toEqual([1, 2, 4]);
  });

  it('the first stands twice where there are more than the dense model has', () => {
    expect(assigned(matches([0, 1, 1], [1, 1, 1]))).toEqual([1, 2, 1]);
  });

  it('preferred ones come first, in ascending order all the same, and others fill up', () => {
    expect(assigned(matches(DENSE, [1]), { preferred: [4] })).toEqual([4]);
    expect(assigned(matches(DENSE, [1, 1]), { preferred: [4, 2] })).toEqual([2, 4]);
    expect(assigned(matches(DENSE, [1, 1]), { preferred: [4] })).toEqual([1, 4]);
  });

  it('what is known of the layer decides before anything else, as long as it is one of them and free', () => {
    expect(assigned(matches(DENSE, [1, 1]), { chosen: Int32Array.from([4, -1]), preferred: [1, 2] })).toEqual([4, 1]);
    // Row 3 is of another class, and row 4 is given once.
    expect(assigned(matches(DENSE, [1, 1]), { chosen: Int32Array.from([3, 4]) })).toEqual([1, 4]);
    expect(assigned(matches(DENSE, [1, 1]), { chosen: Int32Array.from([4, 4]) })).toEqual([4, 1]);
  });

  it('bias and BatchNorm decide before what is preferred', () => {
    const keys = { denseKey: (row: number) => `${row}`, prunedKey: (p: number) => ['4', '2'][p]! };
    expect(assigned(matches(DENSE, [1, 1]), { ...keys, preferred: [1] })).toEqual([4, 2]);
    // A key that no row has says nothing.
    expect(assigned(matches(DENSE, [1, 1]), { ...keys, prunedKey: (p) => ['other', '1'][p]! })).toEqual([2, 1]);
  });

  it('the place between rows that are sure decides where the order was kept', () => {
    // Rows 0 and 3 are equal; 1 and 2 are sure.
    expect(assigned(matches([0, 1, 2, 0], [1, 0]))).toEqual([1, 3]);
    expect(assigned(matches([0, 1, 2, 0], [0, 1]))).toEqual([0, 1]);
    expect(assigned(matches([0, 1, 2, 0], [0, 2, 0]))).toEqual([0, 2, 3]);
    // Out of order it says nothing.
    expect(assigned(matches([0, 1, 2, 0], [2, 1, 0]))).toEqual([2, 1, 0]);
  });
});
