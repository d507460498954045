import { existsSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadRequests, settingsFromFlags } from '../../src/config/index.ts';
import type { Network } from '../../src/network/index.ts';
import { toFloat32 } from '../../src/onnx/index.ts';
import { check } from '../../src/pipeline/check.ts';
import {
  type DeclaredGolden,
  declaredGoldensIn,
  declaredPruner,
  FIXTURES,
  SHARED,
} from '../support/declared-golden.ts';
import { networkOf } from '../support/golden.ts';
import { exchanged, pairOf, withRow } from '../support/wrong-declared.ts';
import { ModelBytes } from '../support/wrong-models.ts';

const fixtures = declaredGoldensIn(FIXTURES);
const others = declaredGoldensIn(SHARED).filter(({ name }) => !fixtures.some((fixture) => fixture.name === name));
const goldens = [...fixtures, ...others];
const work = mkdtempSync(join(tmpdir(), 'prunegate-declared-wrong-'));
const PRUNED = ['pruned.onnx', 'pruned.folded.onnx', 'pruned.dynamo.onnx'];

describe.skipIf(others.length === 0)('goldens beside the project (skipped where ../shared is not there)', () => {
  it('are made wrong with those in the project', () => expect(others.length).toBeGreaterThan(0));
});

let files = 0;

async function checked(
  { folder, spec }: DeclaredGolden,
  pruned: string,
  prune: Readonly<Record<string, unknown>> = {},
) {
  const file = join(work, `${++files}.json`);
  writeFileSync(file, JSON.stringify({ ...spec, prune: { ...spec.prune, ...prune } }));
  const [request] = loadRequests(settingsFromFlags({ dense: join(folder, 'dense.onnx'), pruned, spec: file }), work);
  const { report, exitCode } = await check(request!, { version: 'test', isHashed: false, log() {} });
  const names = report.findings.flatMap(({ layers }) => layers);
  return { exitCode, names, findings: report.findings.map(({ title, details }) => [title, ...details].join(' ')) };
}

const saved = (model: ModelBytes): string => model.save(join(work, `${++files}.onnx`));

/** A group of layers that lost filters: their names, one that is kept and one that is not. */
function victim({ layers, groups, spec }: DeclaredGolden) {
  const isAlone = (spec.prune['group'] as { readonly coupled?: string })?.coupled === 'alone';
  const all = isAlone ? Object.keys(layers).map((name) => [name]) : groups;
  const names = all.find(
    ([name]) =>
      (layers[name!]?.retained.length ?? 0) < (layers[name!]?.filters ?? 0) && layers[name!]!.retained.length > 1,
  )!;
  const { retained, filters } = layers[names[0]!]!;
  const gone = Array.from({ length: filters }, (_, k) => k).filter((k) => !retained.includes(k));
  return { names, kept: retained[0]!, gone: gone[0]! };
}

/** Two layers with the same channels, the first of which lost filters; null where there are none. */
function coupled({ layers, groups }: DeclaredGolden): readonly [string, string] | null {
  const found = groups.find(
    ([first, second]) => second !== undefined && layers[first!]!.retained.length < layers[first!]!.filters,
  );
  return found === undefined ? null : [found[0]!, found[1]!];
}

const isZeroed = ({ spec: { prune } }: DeclaredGolden): boolean => prune['form'] === 'zeroed';
const zeroesOf = ({ spec: { prune } }: DeclaredGolden): readonly string[] => (prune['zeroes'] ?? []) as string[];
const isOf = (golden: DeclaredGolden, key: string, value: string): boolean => golden.spec.prune[key] === value;

