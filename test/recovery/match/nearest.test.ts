import { describe, expect, it } from 'vitest';
import { readKernel, rowGroups, valuesOf } from '../../../src/recovery/match/kernel.ts';
import { nearestRows } from '../../../src/recovery/match/nearest.ts';
import { cutRows, network, type Rows, rows } from '../../support/convs.ts';

const kernelOf = (kernel: Rows) => {
  const model = network([{ name: 'a', from: 'x', kernel }], { channels: kernel[0]!.length });
  return readKernel(model, model.prunable.get('a')!)!;
};

const nearest = (before: Rows, after: Rows) => {
  const [dense, pruned] = [kernelOf(before), kernelOf(after)];
  const groups = rowGroups(dense, pruned, Int32Array.from(before[0]!.keys()), null)!;
  return nearestRows(valuesOf(dense), valuesOf(pruned), groups);
};

describe('filters that were trained on', () => {
  const before = rows(6, 8, 1);
  const moved = (kernel: Rows, by: number): Rows => kernel.map((row) => row.map((value) => value * (1 + by)));

  it('are the dense ones that they come nearest to, with the distance', () => {
    const found = nearest(before, moved(cutRows(before, [5, 2], null), 0.01))!;
    expect([...found.filters]).toEqual([5, 2]);
    expect(found.distance).toBeCloseTo(0.01, 4);
    expect(found.margin).toBeGreaterThan(2);
  });

  it('are none for sure where another one is nearly as near', () => {
    const between = before[0]!.map((value, k) => (value + before[1]![k]!) / 2);
    expect(nearest(before, [between])).toBeNull();
  });

  it('of zeros come near to nothing', () => {
    expect(nearest(before, [before[0]!.map(() => 0)])).toBeNull();
  });
});
