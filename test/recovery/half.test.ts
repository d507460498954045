import { existsSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadRequests, settingsFromFlags } from '../../src/config/index.ts';
import type { Network } from '../../src/network/index.ts';
import { check } from '../../src/pipeline/check.ts';
import { recoverRetention } from '../../src/recovery/index.ts';
import { widenFloat16 } from '../../src/tensor-files/index.ts';
import { cutRows, inMemory, kept, pointwise, type Rows, rows, weights } from '../support/convs.ts';
import { declaredGoldensIn } from '../support/declared-golden.ts';
import { fileIn } from '../support/fixture-files.ts';
import { FIXTURES, goldensIn, networkOf } from '../support/golden.ts';
import { CONVERTERS, type Converter, convertModel, nearestHalf } from '../support/narrow-model.ts';
import { float32, op, writeModel } from '../support/onnx-builder.ts';
import { torchGoldensIn } from '../support/torch-golden.ts';
import { recut } from '../support/wrong-models.ts';

const work = mkdtempSync(join(tmpdir(), 'prunegate-half-'));
const goldens = [...goldensIn(join(FIXTURES, 'golden')), ...torchGoldensIn(join(FIXTURES, 'torch'))];
const { double, ...halves } = CONVERTERS;
const HALVES: readonly Converter[] = Object.values(halves);
const seed = goldens.find(({ name }) => name === 'seed_mobilenet_v2')!;
const [SEED_DENSE, SEED_PRUNED] = [fileIn(seed.folder, 'dense.onnx'), fileIn(seed.folder, 'pruned.onnx')];

let files = 0;
const converted = (path: string, converter: Converter, isConverted?: (name: string) => boolean): string =>
  convertModel(path, join(work, `${++files}.onnx`), converter, isConverted);

/** What is wrong, what is open, and what each layer keeps. */
function found(dense: string | Network, pruned: string | Network) {
  const [before, after] = [dense, pruned].map((model) => (typeof model === 'string' ? networkOf(model) : model));
  const recovery = recoverRetention(before!, after!);
  const kinds = [...new Set([...recovery.layers.values()].map(({ kernel }) => kernel.kind))].sort();
  return { ...(kept(recovery) as { actual: object; wrong: string[]; open: string[] }), kinds };
}

describe('a pruned model in half precision', () => {
  it.each(goldens.map((golden, k) => ({ ...golden, k })))('$name is the float32 one rounded', ({ folder, k }) => {
    const [dense, pruned] = [fileIn(folder, 'dense.onnx'), fileIn(folder, 'pruned.onnx')];
    const expected = found(dense, pruned);
    for (const converter of [HALVES[0]!, HALVES[1 + (k % (HALVES.length - 1))]!])
      expect(found(dense, converted(pruned, converter)), converter.name).toEqual(expected);
  });

  const folded = goldens.flatMap(({ name, folder }, k) =>
    ['pruned.folded.onnx', 'pruned.dynamo.onnx'].flatMap((file) =>
      existsSync(fileIn(folder, file)) ? [{ name, folder, file, k }] : [],
    ),
  );
  it.each(folded.filter(({ k }) => k % 3 === 0))(
    'that was folded before, $name $file, keeps the same',
    ({ folder, file }) => {
      const [dense, pruned] = [fileIn(folder, 'dense.onnx'), fileIn(folder, file)];
      const { actual, wrong, open } = found(dense, pruned);
      const half = found(dense, converted(pruned, CONVERTERS.half));
      expect(half).toMatchObject({ actual, open });
      expect(half.wrong.length).toBe(wrong.length);
      expect(half.kinds.filter((kind) => kind !== 'exact' && kind !== 'rounded')).toEqual([]);
    },
  );

  it('of a dense model in half precision, or in float64, is compared in the narrower type', () => {
    const expected = found(SEED_DENSE, SEED_PRUNED);
    const dense = converted(SEED_DENSE, CONVERTERS.half);
    expect(found(dense, converted(SEED_PRUNED, CONVERTERS.half))).toEqual(expected);
    expect(found(dense, SEED_PRUNED)).toEqual(expected);
    expect(found(converted(SEED_DENSE, CONVERTERS.onnxruntime), SEED_PRUNED)).toEqual(expected);
    expect(found(converted(SEED_DENSE, double), SEED_PRUNED)).toEqual(expected);
    expect(found(SEED_DENSE, converted(SEED_PRUNED, double))).toEqual(expected);
  });

  it('may keep tensors in float32', () => {
    const expected = found(SEED_DENSE, SEED_PRUNED);
    for (const pattern of [/moving_|gamma|beta|batch/i, /kernel|weight|Conv/i])
      expect(
        found(
          SEED_DENSE,
          converted(SEED_PRUNED, CONVERTERS.half, (name) => pattern.test(name)),
        ),
      ).toEqual(expected);
  });

  it('of another half precision than the dense one is not recognized', () => {
    const { kinds, wrong } = found(converted(SEED_DENSE, CONVERTERS.brain), converted(SEED_PRUNED, CONVERTERS.half));
    expect({ kinds, wrong }).toEqual({ kinds: ['nearest'], wrong: [] });
  });
});

