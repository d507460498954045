import { describe, expect, it } from 'vitest';
import { compareGraphs } from '../../../src/comparison/index.ts';
import type { Network, Weight } from '../../../src/network/index.ts';
import { toFloat32 } from '../../../src/onnx/index.ts';
import { recoverRetention } from '../../../src/recovery/index.ts';
import { between, cutAndRun, cutGraph, last, weights, whole } from '../../support/cutting.ts';
import { networkOf } from '../../support/golden.ts';
import { type Graph, int64, op, writeModel } from '../../support/onnx-builder.ts';

type Init = ReturnType<typeof int64>;

/** A packed parameter of 4 and 6 rows, each part of which is a layer's weight, as nn.MultiheadAttention has it for two inputs. */
const packed = (nodes: Graph['nodes'], rows = 10): Graph => ({
  inputs: { x: [2, 5] },
  weights: {
    ...weights({ packed: [rows, 5], ow: [rows - 4, 3] }),
    sizes: int64([4, rows - 4]),
    first: int64(0),
    last: int64(-1),
  },
  nodes: [
    ...nodes,
    op('Transpose', 'a_rows', 'a_turned', { perm: [1, 0] }),
    op('Transpose', 'b_rows', 'b_turned', { perm: [1, 0] }),
    op('MatMul', ['x', 'a_turned'], 'y', { name: 'm/a/MatMul' }),
    op('MatMul', ['x', 'b_turned'], 'b', { name: 'm/b/MatMul' }),
    op('MatMul', ['b', 'ow'], 'z', { name: 'm/out/MatMul' }),
  ],
  outputs: ['y', 'z'],
});

const WAYS = {
  'SplitToSequence and SequenceAt': [
    op('SplitToSequence', ['packed', 'sizes'], 'parts', { axis: 0 }),
    op('SequenceAt', ['parts', 'first'], 'a_rows'),
    op('SequenceAt', ['parts', 'last'], 'b_rows'),
  ],
  Split: [op('Split', ['packed', 'sizes'], 'a_rows b_rows', { axis: 0 })],
};

describe.each(Object.entries(WAYS))('%s of a parameter', (_, nodes) => {
  // Small ones are computed with, large ones are read when they are asked for.
  it.each([10, 20_000])('of %d rows makes each part the weight of its layer', (rows) => {
    const network = networkOf(writeModel(packed(nodes, rows)));
    expect(network.unseen).toEqual([]);
    const [a, b] = ['a', 'b'].map((name) => network.prunable.get(name)!);
    expect([a!.filters, b!.filters]).toEqual([4, rows - 4]);
    const { tensor, outStride, inStride } = b!.weight as Weight;
    const stored = whole(rows * 5, 1);
    const values = toFloat32(tensor.read());
    expect([0, 1, 2].map((row) => values[row * outStride + 3 * inStride])).toEqual(
      [4, 5, 6].map((row) => stored[row * 5 + 3]),
    );
  });

  it('is cut part by part', async () => {
    await cutAndRun(packed(nodes), { b: [1, 2, 5] });
  });
});

/** Channels of a layer taken apart, as the dynamo exporter writes chunk() and split(): the second part is put before the first. */
const apart = (size: Init, { act = 'Relu', axis = 1, end = -1 } = {}): Graph =>
  between(
    [
      op('SplitToSequence', ['a', 'size'], 'parts', { axis }),
      op('SequenceAt', ['parts', 'end'], 'p'),
      op('SequenceAt', ['parts', 'first'], 'q'),
      op(act, ['p'], 'active'),
      op('Concat', ['active', 'q'], 'y', { axis: 1 }),
      last,
    ],
    { ow: [2, 6, 1, 1] },
    { weights: { size, first: int64(0), end: int64(end) } },
  );

describe('SplitToSequence of channels', () => {
  it.each([
    ['one size', int64(3)],
    ['one size, the last one smaller,', int64(4)],
    ['sizes that are listed', int64([2, 4])],
  ])('in parts of %s is followed, cut and compared', async (_, size) => {
    const { dense, cut } = await cutAndRun(apart(size), { a: [1, 3, 5] });
    const compared = (pruned: Network) => compareGraphs(recoverRetention(dense, pruned).correspondence);
    expect(compared(cut)).toMatchObject({ differences: [], open: [] });
    const wrong = cutGraph(apart(size, { act: 'Elu', axis: -3 }), { a: [1, 3, 5] });
    expect(compared(wrong.cut).differences.map(({ title }) => title)).toEqual(['Elu stands for relu behind a']);
  });

  it.each([
    ['a part that is not there', apart(int64(3), { end: 2 }), 'p', 'SequenceAt'],
    ['sizes that do not add up', apart(int64([2, 3])), 'parts', 'SplitToSequence'],
    ['no size', apart(int64(0)), 'parts', 'SplitToSequence'],
  ])('that takes %s is not understood', (_, graph, tensor, operator) => {
    expect(networkOf(writeModel(graph)).tensors.get(tensor)?.channels).toEqual({ opaque: operator });
  });
});

describe('what is no part of a parameter', () => {
  it.each([
    ['a place that is not there', { last: int64(2) }],
    ['more rows than there are', { sizes: int64([4, 60]) }],
  ])('%s is not understood', (_, changed) => {
    const graph = packed(WAYS['SplitToSequence and SequenceAt']);
    const network = networkOf(writeModel({ ...graph, weights: { ...graph.weights, ...changed } }));
    expect(network.unseen.map(({ op: name }) => name)).toContain('SequenceAt');
  });
});
