import { existsSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadRequests, settingsFromFlags } from '../../src/config/index.ts';
import type { Weight } from '../../src/network/index.ts';
import { check } from '../../src/pipeline/check.ts';
import { recoverRetention } from '../../src/recovery/index.ts';
import { networkOf } from '../support/golden.ts';
import { CONVERTERS, convertModel } from '../support/narrow-model.ts';
import { FIXTURES, SHARED, type TorchGolden, torchGoldensIn } from '../support/torch-golden.ts';
import { ModelBytes, recut } from '../support/wrong-models.ts';

const fixtures = [...torchGoldensIn(FIXTURES), ...torchGoldensIn(join(FIXTURES, 'attention'))];
const others = torchGoldensIn(SHARED).filter(({ name }) => !fixtures.some((fixture) => fixture.name === name));
const goldens = [...fixtures, ...others];

describe.skipIf(others.length === 0)('goldens beside the project (skipped where ../shared is not there)', () => {
  it('are tested with those in the project', () => expect(others.length).toBeGreaterThan(0));
});

const work = mkdtempSync(join(tmpdir(), 'prunegate-torch-'));

interface Changes {
  readonly prune?: Readonly<Record<string, unknown>>;
  readonly reported?: unknown;
  readonly densePath?: string;
  readonly prunedPath?: string;
}

let specs = 0;

async function checkPair(golden: TorchGolden, dense: string, pruned: string, changes: Changes = {}) {
  const spec = join(work, `${golden.name}-${++specs}.json`);
  const prune = { ...golden.spec.prune, ...changes.prune };
  const scores = typeof prune['scores'] === 'string' ? { scores: join(golden.folder, prune['scores']) } : {};
  writeFileSync(spec, JSON.stringify({ ...golden.spec, prune: { ...prune, ...scores } }));
  const reported = `${spec}.reported.json`;
  if (changes.reported !== undefined) writeFileSync(reported, JSON.stringify(changes.reported));
  const flags = {
    dense: changes.densePath ?? join(golden.folder, dense),
    pruned: changes.prunedPath ?? join(golden.folder, pruned),
    spec,
    ...(changes.reported === undefined ? {} : { reported }),
  };
  const [request] = loadRequests(settingsFromFlags(flags), work);
  return check(request!, { version: 'test', isHashed: false, log() {} });
}

/** Trained between steps or not, later steps cannot be recomputed; equal scores at the cut have no one answer. */
const UNSURE = ['made_steps', 'made_dead'];

/** The exports of one pruned model, each with the dense model that it is compared with. */
const PAIRS = [
  ['dense.onnx', 'pruned.onnx'],
  ['dense.onnx', 'pruned.folded.onnx'],
  ['dense.onnx', 'pruned.dynamo.onnx'],
  ['dense.folded.onnx', 'pruned.folded.onnx'],
  ['dense.dynamo.onnx', 'pruned.dynamo.onnx'],
] as const;

describe.each(goldens)('$name', (golden) => {
  const pairs = PAIRS.filter(([, pruned]) => existsSync(join(golden.folder, pruned)));

  it.each(pairs)('%s names its layers as PyTorch does, and %s gives back what they retain', (denseFile, prunedFile) => {
    const dense = networkOf(join(golden.folder, denseFile));
    expect([...dense.prunable.values()].map(({ name, filters }) => [name, filters])).toEqual(
      Object.entries(golden.layers).map(([name, { filters }]) => [name, filters]),
    );
    const recovery = recoverRetention(dense, networkOf(join(golden.folder, prunedFile)));
    expect(recovery).toMatchObject({ extra: [], elsewhere: [] });
    for (const [name, { retained }] of Object.entries(golden.layers)) {
      expect(recovery.layers.get(name), name).toEqual({
        name,
        // MKL's square root rounds otherwise than IEEE 754 on some processors, so a fold by PyTorch is known to rounding.
        kernel:
          prunedFile === 'pruned.folded.onnx'
            ? expect.objectContaining({ kind: expect.stringMatching(/^(exact|rounded)$/) })
            : { kind: 'exact' },
        actual: retained,
        order: retained,
        isPermuted: false,
        duplicated: [],
        disagreements: [],
        open: [],
      });
    }
  });

  const unfolded = pairs.filter(([dense]) => dense === 'dense.onnx');

  it.skipIf(UNSURE.includes(golden.name)).each(unfolded)(
    '%s and %s conform: what Torch-Pruning retained is expected',
    async (dense, pruned) => {
      const { report, exitCode } = await checkPair(golden, dense, pruned);
      expect({ verdict: report.verdict, findings: report.findings, exitCode }).toEqual({
        verdict: 'conforms',
        findings: [],
        exitCode: 0,
      });
      for (const { name, expected, exploring, verdict } of report.layers)
        expect({ expected, exploring, verdict }, name).toEqual({
          expected: golden.layers[name]?.retained,
          exploring: null,
          verdict: 'match',
        });
    },
  );

  it('reports the same by its history', async () => {
    const { report } = await checkPair(golden, 'dense.onnx', 'pruned.onnx', { reported: golden.history });
    for (const { name, reported } of report.layers) expect(reported, name).toEqual(golden.layers[name]?.retained);
    expect(report.findings.filter(({ title }) => title.includes('reported'))).toEqual([]);
  });

  const folded = pairs.filter(([dense]) => dense !== 'dense.onnx');

  it.each(folded)('%s and %s: what is retained is known, what should be is not', async (dense, pruned) => {
    const { report, exitCode } = await checkPair(golden, dense, pruned);
    expect({ verdict: report.verdict, exitCode }).toEqual({ verdict: 'unverifiable', exitCode: 3 });
    for (const { name, actual, expected, folding, remedy } of report.layers) {
      expect(actual, name).toEqual(golden.layers[name]?.retained);
      if (folding !== 'folded') continue;
      expect(expected, name).toBeNull();
      expect(remedy, name).toContain('do_constant_folding=False');
    }
  });
});