it.each(['half', 'brain'] as const)('a compensated model in %s takes up what its pruner compensated', async (name) => {
  const { folder, spec: asked } = declaredGoldensIn(join(FIXTURES, 'declared')).find(
    (golden) => golden.name === 'tinynn_l1_seq_comp',
  )!;
  const spec = join(work, 'spec.json');
  writeFileSync(spec, JSON.stringify(asked));
  const pruned = converted(fileIn(folder, 'pruned.onnx'), CONVERTERS[name]);
  const flags = { dense: fileIn(folder, 'dense.onnx'), pruned, spec };
  const [request] = loadRequests(settingsFromFlags(flags), work);
  const { report } = await check(request!, { version: 'test', log: () => undefined, isHashed: false });
  expect(report.findings).toEqual([]);
});

it('what a halved model calculates of constants is open, not wrong: it is rounded step by step', () => {
  const [kernel, next, all, some] = [rows(6, 3, 3), rows(3, 6, 4), [0, 1, 2, 3, 4, 5], [0, 2, 5]];
  const vector = (seed: number, filters: readonly number[]) => {
    const values = weights(6, seed);
    return { ...float32(filters.map((filter) => values[filter]!)), dims: [1n, BigInt(filters.length), 1n, 1n] };
  };
  const model = (filters: readonly number[]): string =>
    writeModel({
      inputs: { x: [1, 3, 4, 4] },
      nodes: [
        op('Conv', ['x', 'a.weight'], 'a', { name: 'm/a/Conv' }),
        op('Mul', ['s', 't'], 'scale'),
        op('Mul', ['a', 'scale'], 'scaled'),
        op('Relu', ['scaled'], 'active'),
        op('Conv', ['active', 'b.weight'], 'y', { name: 'm/b/Conv' }),
      ],
      outputs: ['y'],
      weights: {
        'a.weight': pointwise(cutRows(kernel, filters, null)),
        'b.weight': pointwise(cutRows(next, [0, 1, 2], filters)),
        ...{ s: vector(5, filters), t: vector(6, filters) },
      },
    });
  const { wrong, open } = found(model(all), converted(model(some), CONVERTERS.half));
  expect({ wrong, open }).toEqual({ wrong: [], open: [expect.stringContaining('scale: ')] });
});

