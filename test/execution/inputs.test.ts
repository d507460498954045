import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import jpeg from 'jpeg-js';
import { PNG } from 'pngjs';
import { describe, expect, it } from 'vitest';
import { fittingCases } from '../../src/execution/memory.ts';
import { judgeExecution } from '../../src/verdict/index.ts';
import { executionOf, outcomeOf } from '../support/execution.ts';
import { float16, float32, float64, modelBytes, networkOf, op, writeModel } from '../support/onnx-builder.ts';

const work = mkdtempSync(join(tmpdir(), 'prunegate-inputs-'));
let written = 0;
const noise = (count: number, seed = 1): number[] => Array.from({ length: count }, (_, k) => Math.sin(seed + 7 * k));

interface Options {
  readonly shape?: readonly (number | string)[] | null;
  readonly type?: 'float32' | 'float64';
  readonly kept?: readonly number[];
  /** A factor of the first layer's biases. */
  readonly biases?: number;
  /** Instead of a softmax over classes: nodes between the first and the second layer. */
  readonly between?: readonly ReturnType<typeof op>[];
}

/** Conv of 6 filters with a bias, ReLU, then a 1x1 conv of 2 filters; with `kept`, cut by those. */
function model({
  shape = ['N', 3, 'h', 'w'],
  type = 'float32',
  kept = [0, 1, 2, 3, 4, 5],
  biases = 1,
  between = [op('Relu', 'a', 'b', { name: 'net/relu/Relu' })],
}: Options): string {
  const first = noise(6 * 27);
  const second = noise(2 * 6, 3);
  const list = type === 'float64' ? float64 : float32;
  const weight = (values: readonly number[], dims: readonly number[]) => ({
    ...list(values),
    dims: dims.map(BigInt),
  });
  const path = join(work, `${written++}.onnx`);
  const bytes = modelBytes({
    inputs: { image: shape },
    inputType: type,
    outputType: type,
    weights: {
      w1: weight(
        kept.flatMap((f) => first.slice(27 * f, 27 * (f + 1))),
        [kept.length, 3, 3, 3],
      ),
      b1: list(kept.map((f) => biases * (0.3 - 0.1 * f))),
      w2: weight(
        [0, 1].flatMap((row) => kept.map((f) => second[6 * row + f]!)),
        [2, kept.length, 1, 1],
      ),
    },
    nodes: [
      op('Conv', ['image', 'w1', 'b1'], 'a', { name: 'net/first/Conv2D', kernel_shape: [3, 3] }),
      ...between,
      op('Conv', ['b', 'w2'], 'y', { name: 'net/second/Conv2D', kernel_shape: [1, 1] }),
    ],
    outputs: ['y'],
  });
  writeFileSync(path, bytes);
  return path;
}

const KEPT = [1, 3, 4];

describe('sizes that the model leaves open', () => {
  it('are given by the user', async () => {
    const execution = await executionOf(model({}), model({ kept: KEPT }), {
      inputShapes: [{ input: 'image', shape: [2, 3, 9, 7] }],
    });
    expect(execution).toMatchObject({
      verdict: 'equal',
      inputs: [{ name: 'image', shape: [2, 3, 9, 7], source: 'input-shapes' }],
      cases: ['zeros', 'noise', 'other noise'],
    });
  });

  it('are stated by the spec, known of the dense model, or a default that is reported', async () => {
    const stated = { channels: 3, height: 12, width: 10 };
    const open = await executionOf(model({}), model({ kept: KEPT }), {}, { stated });
    expect(open.inputs).toEqual([{ name: 'image', type: 'float32', shape: ['N', 3, 12, 10], source: 'the spec' }]);
    expect(open.cases).toEqual(['zeros, batch of 1', 'noise, batch of 1', 'noise, batch of 3']);
    const half = await executionOf(model({ shape: ['N', 3, 8, 8] }), model({ kept: KEPT }));
    expect(half.inputs[0]).toMatchObject({ shape: ['N', 3, 8, 8], source: 'the dense model' });
    const single = await executionOf(model({ shape: [1, 3, 8, 8] }), model({ shape: ['N', 3, 8, 8], kept: KEPT }));
    expect(single).toMatchObject({ verdict: 'equal', inputs: [{ shape: [1, 3, 8, 8] }] });
    const guessed = await executionOf(model({}), model({ kept: KEPT }));
    expect(guessed.inputs[0]).toMatchObject({ shape: ['N', 3, 224, 224], source: '224 as nothing says otherwise' });
  });

  it('that fit no input, or not the input, are the user’s mistake', async () => {
    const pair = [model({ shape: [1, 3, 8, 8] }), model({ shape: [1, 3, 8, 8], kept: KEPT })] as const;
    await expect(outcomeOf(...pair, { inputShapes: [{ input: 'imgae', shape: [1, 3, 8, 8] }] })).rejects.toThrow(
      /^input-shapes: .* has no such input: did you mean image\?/,
    );
    await expect(outcomeOf(...pair, { inputShapes: [{ input: 'image', shape: [1, 3, 9, 9] }] })).rejects.toThrow(
      /fixes image to 1x3x8x8 \(found "image=1x3x9x9"\)/,
    );
  });
});

