import { describe, expect, it } from 'vitest';
import { certainties } from '../../../src/dialects/tao/certain.ts';
import { blocked, type Decision, ruled, unknown } from '../../../src/dialects/tao/exploration/decision.ts';
import type { Exploration } from '../../../src/dialects/tao/exploration/explore.ts';
import { retain } from '../../../src/dialects/tao/retention.ts';
import type { TaoSpec } from '../../../src/dialects/tao/spec.ts';
import type { Layer, Network } from '../../../src/network/index.ts';

const SPEC = { threshold: 0.5, granularity: 8, minNumFilters: 12 } as TaoSpec;
const layer = (name: string, filters = 30): Layer => ({ name, filters, kind: 'conv' }) as Layer;
const first = (count: number): number[] => Array.from({ length: count }, (_, k) => k);
const folded = (...layers: Layer[]): Decision => unknown(layers, { unknown: 'BatchNorm is folded', remedy: null });

/** What holds of layers by their decisions. */
function certain(decisions: readonly (readonly [Layer, Decision])[], undetermined: readonly Layer[] = []) {
  const network = { prunable: new Map(decisions.map(([one]) => [one.name, one])) } as unknown as Network;
  const exploration = { decisions: new Map(decisions) } as unknown as Exploration;
  const pruned = { exploration, undetermined: new Set(undetermined) };
  const { contradiction, summary } = certainties(network, SPEC, pruned);
  return {
    summary,
    /** The key of the spec that is broken, or null. */
    broken: (name: string, kept: Readonly<Record<string, readonly number[]>>): string | null =>
      contradiction(name, (of) => kept[of] ?? null)?.specKey ?? null,
  };
}

describe('a layer whose norms are not known', () => {
  const a = layer('a');
  const { broken } = certain([[a, folded(a)]]);

  it.each([
    ['all of them, however many', 30, null],
    ['a multiple of the granularity', 24, null],
    ['the fewest that the minimum leaves, rounded up', 16, null],
    ['fewer than the minimum leaves', 15, 'min_num_filters'],
    ['a multiple below the minimum', 8, 'min_num_filters'],
    ['no multiple', 17, 'granularity'],
  ])('may keep or not: %s', (_, count, key) => {
    expect(broken('a', { a: first(count) })).toBe(key);
  });

  it('is asked for nothing where nobody knows what it keeps, or what it is', () => {
    expect(broken('a', {})).toBeNull();
    expect(broken('b', { b: first(3) })).toBeNull();
  });
});

describe('layers that were given one decision', () => {
  const [a, b, c] = [layer('a'), layer('b'), layer('c')];
  const shared = folded(a, b);
  const others = [1, ...first(17).slice(2)];

  it('keep the same filters', () => {
    const { broken } = certain([
      [a, shared],
      [b, shared],
      [c, folded(c)],
    ]);
    expect(broken('a', { a: first(16), b: first(16), c: others })).toBeNull();
    expect(broken('a', { a: first(16), b: others, c: others })).toBe('equalization_criterion');
    expect(broken('b', { a: first(16), b: others, c: others })).toBe('equalization_criterion');
    expect(broken('a', { a: first(16), c: others })).toBeNull();
  });

  it('are asked for no more than numbers where the pruner might have decided otherwise', () => {
    const decisions = [
      [a, shared],
      [b, shared],
    ] as const;
    const { broken } = certain(decisions, [a]);
    expect(broken('a', { a: first(16), b: others })).toBeNull();
    expect(broken('a', { a: first(17), b: others })).toBe('granularity');
    expect(broken('b', { a: first(16), b: others })).toBe('equalization_criterion');
  });

  it('nor where even who is equalized is not known', () => {
    const hidden = blocked([a, b], 'behind an operator');
    const { broken } = certain([
      [a, hidden],
      [b, hidden],
    ]);
    expect(broken('a', { a: first(16), b: others })).toBeNull();
    expect(broken('a', { a: first(17), b: first(17) })).toBe('granularity');
  });
});

it('a layer whose norms are known is asked for nothing here', () => {
  const a = layer('a');
  const stat = { values: Float32Array.from({ length: 30 }, (_, k) => k), error: 0 };
  const { broken } = certain([[a, ruled(retain(stat, SPEC, 16), stat, 'own', [a])]]);
  expect(broken('a', { a: first(3) })).toBeNull();
});

it('says that equalized layers keep the same only where that is so of all', () => {
  const [a, b, c] = [layer('a'), layer('b'), layer('c')];
  const decisions = [
    [a, folded(a)],
    [b, folded(b)],
    [c, blocked([c], 'behind an operator')],
  ] as const;
  const counts = 'each keeps all its filters or a multiple of 8 that is not below the minimum of 12';
  const all = `${counts}, and equalized layers keep the same`;
  expect(certain(decisions).summary(['a', 'b'])).toBe(all);
  expect(certain(decisions).summary(['a', 'c'])).toBe(counts);
  expect(certain(decisions).summary(['a', 'gone'])).toBe(counts);
  expect(certain(decisions, [b]).summary(['a', 'b'])).toBe(counts);
  expect(certain(decisions, [b]).summary(['a'])).toBe(all);
});
