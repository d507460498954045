import { describe, expect, it } from 'vitest';
import type { Kernel } from '../../../src/recovery/match/kernel.ts';
import { rowGroup } from '../../../src/recovery/match/row-group.ts';
import { matchRows } from '../../../src/recovery/match/rows.ts';
import {
  goneRows,
  hasZeroRow,
  inTheirPlaces,
  matchZeroRows,
  withoutZeroed,
} from '../../../src/recovery/match/zero-rows.ts';
import { kernelOf, TYPES } from './kernels.ts';

/** Rows over these columns of the dense kernel, all of it where none are named. */
function groupOf(dense: Kernel, pruned: Kernel, columns = [...Array(dense.weight.inCount).keys()]) {
  const filters = { first: 0, end: pruned.weight.outCount, denseFirst: 0, denseEnd: dense.weight.outCount };
  const own = Int32Array.from(columns.keys());
  return rowGroup(filters, dense.weight, Int32Array.from(columns), pruned.weight, own);
}

function zerosIn(dense: Kernel, pruned: Kernel, columns?: number[]) {
  const groups = [groupOf(dense, pruned, columns)];
  const matches = matchRows(dense, pruned, groups);
  const found = matchZeroRows(dense, pruned, groups, matches);
  return { found, matched: [...matches.pruned] };
}

const DENSE = [
  [1, 2],
  [3, 4],
  [0, 0],
  [5, 6],
];

describe('rows of zeros', () => {
  it.each(['float16', 'float32', 'float64'] as const)(
    'of %s stand in the places of the rows that they were, of either sign',
    (dtype) => {
      const pruned = [
        [1, 2],
        [0, TYPES[dtype].negativeZero],
        [TYPES[dtype].negativeZero, 0],
        [5, 6],
      ];
      expect(zerosIn(kernelOf(DENSE, dtype), kernelOf(pruned, dtype))).toEqual({
        found: { zeroed: [1], before: [2] },
        matched: [0, 1, 2, 3],
      });
    },
  );

  it('are looked at over the columns that remain', () => {
    const dense = [
      [1, 2, 3],
      [0, 7, 0],
      [4, 0, 5],
    ];
    const pruned = [
      [1, 3],
      [0, 0],
      [0, 0],
    ];
    const { found } = zerosIn(kernelOf(dense), kernelOf(pruned), [0, 2]);
    expect(found).toEqual({ zeroed: [2], before: [1] });
  });

  it.each([
    [
      'a layer that lost rows',
      [
        [1, 2],
        [0, 0],
        [0, 0],
      ],
    ],
    [
      'rows that were moved',
      [
        [1, 2],
        [0, 0],
        [3, 4],
        [5, 6],
      ],
    ],
    ['rows that are all as they were', DENSE],
  ])('are none that were set to zero in %s', (_, pruned) => {
    const [dense, other] = [kernelOf(DENSE), kernelOf(pruned)];
    const matched = [...matchRows(dense, other, [groupOf(dense, other)]).pruned];
    expect(zerosIn(dense, other)).toEqual({ found: null, matched });
  });

  it('are none where no column remains', () => {
    expect(zerosIn(kernelOf(DENSE), kernelOf(DENSE), []).found).toBeNull();
    expect(hasZeroRow(kernelOf(DENSE), groupOf(kernelOf(DENSE), kernelOf(DENSE), []))).toBe(false);
  });

  it('are seen among others', () => {
    const has = (rows: number[][]): boolean => hasZeroRow(kernelOf(rows), groupOf(kernelOf(rows), kernelOf(rows)));
    expect(
      has([
        [0, 1],
        [1, 0],
        [0, 0],
      ]),
    ).toBe(true);
    expect(
      has([
        [0, 1],
        [1, 0],
      ]),
    ).toBe(false);
  });
});

describe('filters whose rows were set to zero', () => {
  it('are gone, and so are dense rows of zeros that the layer is not to retain', () => {
    const rows = { zeroed: [4, 1], before: [2, 3] };
    expect(goneRows(rows, null)).toEqual([1, 4]);
    expect(goneRows(rows, [0, 2])).toEqual([1, 3, 4]);
  });

  it('stand in their own places, whatever else is known', () => {
    const known = Int32Array.of(2, -1, 0);
    expect(inTheirPlaces(known, [], 3)).toBe(known);
    expect([...inTheirPlaces(known, [1], 3)!]).toEqual([2, 1, 0]);
    expect([...inTheirPlaces(null, [1], 3)!]).toEqual([-1, 1, -1]);
    expect([...known]).toEqual([2, -1, 0]);
  });

  it('say nothing of the columns that they were compared over', () => {
    const matches = { dense: Int32Array.of(0, 1, 2), pruned: Int32Array.of(0, 1, 2) };
    expect([...withoutZeroed(matches, [1]).pruned]).toEqual([0, -1, 2]);
    expect([...matches.pruned]).toEqual([0, 1, 2]);
  });
});