describe('a dense model that torch.onnx.export wrote by default, with BatchNorm folded', () => {
  const by = ['se_0', 'grouped_1'].flatMap((name) => ['pruned.onnx', 'pruned.dynamo.onnx'].map((file) => [name, file]));

  it.each(by)('of %s beside %s is told as folding in every layer, never as training', async (name, pruned) => {
    const { report, exitCode } = await checkPair(named(name!), 'dense.dynamo.onnx', pruned!);
    expect(exitCode).toBe(3);
    const open = report.layers.filter(({ verdict }) => verdict !== 'match');
    expect(open.length).toBeGreaterThan(1);
    for (const { reason, remedy, verdict } of open) {
      expect({ verdict, reason }).toEqual({
        verdict: 'unverifiable',
        reason: expect.stringMatching(/BatchNorm (is|may be) folded into/),
      });
      expect(remedy).toContain('torch.onnx.export(..., dynamo=False, do_constant_folding=False)');
    }
    expect(JSON.stringify(report)).not.toMatch(/retrain|fine-tun/);
  });
});

const named = (name: string): TorchGolden => fixtures.find((golden) => golden.name === name)!;

async function layersOf(golden: TorchGolden, prune: Readonly<Record<string, unknown>> = {}) {
  const { report, exitCode } = await checkPair(golden, 'dense.onnx', 'pruned.onnx', { prune });
  const of = (name: string) => report.layers.find((layer) => layer.name === name)!;
  return { report, exitCode, of };
}

describe('what cannot be determined', () => {
  it('is which of many dead filters go: any choice is right, if the whole group makes it', async () => {
    const { report, exitCode, of } = await layersOf(named('made_dead'));
    expect({ verdict: report.verdict, exitCode }).toEqual({ verdict: 'conforms', exitCode: 0 });
    expect(of('b.0')).toMatchObject({ tie: { candidates: [3, 4, 5, 6, 7, 8, 9, 10, 11, 12], pick: 2 } });
    expect(['match', 'ambiguous']).toContain(of('b.0').verdict);
    expect(report.lints.map(({ rule }) => rule)).toContain('near-cut');
  });

  it('is what steps after the first ranked; the history still is compared with the model', async () => {
    const { report, exitCode, of } = await layersOf(named('made_steps'));
    expect({ verdict: report.verdict, exitCode }).toEqual({ verdict: 'unverifiable', exitCode: 3 });
    expect(of('b.0')).toMatchObject({ expected: null, actual: named('made_steps').layers['b.0']!.retained });
    expect(of('b.0').reason).toContain('iterative_steps 3');
  });

  it.each(['GroupTaylorImportance', 'GroupHessianImportance', 'RandomImportance'])(
    'is what %s scored, without the scores themselves',
    async (type) => {
      const { exitCode, of } = await layersOf(named('made_ratios'), { importance: { type } });
      expect(exitCode).toBe(3);
      expect(of('stem.0')).toMatchObject({ expected: null, verdict: 'unverifiable' });
      expect(of('stem.0').reason).toContain(`${type} cannot be recomputed from the weights`);
      expect(of('stem.0').remedy).toContain('.npz');
      expect(of('head').verdict).toBe('match');
    },
  );
});

