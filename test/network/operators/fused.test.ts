import { describe, expect, it } from 'vitest';
import { compareGraphs } from '../../../src/comparison/index.ts';
import { recoverRetention } from '../../../src/recovery/index.ts';
import { between, cutAndRun, last, resultsOf, weights, whole } from '../../support/cutting.ts';
import { networkOf } from '../../support/golden.ts';
import { float32, type Graph, int64, op, writeModel } from '../../support/onnx-builder.ts';

const fused = (name: string, inputs: readonly string[], output: string, more = {}) =>
  op(name, [...inputs], output, { name: `m/${output}/Conv2D`, domain: 'com.microsoft', ...more });

/** The same function, as the optimizer of onnxruntime writes it and as operators of ai.onnx. */
function expectSame(one: Graph, other: Graph): void {
  const [plain, written] = [networkOf(writeModel(one)), networkOf(writeModel(other))];
  expect(written.unseen).toEqual([]);
  const { differences, open } = compareGraphs(recoverRetention(plain, written).correspondence);
  expect([differences, open]).toEqual([[], []]);
}

/** A convolution `a`, what is done with it, and a last one. */
const graph = (
  nodes: Graph['nodes'],
  shapes: Readonly<Record<string, readonly number[]>> = {},
  more: Partial<Graph> = {},
) => between([...nodes, last], { ow: [2, 6, 1, 1], ...shapes }, more);

/** Two heads of four channels of a linear layer for each of queries, keys and values: [tokens, batch, heads, channels]. */
function attention(nodes: Graph['nodes'], row = (at: number) => at): Graph {
  const out = whole(8 * 3, 5);
  return {
    inputs: { x: [5, 1, 6] },
    outputs: ['z'],
    weights: {
      ...weights({ qw: [6, 8], kw: [6, 8], vw: [6, 8] }),
      ...{ heads: int64([5, 1, 2, 4]), joined: int64([5, 8]), half: float32(0.5) },
      ow: { ...float32(Array.from(out, (_, at) => out[3 * row(Math.floor(at / 3)) + (at % 3)]!)), dims: [8n, 3n] },
    },
    nodes: [
      ...['q', 'k', 'v'].flatMap((name) => [
        op('MatMul', ['x', `${name}w`], `${name}r`, { name: `m/${name}/MatMul` }),
        op('Reshape', [`${name}r`, 'heads'], name),
      ]),
      ...nodes,
      op('Transpose', 'c', 't', { perm: [2, 0, 1, 3] }),
      op('Reshape', ['t', 'joined'], 'y'),
      op('MatMul', ['y', 'ow'], 'z', { name: 'm/out/MatMul' }),
    ],
  };
}

const PLAIN = [
  op('Transpose', 'q', 'qt', { perm: [1, 2, 0, 3] }),
  op('Transpose', 'k', 'kt', { perm: [1, 2, 3, 0] }),
  op('MatMul', ['qt', 'kt'], 's'),
  op('Mul', ['s', 'half'], 'h'),
  op('Softmax', 'h', 'p', { axis: -1 }),
  op('Transpose', 'v', 'vt', { perm: [1, 2, 0, 3] }),
  op('MatMul', ['p', 'vt'], 'c'),
];

const own = { domain: 'com.microsoft' };

/** As onnxruntime's extended optimizations write it. */
const FUSED = [
  op('FusedMatMul', ['q', 'k'], 'h', { ...own, transBatchA: 1, transBatchB: 1, transB: 1, alpha: { float: 0.5 } }),
  op('Softmax', 'h', 'p', { axis: -1 }),
  op('FusedMatMul', ['p', 'v'], 'c', { ...own, transBatchB: 1 }),
];

