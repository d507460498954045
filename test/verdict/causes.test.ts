import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { loadRequests, settingsFromFlags } from '../../src/config/index.ts';
import { check } from '../../src/pipeline/check.ts';
import { causesOf, type Scene } from '../../src/verdict/causes.ts';
import type { LayerResult } from '../../src/verdict/index.ts';
import { fileIn } from '../support/fixture-files.ts';
import { FIXTURES, type Golden, goldensIn, networkOf } from '../support/golden.ts';
import { networkOf as networkOfGraph, op, zeros } from '../support/onnx-builder.ts';
import { type Cut, recut } from '../support/wrong-models.ts';

const work = mkdtempSync(join(tmpdir(), 'prunegate-causes-'));
const HOST = { version: 'test', isHashed: false, log: () => {} };
const goldens = goldensIn(join(FIXTURES, 'golden'));
const golden = (name: string): Golden => goldens.find((one) => one.name === name)!;
const upTo = (n: number): number[] => Array.from({ length: n }, (_, k) => k);

/** Findings of a golden's pruned model, cut otherwise; the spec may be another one too. */
async function findingsOf(
  { folder, prune, layers }: Golden,
  cut: Partial<Cut>,
  { changed = {}, file = 'pruned.onnx' }: { changed?: Record<string, unknown>; file?: string } = {},
) {
  const kernel = (layer: string) => cut.kernel?.(layer) ?? layers[layer]!.retained;
  const model = recut(networkOf(fileIn(folder, 'dense.onnx')), networkOf(fileIn(folder, 'pruned.onnx')), {
    ...cut,
    kernel,
  });
  const flags = {
    dense: fileIn(folder, 'dense.onnx'),
    pruned: model.save(join(work, file)),
    spec: join(work, 'spec.json'),
  };
  writeFileSync(flags.spec, JSON.stringify({ prune: { ...prune, ...changed } }));
  const { report, exitCode } = await check(loadRequests(settingsFromFlags(flags), work)[0]!, HOST);
  expect(exitCode).toBe(1);
  return report.findings;
}

const seed = golden('seed_mobilenet_v2');
const inception = golden('inception_nchw');
const vgg = golden('vgg_flatten_nhwc');
const kept = (of: Golden, layer: string): readonly number[] => of.layers[layer]!.retained;
const only =
  (layer: string, filters: readonly number[]) =>
  (name: string): readonly number[] | undefined =>
    name === layer ? filters : undefined;

describe('the likely cause of a divergence', () => {
  it('is the list of another layer, where a layer was cut by it', async () => {
    const by = kept(seed, 'block_3_project');
    const [finding] = await findingsOf(seed, { kernel: only('conv_1', by) as Cut['kernel'] });
    expect(finding).toMatchObject({
      layers: ['conv_1'],
      cause: 'The kept filters are the indices of block_3_project: was this layer cut by the list of another one?',
    });
  });

  it('is a slice where the first filters are kept', async () => {
    const [finding] = await findingsOf(seed, { kernel: only('conv_1', upTo(16)) as Cut['kernel'] });
    expect(finding!.cause).toMatch(/^Only the number of filters is right: the first ones are kept/);
  });

  it('is a list of indices to remove where exactly the wrong ones are kept', async () => {
    const others = upTo(32).filter((filter) => !kept(seed, 'conv1').includes(filter));
    const wrong = (layer: string) =>
      ['conv1', 'expanded_conv_depthwise'].includes(layer) ? others : kept(seed, layer);
    const findings = await findingsOf(seed, { kernel: wrong });
    expect(findings).toMatchObject([
      {
        layers: ['conv1', 'expanded_conv_depthwise'],
        cause:
          'The kept filters are exactly those that should go: were the indices to retain taken for indices to remove?',
      },
    ]);
  });

  it('is left out where nothing fits, rather than the nearest guess', async () => {
    const swapped = [...kept(seed, 'conv_1').slice(1), 63].sort((a, b) => a - b);
    const [finding] = await findingsOf(seed, { kernel: only('conv_1', swapped) as Cut['kernel'] });
    expect(finding).toMatchObject({ layers: ['conv_1'] });
    expect(finding).not.toHaveProperty('cause');
  });

  it.each([
    [{ threshold: 0.45 }, /^The kept filters are those of threshold 0\.67; the spec says 0\.45\.$/],
    [
      { threshold: 0.45, equalization_criterion: 'intersection' },
      /of threshold 0\.67\d* and equalization_criterion union; the spec says 0\.45 and intersection\.$/,
    ],
    [{ excluded_layers: ['conv_1'] }, /^The kept filters are those without the excluded_layers of the spec\.$/],
    [
      { excluded_layers: ['conv_1', 'predictions'] },
      /^The kept filters are those without the excluded_layers of the spec\.$/,
    ],
    [{ min_num_filters: 24 }, /^The kept filters are those of min_num_filters 16; the spec says 24\.$/],
  ])('is another spec that is right for the whole run: the spec says %j', async (changed, cause) => {
    const findings = await findingsOf(seed, {}, { changed });
    expect(findings.length).toBeGreaterThan(0);
    for (const finding of findings) expect(finding.cause, finding.title).toMatch(cause);
  });

  it("is the spec that the pruned file's name tells, before any search", async () => {
    const [finding] = await findingsOf(seed, {}, { changed: { threshold: 0.45 }, file: 'model_th=0.68_eq=union.onnx' });
    expect(finding!.cause).toBe(
      "The kept filters are those of threshold 0.68 and equalization_criterion union, as the pruned file's name model_th=0.68_eq=union.onnx says; the spec says 0.45 and union.",
    );
  });
});

