import { existsSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadRequests, settingsFromFlags } from '../../src/config/index.ts';
import { check } from '../../src/pipeline/check.ts';
import type { Checked } from '../../src/pipeline/checked.ts';
import { writeCutTo } from '../support/cutting.ts';
import { isRight, networkOf } from '../support/golden.ts';
import { type Tf1Golden, tf1Expectation, tf1Goldens } from '../support/golden-tf1.ts';

const work = mkdtempSync(join(tmpdir(), 'prunegate-tf1-'));
const [models, odd, errors] = [tf1Goldens(''), tf1Goldens('odd'), tf1Goldens('errors')];
const pruned = [...models.own, ...models.others, ...odd.own, ...odd.others];

describe.skipIf(models.others.length === 0)(
  'goldens of TAO TF1 beside the project (skipped where ../shared is not there)',
  () => {
    it('are tested with those in the project', () => {
      expect(odd.others.length).toBeGreaterThan(0);
      expect(errors.others.length).toBeGreaterThan(0);
    });
  },
);

describe.each(pruned)('$name', ({ folder, network, prune, layers, groups, grid, name: golden }) => {
  const dense = networkOf(join(folder, 'dense.onnx'));
  const sorted = (members: readonly (readonly string[])[]): string[] =>
    members.map((one) => [...one].sort().join()).sort();

  it('is expected to retain what the real pruner retained, exploring and afterwards, in its groups', () => {
    const expectation = tf1Expectation(dense, network, prune);
    expect(expectation.refusal?.always ?? false).toBe(false);
    expect([...dense.prunable.keys()].sort()).toEqual(Object.keys(layers).sort());
    for (const [name, { filters, retained, exploring }] of Object.entries(layers)) {
      expect(dense.prunable.get(name)?.filters, name).toBe(filters);
      const expected = expectation.layers.get(name);
      expect(isRight(expectation, name, retained), `${name} retained ${retained}, expected ${expected?.expected}`).toBe(
        true,
      );
      if (golden !== 'ties_nchw') expect(expected?.exploring, name).toEqual(exploring);
    }
    expect(sorted(expectation.groups.map(({ members }) => members))).toEqual(sorted(groups));
  });

  it.runIf(grid.length > 0)('is expected to retain the same for every spec of its grid', () => {
    for (const [k, row] of grid.entries()) {
      const expectation = tf1Expectation(dense, network, row.prune);
      for (const [name, retained] of Object.entries(row.layers)) {
        const told = `row ${k} ${name}: ${JSON.stringify(row.prune)} retained ${retained}, expected ${expectation.layers.get(name)?.expected}`;
        expect(isRight(expectation, name, retained), told).toBe(true);
      }
    }
  });
});

const EXPORTS = [
  ['dense.onnx', 'pruned.onnx'],
  ['dense.onnx', 'pruned.folded.onnx'],
  ['dense.folded.onnx', 'pruned.folded.onnx'],
] as const;
const pairs = pruned.flatMap((golden) =>
  EXPORTS.filter((files) => files.every((file) => existsSync(join(golden.folder, file)))).map(([before, after]) => ({
    ...{ name: golden.name, golden, before, after },
    // Norms of folded weights are not those that the pruner saw.
    status: before === 'dense.folded.onnx' && golden.isChangedByFolding ? 3 : 0,
  })),
);

function checked(golden: Tf1Golden, densePath: string, prunedPath: string): Promise<Checked> {
  const spec = join(work, `${golden.name}.json`);
  writeFileSync(spec, JSON.stringify({ dialect: 'tao-tf1', network: golden.network, prune: golden.prune }));
  const [request] = loadRequests(settingsFromFlags({ dense: densePath, pruned: prunedPath, spec }), work);
  return check(request!, { version: 'test', isHashed: false, log() {} });
}