describe('an operator that onnxruntime fused is what it stands for:', () => {
  it('FusedConv, with its activation and what it adds', () => {
    const shapes = { bw: [6, 6, 1, 1], bb: [6] };
    const plain = [
      op('Conv', ['a', 'bw', 'bb'], 'b', { name: 'm/b/Conv2D' }),
      op('Add', ['b', 'a'], 'sum'),
      op('LeakyRelu', 'sum', 'y', { alpha: { float: 0.25 } }),
    ];
    const written = [
      fused('FusedConv', ['a', 'bw', 'bb', 'a'], 'y', {
        activation: 'LeakyRelu',
        activation_params: { floats: [0.25] },
      }),
    ];
    expectSame(graph(plain, shapes), graph(written, shapes));
    const other = networkOf(writeModel(graph([...plain.slice(0, 2), op('Relu', 'sum', 'y')], shapes)));
    const { correspondence } = recoverRetention(other, networkOf(writeModel(graph(written, shapes))));
    expect(compareGraphs(correspondence).differences).toHaveLength(1);
  });

  it('a FusedConv is cut and runs', async () => {
    const nodes = [fused('FusedConv', ['a', 'bw', 'bb'], 'y', { activation: 'Relu' })];
    await cutAndRun(graph(nodes, { bw: [6, 6, 1, 1], bb: [6] }), { a: [0, 2, 5], y: [1, 4] });
  });

  it('Gelu by its approximations, with and without a bias', () => {
    const bias = { weights: weights({ v: [6, 1, 1] }), opset: 20 };
    const factor = { weights: { f: float32(1.5) } };
    const added = op('Add', ['a', 'v'], 's');
    expectSame(graph([op('Gelu', 'a', 'y')], {}, bias), graph([fused('Gelu', ['a'], 'y')], {}, bias));
    expectSame(graph([added, op('Gelu', 's', 'y')], {}, bias), graph([fused('BiasGelu', ['a', 'v'], 'y')], {}, bias));
    expectSame(
      graph([added, op('Gelu', 's', 'y', { approximate: 'tanh' })], {}, bias),
      graph([fused('FastGelu', ['a', 'v'], 'y')], {}, bias),
    );
    expectSame(
      graph([op('Mul', ['a', 'f'], 's'), op('Sigmoid', 's', 'g'), op('Mul', ['a', 'g'], 'y')], {}, factor),
      graph([fused('QuickGelu', ['a'], 'y', { alpha: { float: 1.5 } })], {}, factor),
    );
  });

  it('FusedMatMul and FusedGemm, whichever way their weights lie', () => {
    const dense = (nodes: Graph['nodes'], shape: readonly number[]): Graph => ({
      inputs: { x: [2, 6] },
      outputs: ['z'],
      weights: weights({ w: shape, v: [4, 3] }),
      nodes: [...nodes, op('MatMul', ['y', 'v'], 'z', { name: 'm/out/MatMul' })],
    });
    expectSame(
      dense([op('MatMul', ['x', 'w'], 'p', { name: 'm/y/MatMul' }), op('Add', ['p', 'p'], 'y')], [6, 4]),
      dense([fused('FusedMatMul', ['x', 'w'], 'y', { alpha: { float: 2 } })], [6, 4]),
    );
    expectSame(
      dense([op('Gemm', ['x', 'w'], 'p', { name: 'm/y/MatMul', transB: 1 }), op('Relu', 'p', 'y')], [4, 6]),
      dense([fused('FusedGemm', ['x', 'w'], 'y', { transB: 1, activation: 'Relu' })], [4, 6]),
    );
    expectSame(
      dense([op('Gemm', ['x', 'w'], 'y', { name: 'm/y/MatMul', transB: 1 })], [4, 6]),
      dense([fused('FusedMatMul', ['x', 'w'], 'y', { transB: 1 })], [4, 6]),
    );
  });

  it('FusedMatMul of an attention, which transposes what is computed, and its columns are compared', async () => {
    const [plain, written] = [attention(PLAIN), attention(FUSED)];
    expectSame(plain, written);
    const [path, other] = [writeModel(plain), writeModel(written)];
    expect(await resultsOf(other)).toEqual(await resultsOf(path));
    const swapped = networkOf(writeModel(attention(FUSED, (row) => [1, 0, 2, 3, 4, 5, 6, 7][row]!)));
    expect(recoverRetention(networkOf(path), swapped).layers.get('v')?.disagreements).toMatchObject([
      { detail: 'they keep its filters in another order' },
    ]);
  });

  it('a LayerNormalization of a sum', () => {
    const rows = (nodes: Graph['nodes']): Graph => ({
      inputs: { x: [2, 6] },
      outputs: ['z'],
      opset: 17,
      weights: weights({ w: [6, 4], u: [6, 4], s: [4], v: [4, 3] }),
      nodes: [
        op('MatMul', ['x', 'w'], 'a', { name: 'm/a/MatMul' }),
        op('MatMul', ['x', 'u'], 'b', { name: 'm/b/MatMul' }),
        ...nodes,
        op('MatMul', ['y', 'v'], 'z', { name: 'm/out/MatMul' }),
      ],
    });
    const epsilon = { epsilon: { float: 0.5 } };
    expectSame(
      rows([op('Add', ['a', 'b'], 't'), op('LayerNormalization', ['t', 's'], 'y', epsilon)]),
      rows([fused('SkipLayerNormalization', ['a', 'b', 's'], 'y', epsilon)]),
    );
  });

  it('and what is not documented stays unseen', () => {
    const odd = graph([fused('FusedConv', ['a', 'bw'], 'y', { activation: 'Odd' })], { bw: [6, 6, 1, 1] });
    expect(networkOf(writeModel(odd)).unseen.map(({ op: by }) => by)).toEqual(['com.microsoft.FusedConv']);
  });
});