/** Columns of a concatenation's consumer, each operand's kept filters at the given offsets. */
function placed(of: Golden, operands: readonly string[], offsets: readonly number[]): readonly number[] {
  return operands.flatMap((operand, k) => kept(of, operand).map((filter) => filter + offsets[k]!));
}

describe('the likely cause of misplaced input columns', () => {
  const operands = ['mix0_1x1', 'mix0_3x3', 'mix0_5x5', 'mix0_pool_proj'];
  it.each([
    [
      'the widths after pruning',
      [0, 8, 24, 32],
      /and the offsets are those of the pruned operands: offsets must be the widths before pruning\.$/,
    ],
    ['none', [0, 0, 0, 0], /all were cut as if they began at column 0: the offset of each operand is missing\.$/],
    ['those of the reverse order', [64, 32, 16, 0], /their offsets are those of the reverse order\.$/],
  ])('of a concatenation: its offsets are %s', async (_, offsets, cause) => {
    const wrong = placed(inception, operands, offsets);
    const findings = await findingsOf(inception, { positions: (layer) => (layer === 'mix1_1x1' ? wrong : null) });
    expect(findings.map((finding) => finding.cause ?? '').find((text) => cause.test(text))).toMatch(
      /^The channels of mix0_1x1, mix0_3x3, mix0_5x5, mix0_pool_proj are concatenated, and /,
    );
  });

  it('of a flattened input: position and channel were taken for each other', async () => {
    const wrong = kept(vgg, 'conv_b').flatMap((filter) => upTo(16).map((place) => filter * 16 + place));
    const [finding] = await findingsOf(vgg, { positions: (layer) => (layer === 'fc1' ? wrong : null) });
    expect(finding!.cause).toBe(
      'fc1 reads conv_b flattened with channels last, and its columns were cut as if channels came first (the model is channels_last).',
    );
    expect(finding!.title).toBe('conv_b keeps other filters than fc1 reads');
  });

  it('of a layer cut before exploration ended: the exploring indices of the layer before it', async () => {
    const [finding] = await findingsOf(seed, {
      columns: (layer, consumer) =>
        consumer === 'expanded_conv_project' && layer === 'expanded_conv_depthwise'
          ? seed.layers[layer]!.exploring
          : null,
    });
    expect(finding!.cause).toMatch(
      /^They were cut by what .* would keep on its own \(the indices printed while exploring\)\.$/,
    );
  });

  it('of a layer that does not reach it: whose indices they are', async () => {
    const by = kept(seed, 'block_3_project');
    const [finding] = await findingsOf(seed, { positions: (layer) => (layer === 'predictions' ? by : null) });
    expect(finding!.cause).toBe('They were cut by the indices of block_3_project, whose channels do not reach it.');
  });
});