describe('a file of scores', () => {
  it('decides where it is given, by the names of the roots', async () => {
    const { of } = await layersOf(named('made_taylor'));
    expect(of('b.0').reason).toMatch(/^int\(40 \* \(1 - 0\.5\)\) = 20 stay of the 40 channels/);
  });

  it('that lacks a root leaves its group unverifiable, and all that is ranked with it', async () => {
    const golden = named('made_taylor');
    const { of } = await layersOf(golden, { global_pruning: false, ignored_layers: [] });
    expect(of('fc')).toMatchObject({ expected: null });
    expect(of('fc').reason).toContain('scores.npz holds no scores for fc');
  });

  it.each([
    ['nothing.npz', 'does not exist; it is named at prune.scores'],
    ['dense.onnx', 'is no .npy or .npz file'],
  ])('%s is refused: it %s', async (scores, problem) => {
    await expect(layersOf(named('made_taylor'), { scores })).rejects.toThrow(problem);
  });
});

describe('both models in half precision', () => {
  const half = (golden: TorchGolden, file: string, from = join(golden.folder, file)): string =>
    convertModel(from, join(work, `half-${golden.name}-${++specs}.onnx`), CONVERTERS.half);
  const both = (golden: TorchGolden, pruned?: string) =>
    checkPair(golden, '', '', {
      densePath: half(golden, 'dense.onnx'),
      prunedPath: half(golden, 'pruned.onnx', pruned),
    });

  it.each(['dense_1', 'mobilev2_14', 'se_0', 'made_gated'])(
    'conform where rounding leaves no doubt of the order of scores, %s',
    async (name) => {
      const { report } = await both(named(name));
      expect(report.findings).toEqual([]);
      for (const { verdict } of report.layers) expect(['match', 'ambiguous']).toContain(verdict);
      expect(report.layers.filter(({ verdict }) => verdict === 'match').length).toBeGreaterThan(1);
    },
  );

  it('are unverifiable where it does, with what to do', async () => {
    const { report } = await both(named('resnet_1'));
    expect(report.verdict).toBe('unverifiable');
    const open = report.layers.filter(({ verdict }) => verdict !== 'match');
    expect(open.length).toBeGreaterThan(0);
    for (const { reason, remedy } of open) {
      expect(reason).toContain('nearer to one another than weights in half precision tell');
      expect(remedy).toMatch(/^Export the dense model in float32, or give the scores/);
    }
  });

  it('diverge where other channels were kept', async () => {
    const golden = named('dense_1');
    const [dense, pruned] = ['dense.onnx', 'pruned.onnx'].map((file) => networkOf(join(golden.folder, file)));
    const kernel = (layer: string) =>
      golden.layers[layer]!.retained.map((filter) => (layer === 'c1.0' ? (filter + 1) % 16 : filter)).sort(
        (a, b) => a - b,
      );
    const wrong = recut(dense!, pruned!, { kernel }).save(join(work, `wrong-${++specs}.onnx`));
    const { report } = await both(golden, wrong);
    expect(report.layers.filter(({ verdict }) => verdict === 'mismatch').map(({ name }) => name)).toEqual(['c1.0']);
  });
});

describe('wrong models', () => {
  it('cut by the filters of one layer alone are reported, and why', async () => {
    const golden = named('grouped_1');
    const { of, report, exitCode } = await layersOf(golden, {
      importance: { type: 'GroupMagnitudeImportance', group_reduction: 'first' },
    });
    expect(exitCode).toBe(1);
    expect(of('c2.0').verdict).toBe('mismatch');
    expect(report.findings[0]!.cause).toBe('The kept channels are those of group_reduction mean; the spec says first.');
  });

  it('that nothing was pruned of', async () => {
    const golden = named('resnet_1');
    const { report, exitCode } = await checkPair(golden, 'dense.onnx', 'dense.onnx');
    expect({ exitCode, title: report.findings[0]!.title }).toEqual({
      exitCode: 1,
      title: 'the pruned model is not pruned: every layer keeps all its filters',
    });
  });

  const cut = (golden: TorchGolden, change: (layer: string, kept: readonly number[]) => readonly number[]) => {
    const dense = networkOf(join(golden.folder, 'dense.onnx'));
    const pruned = networkOf(join(golden.folder, 'pruned.onnx'));
    const kernel = (layer: string) => change(layer, golden.layers[layer]!.retained);
    return { dense, pruned, kernel, path: join(work, `wrong-${++specs}.onnx`) };
  };
  const golden = named('dense_1');
  const shifted = (layer: string, kept: readonly number[]) =>
    layer === 'c1.0' ? kept.map((filter) => (filter + 1) % 16).sort((a, b) => a - b) : kept;

  it('of other filters in one layer', async () => {
    const { dense, pruned, kernel, path } = cut(golden, shifted);
    const prunedPath = recut(dense, pruned, { kernel }).save(path);
    const { report, exitCode } = await checkPair(golden, 'dense.onnx', '', { prunedPath });
    expect(exitCode).toBe(1);
    expect(report.layers.filter(({ verdict }) => verdict === 'mismatch').map(({ name }) => name)).toEqual(['c1.0']);
  });

  it('whose BatchNorm, or a later layer, was cut for other filters than the convolution', async () => {
    const { dense, pruned, kernel, path } = cut(golden, (_, kept) => kept);
    const wrong = (layer: string) => shifted(layer, golden.layers[layer]!.retained);
    for (const part of [{ follower: wrong }, { columns: (layer: string) => wrong(layer) }]) {
      const prunedPath = recut(dense, pruned, { kernel, ...part }).save(path);
      const { report, exitCode } = await checkPair(golden, 'dense.onnx', '', { prunedPath });
      expect(exitCode).toBe(1);
      expect(report.layers.find(({ name }) => name === 'c1.0')!.verdict).toBe('mismatch');
    }
  });

  it('with a bit of a weight flipped', async () => {
    const pruned = networkOf(join(golden.folder, 'pruned.onnx'));
    const model = new ModelBytes(pruned.model.name);
    model.flipBit((pruned.prunable.get('c3.0')!.weight as Weight).tensor, 3, 0);
    const prunedPath = model.save(join(work, 'flipped.onnx'));
    const { report, exitCode } = await checkPair(golden, 'dense.onnx', '', { prunedPath });
    expect(exitCode).toBe(1);
    expect(report.layers.find(({ name }) => name === 'c3.0')!.verdict).toBe('mismatch');
  });

  it('whose history tells of other channels', async () => {
    const history = named('dense_1').history.map(([name, isOut, pruned]) =>
      name === 'c1.0' ? [name, isOut, pruned.map((index) => (index + 1) % 16)] : [name, isOut, pruned],
    );
    const { report, exitCode } = await checkPair(golden, 'dense.onnx', 'pruned.onnx', { reported: history });
    expect(exitCode).toBe(1);
    expect(report.findings.map(({ title }) => title).join()).toContain('c1.0');
  });
});

