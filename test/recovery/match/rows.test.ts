import { describe, expect, it } from 'vitest';
import { readKernel, rowGroups } from '../../../src/recovery/match/kernel.ts';
import { matchRows, nearestRow } from '../../../src/recovery/match/rows.ts';
import { cutRows, network, type Rows, rows } from '../../support/convs.ts';

const kernelOf = (kernel: Rows) => {
  const model = network([{ name: 'a', from: 'x', kernel }], { channels: kernel[0]!.length });
  return readKernel(model, model.prunable.get('a')!)!;
};

const matched = (before: Rows, after: Rows, columns: readonly number[]) => {
  const [dense, pruned] = [kernelOf(before), kernelOf(after)];
  const groups = rowGroups(dense, pruned, Int32Array.from(columns), null)!;
  const found = matchRows(dense, pruned, groups);
  return { dense: [...found.dense], pruned: [...found.pruned], nearest: nearestRow(dense, pruned, groups[0]!, 0) };
};

describe('rows over the remaining columns', () => {
  const before = rows(5, 4, 1);

  it('are found bit for bit, or not at all', () => {
    const after = cutRows(before, [4, 1], [0, 2]).map((row) => [...row]);
    after.push([before[2]![0]!, before[3]![2]!]);
    expect(matched(before, after, [0, 2])).toMatchObject({ dense: [0, 1, 2, 3, 4], pruned: [4, 1, -1] });
  });

  it('that are equal form a class under the number of the first', () => {
    const equal = before.map((row, k) => (k === 3 ? before[1]! : row));
    expect(matched(equal, cutRows(equal, [3, 4], [0, 1, 2, 3]), [0, 1, 2, 3])).toMatchObject({
      dense: [0, 1, 2, 1, 4],
      pruned: [1, 4],
    });
  });

  it('that begin alike by the hundred are told apart all the same', () => {
    const sparse = Array.from({ length: 200 }, (_, k) => [...Array(8).fill(0), k + 1]);
    const own = [3, 77, 199];
    expect(matched(sparse, cutRows(sparse, own, null), [...Array(9).keys()]).pruned).toEqual(own);
  });

  it('of which one value changed have a nearest row, and the place of the change', () => {
    const after = [before[2]!.map((value, k) => (k === 3 ? value + 1 : value))];
    expect(matched(before, after, [0, 1, 2, 3]).nearest).toEqual({ filter: 2, differing: 1, firstAt: 3 });
    expect(matched(before, rows(1, 4, 7), [0, 1, 2, 3]).nearest).toBeNull();
  });
});
