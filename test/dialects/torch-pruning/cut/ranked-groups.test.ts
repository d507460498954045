import { describe, expect, it } from 'vitest';
import { specFromFile } from '../../../../src/config/spec.ts';
import { parseYaml } from '../../../../src/config/yaml.ts';
import { rank, type ScoresOf } from '../../../../src/dialects/torch-pruning/cut/ranked-groups.ts';
import { readTorchSpec } from '../../../../src/dialects/torch-pruning/spec.ts';
import { dependenciesOf } from '../../../../src/dialects/torch-pruning/trace/groups.ts';
import { convs, inMemory, rows } from '../../../support/convs.ts';

const dependencies = dependenciesOf(
  inMemory(
    convs([
      { name: 'a', from: 'x', kernel: rows(4, 2, 1) },
      { name: 'b', from: 'a', kernel: rows(6, 4, 2) },
      { name: 'c', from: 'b', kernel: rows(3, 6, 3) },
    ]),
  ),
);
const rootOf = ({ items }: (typeof dependencies.groups)[number]): string => items[0]!.module.layer.name;
const scored = (values: Float64Array) => {
  const none = new Float64Array(values.length);
  return { terms: null, scores: { values, errors: none, orderErrors: none, unit: 2 ** -24 } };
};
const plain: ScoresOf = ({ items }) =>
  scored(Float64Array.from({ length: items[0]!.module.outWidth! }, (_, k) => k + 1));

interface Given {
  readonly prune?: Readonly<Record<string, unknown>>;
  /** The layer whose group could not be followed. */
  readonly lost?: string;
  readonly scoresOf?: ScoresOf;
}

/** The ratio and why a ranking is not known, by the layers that are ranked in it. */
function rankings({ prune = {}, lost, scoresOf = plain }: Given) {
  const text = JSON.stringify({
    dialect: 'torch-pruning',
    prune: { importance: { type: 'MagnitudeImportance' }, pruning_ratio: 0.5, ...prune },
  });
  const groups = dependencies.groups.map((group) => (rootOf(group) === lost ? { ...group, trouble: 'lost' } : group));
  const spec = readTorchSpec(specFromFile(parseYaml(text, 'spec.yaml')));
  const { scopes, fates } = rank({ ...dependencies, groups }, { spec, unresolved: new Map() }, scoresOf);
  const found = [...scopes.values()].map(({ records, ratio, unknown }) => ({
    layers: records.map(({ origin }) => rootOf(origin)).sort(),
    ratio,
    unknown: unknown?.unknown ?? null,
  }));
  return { found, fates: Object.fromEntries([...fates].map(([group, { kind }]) => [rootOf(group), kind])) };
}

describe('a group of which not all is known', () => {
  it('is no matter to others that are ranked by themselves', () => {
    const { found, fates } = rankings({ lost: 'a' });
    expect(fates).toEqual({ a: 'unknown', b: 'ranked', c: 'ranked' });
    expect(found.map(({ unknown }) => unknown)).toEqual([null, null]);
  });

  it.each([
    ['of all', { global_pruning: true }],
    ['of groups that are alike', { isomorphic: true, global_pruning: true }],
    ['of groups that are alike, though not of all', { isomorphic: true }],
  ])('could stand in any ranking %s, none of which is known then', (_, prune) => {
    const { found } = rankings({ prune, lost: 'a' });
    expect(found.length).toBeGreaterThan(0);
    for (const { unknown } of found) expect(unknown).toBe('lost');
  });
});

describe('a ranking with scores that are not known', () => {
  const scoresOf =
    (of: string, given: ReturnType<ScoresOf>): ScoresOf =>
    (group) =>
      rootOf(group) === of ? given : plain(group);
  const isUnknown = { unknown: 'no scores', remedy: null, isRaised: false };

  it('is not known as a whole', () => {
    const global = { prune: { global_pruning: true } };
    expect(rankings({ ...global, scoresOf: scoresOf('b', isUnknown) }).found).toEqual([
      { layers: ['a', 'c'], ratio: 0.5, unknown: 'no scores' },
    ]);
    const values = Float64Array.of(1, Number.NaN, 3, 4, 5, 6);
    expect(rankings({ ...global, scoresOf: scoresOf('b', scored(values)) }).found).toMatchObject([
      { unknown: 'the scores of b are not all finite numbers' },
    ]);
  });

  it('says nothing of others', () => {
    const { found } = rankings({ scoresOf: scoresOf('b', isUnknown) });
    expect(found.map(({ layers, unknown }) => [layers, unknown])).toEqual([
      [['c'], null],
      [[], 'no scores'],
      [['a'], null],
    ]);
  });
});

it('the ratio of a ranking is that which names its layer, and no more than the largest that is allowed', () => {
  const ratios = (prune: Readonly<Record<string, unknown>>) =>
    Object.fromEntries(rankings({ prune }).found.map(({ layers, ratio }) => [layers.join(), ratio]));
  expect(ratios({ pruning_ratio_dict: { b: 0.75 } })).toEqual({ a: 0.5, b: 0.75, c: 0.5 });
  expect(ratios({ pruning_ratio_dict: { b: 0.75 }, max_pruning_ratio: 0.6 })).toEqual({ a: 0.5, b: 0.6, c: 0.5 });
  expect(ratios({ pruning_ratio_dict: { b: 0.75 }, global_pruning: true })).toEqual({ 'a,c': 0.5, b: 0.75 });
});