describe('rules that need no weights', () => {
  it('hold a folded pair to the number of channels that the ratio leaves', async () => {
    const folded = (prune: Readonly<Record<string, unknown>>) =>
      checkPair(named('se_0'), 'dense.folded.onnx', 'pruned.folded.onnx', { prune });
    expect((await folded({})).report.verdict).toBe('unverifiable');
    const { report, exitCode } = await folded({ pruning_ratio: 0.3 });
    expect(exitCode).toBe(1);
    expect(report.findings[0]!.details.join()).toContain('pruning_ratio 0.3 leave 22 whatever the scores are');
  });
});

describe('remarks on a spec', () => {
  const lintsOf = async (name: string, prune: Readonly<Record<string, unknown>>) =>
    (await layersOf(named(name), prune)).report.lints.map(({ rule, message }) => `${rule}: ${message}`);

  it.each([
    [
      'resnet_1',
      { pruning_ratio: 0.97, global_pruning: false, round_to: null },
      'group-skipped: the ratio would leave nothing of layer2.0.sc.0, stem.0 and 4 others',
    ],
    ['resnet_1', {}, 'group-skipped: round_to 8 rounds down to nothing in stem.0'],
    [
      'grouped_1',
      { pruning_ratio: 0.3, round_to: 16 },
      'round-to-in-groups: round_to 16 with channel groups prunes more',
    ],
    ['resnet_1', { isomorphic: true, global_pruning: false }, 'isomorphic-without-global: '],
    ['resnet_1', { ignored_layers: ['fcc'] }, 'unknown-module: fcc is no layer of the dense model: did you mean fc?'],
    ['dense_1', { ignored_layers: [] }, 'output-pruned: fc2 makes an output of the model'],
    ['resnet_1', { max_pruning_ratio: 0.5 }, 'max-pruning-ratio-idle: '],
    ['resnet_1', { pruning_ratio: 0 }, 'nothing-pruned: '],
  ] as const)('%s with %o', async (name, prune, remark) => {
    expect((await lintsOf(name, prune)).some((line) => line.startsWith(remark))).toBe(true);
  });

  it('are none where there is nothing to say', async () => expect(await lintsOf('dense_1', {})).toEqual([]));
});

describe('the dialect', () => {
  it('is named in its folder and the index of dialects, and nowhere else', () => {
    const sources = readdirSync(join(import.meta.dirname, '../../src'), { recursive: true, encoding: 'utf8' });
    const naming = sources.filter(
      (file) =>
        file.endsWith('.ts') &&
        /torch[-_ ]?pruning/i.test(readFileSync(join(import.meta.dirname, '../../src', file), 'utf8')) &&
        !file.replaceAll('\\', '/').startsWith('dialects/torch-pruning/'),
    );
    expect(naming.map((file) => file.replaceAll('\\', '/'))).toEqual(['dialects/index.ts']);
  });
});
