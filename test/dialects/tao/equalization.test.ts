import { describe, expect, it } from 'vitest';
import { mergeIn, mergePair, nothingMerged, statOfMerged } from '../../../src/dialects/tao/equalization.ts';
import type { Stat } from '../../../src/dialects/tao/norms/importance.ts';
import { CRITERIA, type Criterion } from '../../../src/dialects/tao/spec.ts';

const stat = (...values: number[]): Stat => ({ values: Float32Array.from(values), error: 0 });

function merged(criterion: Criterion, ...stats: readonly Stat[]): Stat {
  const all = nothingMerged();
  for (const each of stats) mergeIn(all, each, criterion);
  return statOfMerged(all, criterion);
}

describe('values of layers that are pruned alike', () => {
  it.each<[Criterion, readonly number[]]>([
    ['union', [0.5, 0.75]],
    ['intersection', [0.25, 0.5]],
    ['arithmetic_mean', [0.375, 0.625]],
    ['geometric_mean', [Math.sqrt(0.125), Math.sqrt(0.375)]],
  ])('are merged by %s, of a pair and of a group alike', (criterion, expected) => {
    const [a, b] = [stat(0.25, 0.75), stat(0.5, 0.5)];
    for (const { values } of [mergePair(a, b, criterion), merged(criterion, a, b)])
      for (const [k, value] of expected.entries()) expect(values[k], criterion).toBeCloseTo(value, 6);
  });

  it('are rounded to float32 where numpy rounds: the sum of a mean before it is halved', () => {
    const [a, b] = [stat(16777216), stat(1)];
    expect(mergePair(a, b, 'arithmetic_mean').values[0]).toBe(8388608);
    expect(merged('arithmetic_mean', a, b).values[0]).toBe(8388608);
  });

  it('know how far they may be off: means of three hang on an order that Python does not promise', () => {
    const three = [stat(0.1), stat(0.2), stat(0.3)];
    const errors = Object.fromEntries(CRITERIA.map((criterion) => [criterion, merged(criterion, ...three).error]));
    expect(errors['union']).toBe(0);
    expect(errors['intersection']).toBe(0);
    expect(errors['arithmetic_mean']).toBeGreaterThan(0);
    expect(errors['geometric_mean']).toBeGreaterThan(0);
    expect(merged('arithmetic_mean', ...three.slice(0, 2)).error).toBe(0);
    expect(mergePair({ ...stat(1), error: 0.5 }, stat(1), 'union').error).toBe(0.5);
    expect(mergePair(stat(1), stat(1), 'geometric_mean').error).toBeGreaterThan(0);
  });

  it('stay what they were for each layer, and a group of more layers changes nothing of a smaller one', () => {
    const [a, b, c] = [stat(0.25, 0.75), stat(0.5, 0.5), stat(1, 0)];
    const all = nothingMerged();
    for (const each of [a, b]) mergeIn(all, each, 'union');
    const ofTwo = statOfMerged(all, 'union');
    mergeIn(all, c, 'union');
    expect([...a.values]).toEqual([0.25, 0.75]);
    expect([...ofTwo.values]).toEqual([0.5, 0.75]);
  });
});