describe('models of other types and shapes', () => {
  /** Two layers on the last axis, or two one-dimensional convolutions, behind an embedding or not; `kept` cuts the first. */
  function written(kind: 'float16' | 'float64' | 'ids' | 'line', kept: readonly number[] = [0, 1, 2, 3]): string {
    const type = kind === 'float16' || kind === 'float64' ? kind : 'float32';
    const of = (values: readonly number[], ...dims: readonly number[]) => ({
      ...(type === 'float64' ? float64(values) : type === 'float16' ? float16(values) : float32(values)),
      dims: dims.map(BigInt),
    });
    const area = kind === 'line' ? 3 : 1;
    const [first, second] = [noise(4 * 3 * area), noise(2 * 4 * area, 3)];
    const row = (at: number) => first.slice(3 * area * at, 3 * area * (at + 1));
    const columns = (at: number) => kept.flatMap((k) => second.slice((4 * at + k) * area, (4 * at + k + 1) * area));
    const layers =
      kind === 'line'
        ? [
            op('Conv', ['x', 'w1'], 'a', { name: 'net/first/Conv' }),
            op('Conv', ['a', 'w2'], 'y', { name: 'net/second/Conv' }),
          ]
        : [
            op('MatMul', ['e', 'w1'], 'a', { name: 'net/first/MatMul' }),
            op('MatMul', ['a', 'w2'], 'y', { name: 'net/second/MatMul' }),
          ];
    const transposed = (rows: readonly (readonly number[])[]) =>
      rows[0]!.flatMap((_, k) => rows.map((each) => each[k]!));
    return writeModel({
      inputs: {
        [kind === 'ids' ? 'ids' : 'x']: kind === 'ids' ? ['N', 'S'] : kind === 'line' ? ['N', 3, 'L'] : ['N', 3],
      },
      inputType: kind === 'ids' ? 'int64' : type,
      outputType: type,
      weights: {
        ...(kind === 'ids' ? { table: of(noise(5 * 3, 9), 5, 3) } : {}),
        w1: kind === 'line' ? of(kept.flatMap(row), kept.length, 3, 3) : of(transposed(kept.map(row)), 3, kept.length),
        w2:
          kind === 'line'
            ? of([0, 1].flatMap(columns), 2, kept.length, 3)
            : of(transposed([0, 1].map(columns)), kept.length, 2),
      },
      nodes: [
        ...(kind === 'ids' ? [op('Gather', ['table', 'ids'], 'e', { name: 'net/embed/Gather' })] : []),
        ...(kind === 'float16' || kind === 'float64' ? [op('Identity', 'x', 'e')] : []),
        ...layers,
      ],
      outputs: ['y'],
    });
  }

  it.each(['float16', 'float64', 'line'] as const)('are executed: %s', async (kind) => {
    const { verdict, reason } = await executionOf(written(kind), written(kind, [0, 3]));
    expect(verdict, reason).toBe('equal');
  });

  it('that look rows up by integers are executed', async () => {
    const { verdict, reason, inputs } = await executionOf(written('ids'), written('ids', [0, 3]));
    expect(inputs).toMatchObject([
      { name: 'ids', type: 'int64', shape: ['N', 64], source: '64 as nothing says otherwise' },
    ]);
    expect(verdict, reason).toBe('equal');
  });

  it('that onnxruntime has no kernels for, or that nobody knows how to feed, say so', async () => {
    const wide = (kept: readonly number[]) => model({ shape: ['N', 3, 8, 8], kept, type: 'float64' });
    const double = await outcomeOf(wide([0, 1, 2, 3, 4, 5]), wide(KEPT));
    expect(double.obstacle).toMatchObject({
      code: 'load-failed',
      reason: expect.stringMatching(
        /^onnxruntime cannot load the dense model: Could not find an implementation for Conv/,
      ),
    });
    const unknown = await outcomeOf(model({ shape: null }), model({ shape: null, kept: KEPT }));
    expect(unknown.obstacle).toEqual({
      code: 'inputs-unknown',
      reason: 'the model states no shape, and input-shapes gives none, for its input image',
    });
  });

  it('whose sizes were guessed wrong say what was guessed', async () => {
    // A window as wide as no guess.
    const between = [op('AveragePool', 'a', 'b', { kernel_shape: [300, 300] })];
    const { obstacle } = await outcomeOf(model({ between }), model({ between, kept: KEPT }));
    expect(obstacle?.reason).toMatch(/sizes of image were guessed: input-shapes gives them$/);
  });
});