describe('what the real pruner made', () => {
  it.each(pairs)('$name, $before and $after: exit $status', async ({ golden, before, after, status }) => {
    const { report, exitCode } = await checked(golden, join(golden.folder, before), join(golden.folder, after));
    expect({ exitCode, verdict: report.verdict, diverging: report.findings.filter(isMismatch) }).toEqual({
      exitCode: status,
      verdict: status === 0 ? 'conforms' : 'unverifiable',
      diverging: [],
    });
    for (const { name, actual } of report.layers) expect(actual, name).toEqual(golden.layers[name]?.retained);
  });

  it.each([
    ['inner_output', 'The pruned model has no output mid: the pruner itself drops an output that another layer reads.'],
    [
      'efficientdet_shared_heads_nhwc',
      "weighted_fusion_1_0, weighted_fusion_2_0 and 2 more layers do not have the dense model's weights",
    ],
    ['separable_unpruned', "sep does not have the dense model's weights: the pruner itself makes such layers anew"],
  ])('says plainly what is wrong with %s all the same', async (name, note) => {
    const golden = [...odd.own, ...models.own].find((one) => one.name === name)!;
    const { report } = await checked(golden, join(golden.folder, 'dense.onnx'), join(golden.folder, 'pruned.onnx'));
    expect(report.notes.some((told) => told.startsWith(note))).toBe(true);
  });

  // Of equal filters another one may stay as well.
  const untied = models.own.filter(({ name }) => name !== 'ties_nchw');
  it.each(untied)('$name diverges where one layer keeps another filter', async (golden) => {
    const dense = networkOf(join(golden.folder, 'dense.onnx'));
    const [layer, { retained, filters }] = Object.entries(golden.layers).find(
      ([, one]) => one.retained.length < one.filters,
    )!;
    const group = golden.groups.find((members) => members.includes(layer)) ?? [layer];
    const left = Array.from({ length: filters }, (_, k) => k).find((k) => !retained.includes(k))!;
    const wrong = [left, ...retained.slice(1)].sort((a, b) => a - b);
    const kept = (name: string) => (group.includes(name) ? wrong : (golden.layers[name]?.retained ?? null));
    const path = join(work, `${golden.name}.wrong.onnx`);
    writeCutTo(path, dense, { retained: kept, asPruner: null });
    const { report, exitCode } = await checked(golden, join(golden.folder, 'dense.onnx'), path);
    expect(exitCode).toBe(1);
    expect(report.layers.find(({ name }) => name === layer)?.actual).toEqual(wrong);
  });
});

const isMismatch = ({ verdict }: { readonly verdict: string }): boolean => verdict === 'mismatch';

describe('models on which the real pruner raises', () => {
  it.each([...errors.own, ...errors.others])('$name: $raises', ({ folder, network, prune, raises }) => {
    expect(tf1Expectation(networkOf(join(folder, 'dense.onnx')), network, prune).refusal?.message).toBe(raises);
  });
});

describe('equal norms under ties: numpy-1.24', () => {
  const golden = models.own.find(({ name }) => name === 'ties_nchw')!;
  const under = (given: object) =>
    tf1Expectation(networkOf(join(golden.folder, 'dense.onnx')), golden.network, { ...golden.prune, ...given });

  it('stay as the real pruner chose them', () => {
    const any = under({}).layers;
    expect([...any.values()].some(({ tie }) => tie !== null)).toBe(true);
    for (const [name, { expected, exploring, tie }] of under({ ties: 'numpy-1.24' }).layers) {
      expect({ expected, exploring }, name).toEqual({
        expected: golden.layers[name]?.retained,
        exploring: golden.layers[name]?.exploring,
      });
      expect(tie).toBeNull();
    }
  });

  it('are open all the same where their values are known to rounding only, which is remarked on', () => {
    const given = { equalization_criterion: 'geometric_mean', ties: 'numpy-1.24' };
    const open = [...under(given).layers.values()].filter(({ tie }) => tie !== null).map(({ name }) => name);
    const [remark] = under(given)
      .lint(null)
      .filter(({ rule }) => rule === 'ties-not-exact');
    expect(remark?.layers ?? []).toEqual(open);
  });
});