describe('a wrong model in half precision', () => {
  const [dense, pruned] = [networkOf(SEED_DENSE), networkOf(SEED_PRUNED)];
  const retained = (layer: string): readonly number[] => seed.layers[layer]!.retained;
  const layer = Object.keys(seed.layers).find((name) => {
    const consumed = dense.prunable.get(name)!;
    return consumed.kind === 'conv' && retained(name).length < consumed.filters && retained(name).length > 2;
  })!;
  const other = Array.from({ length: dense.prunable.get(layer)!.filters }, (_, k) => k).find(
    (k) => !retained(layer).includes(k),
  )!;
  const exchanged = (name: string): readonly number[] =>
    name === layer ? [retained(name)[1]!, retained(name)[0]!, ...retained(name).slice(2)] : retained(name);
  const replaced = (name: string): readonly number[] =>
    name === layer ? [other, ...retained(name).slice(1)] : retained(name);
  const WRONG = {
    'keeps another filter': recut(dense, pruned, { kernel: replaced }),
    'has vectors in another order': recut(dense, pruned, { kernel: retained, follower: exchanged }),
    'has vectors of another filter': recut(dense, pruned, { kernel: retained, follower: replaced }),
    'has columns in another order': recut(dense, pruned, {
      kernel: retained,
      columns: (name) => retained(name).toReversed(),
    }),
  };

  it.each(Object.keys(WRONG))('that %s is no other than in float32', (how) => {
    const path = WRONG[how as keyof typeof WRONG].save(join(work, `${++files}.onnx`));
    const expected = found(SEED_DENSE, path);
    expect(expected).not.toEqual(found(SEED_DENSE, SEED_PRUNED));
    // What else of a vector's values would fit may not be told apart in half precision.
    const tensors = (wrong: readonly string[]): readonly string[] => wrong.map((each) => each.replace(/: it.*/, ''));
    for (const converter of [CONVERTERS.half, CONVERTERS.common, CONVERTERS.brain]) {
      const { actual, wrong } = found(SEED_DENSE, converted(path, converter));
      expect({ actual, wrong: tensors(wrong) }, converter.name).toEqual({
        actual: expected.actual,
        wrong: tensors(expected.wrong),
      });
    }
  });
});

describe('BatchNorm that was folded in after the model was converted', () => {
  const half = (value: number): number => widenFloat16([nearestHalf(value)])[0]!;
  const [FILTERS, COLUMNS] = [12, 40];
  const kernel = rows(FILTERS, COLUMNS, 3);
  const [gamma, beta, mean] = [weights(FILTERS, 5), weights(FILTERS, 6), weights(FILTERS, 7)];
  const variance = weights(FILTERS, 8).map((value) => Math.fround(value * value + 0.01));
  const epsilon = Math.fround(1e-3);
  const RETAINED = [0, 2, 3, 7, 11];
  const dense = inMemory({
    inputs: { x: [1, COLUMNS, 4, 4] },
    outputs: ['y'],
    weights: {
      'a.weight': pointwise(kernel),
      ...Object.fromEntries(
        Object.entries({ gamma, beta, mean, variance }).map(([name, list]) => [name, float32(list)]),
      ),
    },
    nodes: [
      op('Conv', ['x', 'a.weight'], 'c', { name: 'a' }),
      op('BatchNormalization', ['c', 'gamma', 'beta', 'mean', 'variance'], 'y', { name: 'bn', epsilon }),
    ],
  });

  /** What a program makes of the halves, each result rounded. */
  function folded(
    round: (value: number) => number,
    kernelOf = (all: Rows): Rows => cutRows(all, RETAINED, null),
  ): Network {
    const scale = gamma.map((g, k) => round(half(g) / round(Math.sqrt(round(half(variance[k]!) + round(epsilon))))));
    const shift = scale.map((s, k) => round(half(beta[k]!) - round(half(mean[k]!) * s)));
    const weight = kernel.map((row, k) => row.map((value) => round(half(value) * scale[k]!)));
    return inMemory({
      inputs: { x: [1, COLUMNS, 4, 4] },
      outputs: ['y'],
      weights: {
        'a.weight': pointwise(kernelOf(weight)),
        'a.weight_bias': float32(RETAINED.map((k) => shift[k]!)),
      },
      nodes: [op('Conv', ['x', 'a.weight', 'a.weight_bias'], 'y', { name: 'a' })],
    });
  }

  it.each([
    ['float16', half],
    ['float32', Math.fround],
  ])('is folded here of halves, too, in %s', (_, round) => {
    expect(found(dense, folded(round))).toMatchObject({
      actual: { a: RETAINED },
      wrong: [],
      open: [],
      kinds: ['exact'],
    });
  });

  it('in another order of operations is the same to the rounding of float16', () => {
    const off = (filter: number): number => 1 + ((filter % 3) - 1) * 2 ** -9;
    const pruned = folded(half, (all) =>
      cutRows(all, RETAINED, null).map((row, k) => row.map((value) => half(value * off(k)))),
    );
    expect(found(dense, pruned)).toMatchObject({ actual: { a: RETAINED }, wrong: [], kinds: ['rounded'] });
  });
});