describe('causes, on layers made by hand', () => {
  const network = networkOfGraph({
    inputs: { x: ['N', 3, 8, 8] },
    outputs: ['y'],
    weights: { a: zeros([8, 3, 1, 1]), b: zeros([16, 3, 1, 1]), c: zeros([4, 24, 1, 1]) },
    nodes: [
      op('Conv', ['x', 'a'], 'ya', { name: 'm/a/Conv2D' }),
      op('Conv', ['x', 'b'], 'yb', { name: 'm/b/Conv2D' }),
      op('Concat', ['ya', 'yb'], 'ab', { name: 'm/ab/concat', axis: 1 }),
      op('Conv', ['ab', 'c'], 'y', { name: 'm/c/Conv2D' }),
    ],
  });
  const layer = (name: string, filters: number, expected: readonly number[], actual: readonly number[]) =>
    ({
      name,
      filters,
      expected,
      actual,
      exploring: expected,
      verdict: String(expected) === String(actual) ? 'match' : 'mismatch',
      group: null,
      missing: expected.filter((filter) => !actual.includes(filter)),
      unexpected: actual.filter((filter) => !expected.includes(filter)),
    }) as unknown as LayerResult;
  const causeOf = (layers: readonly LayerResult[], scene: Partial<Scene> = {}): string | null =>
    causesOf({ dense: network, layers, hypotheses: [], firstStage: null, locked: null, ...scene }).of(
      layers.filter(({ verdict }) => verdict === 'mismatch'),
    );

  it('one-based indices', () => {
    expect(causeOf([layer('b', 16, [1, 3, 7], [2, 4, 8])])).toBe(
      'Every kept index is the expected one plus 1: were they taken for one-based indices?',
    );
  });

  it.each([
    ['before pruning', [0, 1, 2, 3, 4, 5, 6, 7], 8],
    ['after pruning', [0, 2, 5], 3],
  ])('positions in a concatenation, at the offset %s', (_, ofA, by) => {
    const shifted = [0, 3, 4, 6].map((filter) => filter + by);
    expect(causeOf([layer('a', 8, ofA, ofA), layer('b', 16, [0, 3, 4, 6], shifted)])).toBe(
      `Every kept index is the expected one plus ${by}, which is where b begins in the concatenated input of c: were positions in the concatenation taken for its own filters?`,
    );
  });

  it('no offset of anything is no cause', () => {
    expect(causeOf([layer('a', 8, [0, 2, 5], [0, 2, 5]), layer('b', 16, [0, 3, 4], [5, 8, 9])])).toBeNull();
  });

  it('the list of the nearest other layer, the earlier of two, and one that is expected before one that a layer would keep alone', () => {
    const lists = [
      [1, 3],
      [0, 5],
      [2, 6],
    ] as const;
    const any = fc.constantFrom(...lists);
    const one = fc.record({ expected: any, exploring: any, actual: any, group: fc.constantFrom(null, 0, 1) });
    fc.assert(
      fc.property(fc.array(one, { minLength: 2, maxLength: 9 }), fc.nat(8), (made, at) => {
        const layers = made.map((given, k) => ({ ...layer(`l${k}`, 8, given.expected, given.actual), ...given }));
        const own = layers[at % layers.length]!;
        fc.pre(own.verdict === 'mismatch');
        const near = [...layers.entries()]
          .filter(([, other]) => other !== own && (other.group === null || other.group !== own.group))
          .sort(([a], [b]) => Math.abs(a - layers.indexOf(own)) - Math.abs(b - layers.indexOf(own)))
          .map(([, other]) => other);
        const of = near.find(({ expected }) => expected === own.actual);
        const alone = near.find(({ exploring }) => exploring === own.actual);
        const firstStage = {
          ...{ doing: 'exploring', stage: 'exploration', excludedBy: 'excluded_layers' },
          ...{ overruledBy: '', mergedBy: '' },
        };
        const cause = causesOf({ dense: network, layers, hypotheses: [], firstStage, locked: null }).of([own]);
        fc.pre(cause === null || cause.startsWith('The kept filters are the indices of'));
        if (of !== undefined) expect(cause).toContain(`indices of ${of.name}: was this layer cut`);
        else if (alone !== undefined) expect(cause).toContain(`indices of ${alone.name} while exploring: was this`);
        else expect(cause).toBeNull();
      }),
    );
  });

  it('an older lock', () => {
    const locked = { file: 'prunegate.lock.json', layers: new Map([['b', [0, 9, 11]]]) };
    expect(causeOf([layer('b', 16, [1, 3, 7], [0, 9, 11])], { locked })).toBe(
      'The kept filters are those that prunegate.lock.json locks: was the spec changed and the model not pruned again?',
    );
  });

  it('a variant must fit every layer that is right as well, or it is reported for these layers alone', () => {
    const layers = [layer('a', 8, [0, 2], [0, 2]), layer('b', 16, [1, 3], [4, 6])];
    const variant = (a: readonly number[], cause = 'The kept filters are those of X.') => ({
      work: 1,
      test: () => ({
        cause,
        layers: new Map([
          ['a', { expected: a }],
          ['b', { expected: [4, 6] }],
        ]),
      }),
    });
    expect(causeOf(layers, { hypotheses: [variant([0, 2])] })).toBe('The kept filters are those of X.');
    expect(causeOf(layers, { hypotheses: [variant([1, 7])] })).toBe(
      'In these layers alone: the kept filters are those of X.',
    );
    expect(causeOf(layers, { hypotheses: [variant([1, 7]), variant([0, 2], 'Y.')] })).toBe('Y.');
  });

  it('each hypothesis is tried once for all findings, and none that takes too long', () => {
    const layers = [layer('a', 8, [0, 2], [1, 5]), layer('b', 16, [1, 3], [4, 6])];
    const tried: string[] = [];
    const hypothesis = (name: string, work: number) => ({
      work,
      test: () => {
        tried.push(name);
        return { cause: `${name}.`, layers: new Map([['b', { expected: [4, 6] }]]) };
      },
    });
    const hypotheses = [hypothesis('long', 1e12), { work: 1, test: () => null }, hypothesis('short', 1)];
    const causes = causesOf({ dense: network, layers, hypotheses, firstStage: null, locked: null });
    expect(causes.of([layers[1]!])).toBe('In these layers alone: short.');
    expect(causes.untried()).toBe(0);
    expect(causes.of([layers[0]!])).toBeNull();
    expect(causes.untried()).toBe(1);
    expect(tried).toEqual(['short']);
  });

  it('the search ends when what was tried took too long together', () => {
    const layers = [layer('b', 16, [1, 3], [4, 6])];
    const hypotheses = Array.from({ length: 9 }, () => ({ work: 60_000_000, test: () => null }));
    const causes = causesOf({ dense: network, layers, hypotheses, firstStage: null, locked: null });
    expect(causes.of(layers)).toBeNull();
    expect(causes.untried()).toBe(6);
  });
});
