import { describe, expect, it } from 'vitest';
import { withoutSettled } from '../../../src/dialects/declared/assumptions.ts';
import type { Certainties, LayerExpectation } from '../../../src/dialects/types.ts';
import type { Network } from '../../../src/network/index.ts';

const ASSUMES = { of: 'weights', open: 'BatchNorm may be folded into it', remedy: 'Say so.' };
const kept = Array.from({ length: 8 }, (_, k) => 2 * k);
const layer = (name: string) =>
  [name, { name, expected: kept, assumes: ASSUMES } as unknown as LayerExpectation] as const;
const layers = new Map(['a', 'b', 'c'].map(layer));
const network = { prunable: new Map(['a', 'b', 'c'].map((name) => [name, { filters: 16 }])) } as unknown as Network;
const nothing: Certainties = { summary: () => '', contradiction: () => null };

const settledBy = (actual: Readonly<Record<string, readonly number[]>>, certain = nothing): readonly string[] =>
  [...withoutSettled(layers, network, (name) => actual[name] ?? null, certain).values()]
    .filter(({ assumes }) => assumes === null)
    .map(({ name }) => name);

describe('weights of which it is open whether their pruner saw them', () => {
  const other = kept.map((filter) => filter + 1);

  it('are those where most layers keep what they ask for', () => {
    expect(settledBy({ a: kept, b: kept, c: other })).toEqual(['a', 'b', 'c']);
  });

  it('stay open where most do not, or one alone does', () => {
    expect(settledBy({ a: kept, b: other, c: other })).toEqual([]);
    expect(settledBy({ a: kept })).toEqual([]);
  });

  it('make no rule keep another number of filters', () => {
    const problem = { problem: 'kept 7', reason: '7 of 16', specKey: 'keep' };
    expect(
      settledBy({ a: other, b: other }, { ...nothing, contradiction: (name) => (name === 'b' ? problem : null) }),
    ).toEqual(['b']);
  });
});