describe('tensors of the user', () => {
  const pair = [model({ shape: ['N', 3, 4, 4] }), model({ shape: ['N', 3, 4, 4], kept: KEPT })] as const;
  function npy(dims: readonly number[], descr = '<f4'): string {
    const header = `{'descr': '${descr}', 'fortran_order': False, 'shape': (${dims.join(', ')},), }`.padEnd(117);
    const count = dims.reduce((n, size) => n * size, 1);
    const data = descr === '<f4' ? Float32Array.from(noise(count)) : Float64Array.from(noise(count));
    const path = join(mkdtempSync(join(tmpdir(), 'prunegate-input-')), 'x.npy');
    const head = Buffer.from(`\x93NUMPY\x01\x00\x76\x00${header}\n`, 'latin1');
    writeFileSync(path, Buffer.concat([head, Buffer.from(data.buffer)]));
    return path;
  }

  it('are fed as well', async () => {
    const path = npy([5, 3, 4, 4]);
    const { verdict, cases } = await executionOf(...pair, { inputs: [path] });
    expect(verdict).toBe('equal');
    expect(cases.at(-1)).toBe(path);
  });

  it('may be a picture, in whichever layout the input has', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'prunegate-input-'));
    const picture = { width: 4, height: 4, data: Buffer.from(Array.from({ length: 64 }, (_, k) => (k * 37) % 256)) };
    const [png, jpg] = [join(folder, 'x.png'), join(folder, 'x.jpg')];
    writeFileSync(png, PNG.sync.write(Object.assign(new PNG({ width: 4, height: 4 }), { data: picture.data })));
    writeFileSync(jpg, jpeg.encode(picture, 90).data);
    const { verdict, cases } = await executionOf(...pair, { inputs: [png, jpg] });
    expect(verdict).toBe('equal');
    expect(cases.slice(-2)).toEqual([png, jpg]);
    writeFileSync(png, readFileSync(png).subarray(0, 40));
    await expect(outcomeOf(...pair, { inputs: [png] })).rejects.toThrow(`${png}: is no picture that can be decoded`);
  });

  it('that do not fit are refused by file', async () => {
    const [wide, double] = [npy([1, 3, 5, 5]), npy([1, 3, 4, 4], '<f8')];
    await expect(outcomeOf(...pair, { inputs: [wide] })).rejects.toThrow(
      `${wide}: does not fit the input image, which is Nx3x4x4 (found "1x3x5x5")`,
    );
    await expect(outcomeOf(...pair, { inputs: [double] })).rejects.toThrow(
      'takes float32: convert it with astype (found "float64")',
    );
  });
});

describe('channels that were cut', () => {
  const shape = ['N', 3, 8, 8];

  it('are heard nowhere, though their biases alone would be', async () => {
    expect((await executionOf(model({ shape }), model({ shape, kept: KEPT }))).verdict).toBe('equal');
  });

  it.each([
    ['a softmax over channels', [op('Softmax', 'a', 'b', { name: 'net/attention/Softmax', axis: 1 })]],
    [
      'a mean over channels',
      [
        op('ReduceMean', 'a', 'm', { name: 'net/mean/Mean', axes: [1] }),
        op('Mul', ['a', 'm'], 'b', { name: 'net/gate/mul' }),
      ],
    ],
  ])('but through %s: there the dense model is cut, too', async (_, between) => {
    const { verdict, reason } = await executionOf(model({ shape, between }), model({ shape, between, kept: KEPT }));
    expect(verdict).toBe('equal');
    expect(reason).toContain('those of the dense model cut to the same channels');
    // Not cut, there is nothing to be blind to.
    expect((await executionOf(model({ shape, between }), model({ shape, between }))).verdict).toBe('equal');
  });

  it('do not excuse what is wrong before it', async () => {
    const between = [op('Softmax', 'a', 'b', { name: 'net/attention/Softmax', axis: 1 })];
    const execution = await executionOf(model({ shape, between }), model({ shape, between, kept: KEPT, biases: 1.01 }));
    expect(execution).toMatchObject({ verdict: 'different', firstDifference: { layer: 'first' } });
  });
});

