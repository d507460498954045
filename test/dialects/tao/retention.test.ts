import { describe, expect, it } from 'vitest';
import { argsortDescending } from '../../../src/dialects/tao/argsort.ts';
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

  it('knows that values within their error of the cut are any of them, those above it too', () => {
    const near = [0.9, 0.50001, 0.5, 0.1];
    expect(retain(stat(near, 0.001), spec({}), 2).tie).toEqual({ certain: [0], candidates: [1, 2], pick: 1 });
    expect(retain(stat(near, 0.001), spec({}), 3).tie).toBeNull();
    expect(retain(stat(near), spec({}), 2).tie).toBeNull();
    // Relative to the larger of the two, which itself is near enough.
    expect(retain(stat([4, 2, 1], 0.5), spec({}), 2).tie).toEqual({ certain: [], candidates: [0, 1, 2], pick: 2 });
    expect(retain(stat([5, 2, 1], 0.5), spec({}), 2).tie).toEqual({ certain: [0], candidates: [1, 2], pick: 1 });
  });

  it('takes of equal values those that numpy 1.24 takes, where the spec says so and the values are exact', () => {
    const equal = [0.1, 0.3, 0.9, 0.3, 0.3];
    const ties = spec({ ties: 'numpy-1.24' });
    expect(retain(stat(equal), ties, 3)).toMatchObject({ retained: [1, 2, 3], tie: null });
    expect(retain(stat(equal, 0.001), ties, 3).tie).toEqual({ certain: [2], candidates: [1, 3, 4], pick: 2 });
    const many = Array.from({ length: 40 }, (_, k) => (k % 2 === 0 ? 0.25 : 0.75));
    const first = retain(stat(many), ties, 10).retained;
    expect(first).toEqual([...argsortDescending(Float32Array.from(many)).subarray(0, 10)].sort((a, b) => a - b));
  });

  it('takes NaN where numbers do not suffice, and any of them', () => {
    const { retained, tie } = retain(stat([Number.NaN, 0.3, Number.NaN]), spec({}), 2);
    expect(retained).toEqual([0, 1]);
    expect(tie).toEqual({ certain: [1], candidates: [0, 2], pick: 1 });
    expect(retain(stat([Number.NaN, 0.3, 0.2]), spec({}), 2)).toMatchObject({ retained: [1, 2], tie: null });
  });

  it('puts NaN last', () => {
    expect(kept([Number.NaN, 0.2, 0.3], { minNumFilters: 2 })).toEqual([[1, 2], 'minimum']);
  });

  it('knows every number that a value within its error of the threshold may lead to, the nominal first', () => {
    expect(possibleCounts(stat([0.9, 0.5001, 0.4999, 0.1], 0.001), spec({}))).toEqual([2, 1, 3]);
    expect(possibleCounts(stat([0.9, 0.5001, 0.4999, 0.1]), spec({}))).toEqual([2]);
  });
});