describe.each(goldens)('$name', (golden) => {
  const there = PRUNED.filter((file) => existsSync(join(golden.folder, file)));
  const read = (file: string): { readonly dense: Network; readonly pruned: Network } => ({
    dense: networkOf(join(golden.folder, 'dense.onnx')),
    pruned: networkOf(join(golden.folder, file)),
  });
  const keep = golden.spec.prune['keep'] as { readonly rule?: string; readonly rounding?: string };

  it.runIf(!isZeroed(golden) && !isOf(golden, 'statistics', 'any')).each(there)(
    '%s with one filter exchanged',
    async (file) => {
      const { dense, pruned } = read(file);
      const { names, kept, gone } = victim(golden);
      const model = exchanged(pairOf(dense, pruned), names, kept, gone);
      const { exitCode, names: found } = await checked(golden, saved(model));
      expect(exitCode).toBe(1);
      expect(found).toEqual(expect.arrayContaining([names[0]]));
    },
  );

  it.runIf(isZeroed(golden) && zeroesOf(golden).includes('weight')).each(there)(
    '%s with one mask exchanged',
    async (file) => {
      const { dense, pruned } = read(file);
      const { names, kept, gone } = victim(golden);
      const pair = pairOf(dense, pruned);
      const model = new ModelBytes(pruned.model.name);
      for (const layer of pruned.prunable.values()) {
        const partner = pair.partner(layer)!;
        if (!names.includes(partner.name)) continue;
        withRow(model, layer, partner, kept, true);
        withRow(model, layer, partner, gone, false);
      }
      const { exitCode, names: found } = await checked(golden, saved(model));
      expect(exitCode).toBe(1);
      expect(found).toEqual(expect.arrayContaining([names[0]]));
    },
  );

  it.runIf(isZeroed(golden) && zeroesOf(golden).includes('weight') && coupled(golden) !== null).each(there)(
    '%s with a mask on the wrong coupled member',
    async (file) => {
      const { dense, pruned } = read(file);
      const pair = pairOf(dense, pruned);
      const [first, second] = coupled(golden)!;
      const layerOf = (name: string) => [...pruned.prunable.values()].find((one) => pair.partner(one)!.name === name)!;
      const model = new ModelBytes(pruned.model.name);
      // What is masked in the first is masked in the second instead.
      for (let filter = 0; filter < golden.layers[first]!.filters; filter++) {
        const isKept = golden.layers[first]!.retained.includes(filter);
        withRow(model, layerOf(first), pair.partner(layerOf(first))!, filter, false);
        withRow(model, layerOf(second), pair.partner(layerOf(second))!, filter, !isKept);
      }
      const { exitCode, names: found, findings } = await checked(golden, saved(model));
      expect(exitCode).toBe(1);
      expect(found).toContain(first);
      // Where BatchNorm is masked as well, its zeros stayed.
      const reason = zeroesOf(golden).includes('bn')
        ? `${first} has its zeros in other tensors than the spec says`
        : `The kept filters are the indices of ${first}: was this layer cut by the list of another one?`;
      expect(findings.join()).toContain(reason);
    },
  );

  it.runIf(!isZeroed(golden) && keep.rule === 'ratio').each(there)('%s counted by another rounding', async (file) => {
    const { dense } = read(file);
    const counts = (rounding: string): string => {
      const { layers } = declaredPruner({ ...golden.spec.prune, keep: { ...keep, rounding } }).expect(dense, null);
      return [...layers.values()].map(({ expected }) => expected?.length).join();
    };
    const other = ['remove-floor', 'remove-nearest', 'remove-ceil'].find(
      (rounding) => counts(rounding) !== counts(keep.rounding!),
    );
    if (other === undefined) return;
    const { exitCode, findings } = await checked(golden, join(golden.folder, file), {
      keep: { ...keep, rounding: other },
    });
    expect(exitCode).toBe(1);
    expect(findings.join()).toMatch(/expected \d+|where the rule leaves/);
  });

  it.runIf(isOf(golden, 'form', 'zeroed') && zeroesOf(golden).join() === 'weight').each(there)(
    '%s with a gamma at zero in the place of a weight',
    async (file) => {
      const { dense, pruned } = read(file);
      const pair = pairOf(dense, pruned);
      const model = new ModelBytes(pruned.model.name);
      const layer = [...pruned.prunable.values()].find((one) => pair.partner(one)!.name === victim(golden).names[0])!;
      const [norm] = layer.norms;
      const { gone } = victim(golden);
      if (norm == null) {
        const bias = pruned.followers.find(
          ({ role, channels }) => role === 'bias' && channels[0] === layer.firstChannel,
        )!;
        const before = toFloat32(bias.tensor.read())[gone]!;
        model.set(bias.tensor, gone, before === 0 ? 1 : 0);
      } else {
        withRow(model, layer, pair.partner(layer)!, gone, false);
        model.set(norm.scale, gone, 0);
        model.set(norm.shift, gone, 0);
      }
      const { exitCode, names } = await checked(golden, saved(model));
      expect(exitCode).toBe(1);
      expect(names).toContain(victim(golden).names[0]);
    },
  );

  it.runIf(isOf(golden, 'compensation', 'bias')).each(there)('%s whose spec claims no compensation', async (file) => {
    const { exitCode, findings } = await checked(golden, join(golden.folder, file), {
      compensation: 'none',
      layers: {},
    });
    expect(exitCode).toBe(1);
    expect(findings.join()).toMatch(/is not the dense one's|has no such bias/);
  });

  it.runIf(isOf(golden, 'compensation', 'bias')).each(there)(
    '%s with a bias that was left where one is claimed',
    async (file) => {
      const { dense, pruned } = read(file);
      const pair = pairOf(dense, pruned);
      const model = new ModelBytes(pruned.model.name);
      for (const follower of pruned.followers) {
        if (follower.role !== 'bias' && follower.role !== 'mean') continue;
        for (const [at, id] of follower.channels.entries()) {
          const channel = pair.channel(id)!;
          const other = pair.dense.followers.find(
            ({ role, channels }) => role === follower.role && channels.includes(channel),
          );
          const value =
            other === undefined ? 0 : toFloat32(other.tensor.read())[other.channels.indexOf(channel) * other.stride]!;
          model.set(follower.tensor, at * follower.stride, value);
        }
      }
      const { exitCode, findings } = await checked(golden, saved(model));
      expect(exitCode).toBe(1);
      expect(findings.join()).toMatch(/holds no compensation/);
    },
  );

  it.runIf(!isZeroed(golden) && !isOf(golden, 'order', 'importance')).each(there)(
    '%s where it should be zeroed',
    async (file) => {
      const { exitCode, findings } = await checked(golden, join(golden.folder, file), { form: 'zeroed' });
      expect(exitCode).toBe(1);
      expect(findings.join()).toMatch(/removed, not zeroed/);
    },
  );

  it.runIf(isOf(golden, 'order', 'importance')).each(there)(
    '%s in another order than the spec allows',
    async (file) => {
      const { exitCode, findings } = await checked(golden, join(golden.folder, file), { order: 'ascending' });
      expect(exitCode).toBe(1);
      expect(findings.join()).toMatch(/in another order/);
    },
  );
});

describe('what explains a difference', () => {
  it.each([
    ['another norm', 'nni_l2_mobile_dep', { importance: { value: 'l1' } }, 'those of value: l2; the spec says l1'],
    [
      'another member of the group',
      'nni_l2_mobile_dep',
      { group: { score: 'first', depthwise: 'scored' } },
      'those of score: sum; the spec says first',
    ],
    [
      'another rounding',
      'paddle_l1_plain_050',
      { keep: { rule: 'ratio', amount: 0.5, rounding: 'keep-floor', multiple: { of: 8, to: 'up' } } },
      'those of multiples of 1; the spec says 8',
    ],
    [
      'a layer that the pruner left whole',
      'onnxsim_l1_mobile_050',
      { exclude: ['fc'] },
      'those of a pruner that left head.0, fc whole: exclude them if it declined these layers',
    ],
    [
      'weights without BatchNorm folded in',
      'nni_l2_mobile_dep',
      { importance: { value: 'l2', folded: true } },
      'those of weights without BatchNorm folded in; the spec says folded: true',
    ],
    [
      'coupled layers that were left whole',
      'slim_res_whole_050',
      { group: { coupled: 'together' } },
      'those of coupled: whole',
    ],
  ])('is %s', async (_, name, prune, cause) => {
    const golden = fixtures.find((one) => one.name === name)!;
    const { exitCode, findings } = await checked(golden, join(golden.folder, 'pruned.onnx'), prune);
    expect(exitCode).toBe(1);
    expect(findings.join()).toContain(cause);
  });
});
