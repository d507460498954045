import { describe, expect, it } from 'vitest';
import { possibleCounts, retain } from '../../../src/dialects/tao/retention.ts';
import type { TaoSpec } from '../../../src/dialects/tao/spec.ts';

const spec = (keys: Partial<TaoSpec>): TaoSpec =>
  ({ threshold: 0.5, granularity: 1, minNumFilters: 1, ...keys }) as TaoSpec;
const stat = (values: readonly number[], error = 0) => ({ values: Float32Array.from(values), error });

/** What stays, and which step of the rule fixed the number. */
const kept = (values: readonly number[], keys: Partial<TaoSpec> = {}) => {
  const { retained, rule } = retain(stat(values), spec(keys), possibleCounts(stat(values), spec(keys))[0]!);
  return [retained, rule];
};

describe('the rule of one layer', () => {
  const values = [0.9, 0.1, 0.6, 0.4, 0.7, 0.2];

  it('keeps what exceeds the threshold, which itself is not enough', () => {
    expect(kept(values)).toEqual([[0, 2, 4], 'threshold']);
    expect(kept(values, { threshold: 0.75 })).toEqual([[0], 'threshold']);
    expect(kept([0.5, 0.75, 0.25])).toEqual([[1], 'threshold']);
    expect(kept(values, { threshold: 0 })).toEqual([[0, 1, 2, 3, 4, 5], 'all']);
  });

  it('keeps at least the minimum, rounds up to the granularity, and never keeps more than there are', () => {
    expect(kept(values, { minNumFilters: 4 })).toEqual([[0, 2, 3, 4], 'minimum']);
    expect(kept(values, { granularity: 4 })).toEqual([[0, 2, 3, 4], 'granularity']);
    expect(kept(values, { granularity: 8 })).toEqual([[0, 1, 2, 3, 4, 5], 'granularity']);
    expect(kept(values, { minNumFilters: 64 })).toEqual([[0, 1, 2, 3, 4, 5], 'minimum']);
  });

  it('compares with the threshold in float32, as numpy does', () => {
    const threshold = 0.1;
    expect(kept([Math.fround(0.1), 0.2], { threshold })).toEqual([[1], 'threshold']);
  });

  it('knows that equal values at the cut are any of them', () => {
    const { retained, tie } = retain(stat([0.9, 0.3, 0.3, 0.3, 0.1]), spec({ granularity: 2 }), 2);
    expect(retained).toEqual([0, 1]);
    expect(tie).toEqual({ certain: [0], candidates: [1, 2, 3], pick: 1 });
  });

  it('puts NaN last', () => {
    expect(kept([Number.NaN, 0.2, 0.3], { minNumFilters: 2 })).toEqual([[1, 2], 'minimum']);
  });

  it('knows every number that a value within its error of the threshold may lead to, the nominal first', () => {
    expect(possibleCounts(stat([0.9, 0.5001, 0.4999, 0.1], 0.001), spec({}))).toEqual([2, 1, 3]);
    expect(possibleCounts(stat([0.9, 0.5001, 0.4999, 0.1]), spec({}))).toEqual([2]);
  });
});