describe('memory', () => {
  it('that is not there is not asked for: the larger batch goes first', () => {
    const network = networkOf({
      inputs: { x: ['N', 3, 32, 32] },
      weights: { w: { ...float32(noise(24)), dims: [8n, 3n, 1n, 1n] } },
      nodes: [op('Conv', ['x', 'w'], 'y')],
      outputs: ['y'],
    });
    const one = (batch: number) => ({
      name: String(batch),
      feeds: [
        {
          input: { dense: 'x', pruned: 'x' },
          type: 'float32' as const,
          takes: { dense: 'float32' as const, pruned: 'float32' as const },
          dims: [batch, 3, 32, 32],
          fill: { kind: 'zeros' as const },
        },
      ],
    });
    const all = fittingCases(network, network, [one(1), one(3)], 1e9);
    expect(all.tooLarge).toEqual([]);
    const some = fittingCases(network, network, [one(1), one(3)], 1.5 * all.needed);
    expect(some).toMatchObject({ fitting: [{ name: '1' }], tooLarge: [{ name: '3' }] });
    expect(fittingCases(network, network, [one(1), one(3)], all.needed - 1).fitting).toEqual([]);
  });
});

describe('the models’ inputs', () => {
  /** y = fc1(first) + fc2(second), whose inputs carry the names that are given. */
  const two = (
    names: readonly [string, string],
    producer: string,
    order: readonly [number, number] = [0, 1],
  ): string => {
    const weight = (seed: number) => ({ ...float32(noise(4, seed)), dims: [2n, 2n] });
    return writeModel({
      inputs: Object.fromEntries(order.map((k) => [names[k]!, ['N', 2]])),
      weights: { w1: weight(1), w2: weight(5) },
      nodes: [
        op('MatMul', [names[0], 'w1'], 'a', { name: 'net/fc1/MatMul' }),
        op('MatMul', [names[1], 'w2'], 'b', { name: 'net/fc2/MatMul' }),
        op('Add', ['a', 'b'], 'y', { name: 'net/add/Add' }),
      ],
      outputs: ['y'],
      producer,
    });
  };

  it('are fed by their order where another exporter named them otherwise, and that is said', async () => {
    const { execution, notes } = await outcomeOf(two(['x', 'z'], 'pytorch'), two(['input.1', 'input.3'], 'other'));
    expect(execution).toMatchObject({ verdict: 'equal' });
    expect(notes).toEqual([
      'Inputs are fed by their order: input.1 of the pruned model is x of the dense one, input.3 of the pruned model is z of the dense one.',
    ]);
  });

  it('that stand in another order, or have other sizes, are another interface', async () => {
    const exchanged = await outcomeOf(two(['x', 'z'], 'pytorch'), two(['x', 'z'], 'pytorch', [1, 0]));
    expect(exchanged.obstacle).toEqual({
      code: 'interface-differs',
      reason: 'its inputs stand in another order: z, x instead of x, z',
    });
    const wide = await outcomeOf(model({ shape: ['N', 3, 4, 4] }), model({ shape: ['N', 3, 8, 8], kept: KEPT }));
    expect(wide.obstacle?.code).toBe('interface-differs');
    const conforming = { verdict: 'conforms', layers: [], findings: [], notes: [] } as const;
    const at = () => ({ file: null, line: null, key: '--pruned' });
    for (const demand of ['tried', 'demanded', 'all'] as const)
      expect(judgeExecution(conforming, wide, { at, requireGpu: false, demand })).toMatchObject({
        verdict: 'diverges',
        findings: [{ kind: 'interface-differs', verdict: 'mismatch' }],
      });
  });
});
