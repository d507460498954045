import { describe, expect, it } from 'vitest';
import type { Weight } from '../../../src/network/index.ts';
import { toFloat32 } from '../../../src/onnx/index.ts';
import { cutAndRun, whole } from '../../support/cutting.ts';
import { networkOf } from '../../support/golden.ts';
import { type Graph, int64, op, writeModel } from '../../support/onnx-builder.ts';

/** A packed parameter of 4 and 6 rows, each part of which is a layer's weight, as nn.MultiheadAttention has it for two inputs. */
const packed = (nodes: Graph['nodes'], rows = 10): Graph => {
  const matrix = (seed: number, dims: readonly number[]) => ({
    dataType: 1,
    dims: dims.map(BigInt),
    rawData: new Uint8Array(
      whole(
        dims.reduce((n, d) => n * d, 1),
        seed,
      ).buffer,
    ),
  });
  return {
    inputs: { x: [2, 5] },
    weights: {
      packed: matrix(1, [rows, 5]),
      sizes: int64([4, rows - 4]),
      first: int64(0),
      last: int64(-1),
      ow: matrix(2, [rows - 4, 3]),
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
  };
};

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

describe('what is no part of a parameter', () => {
  it.each([
    ['a place that is not there', { last: int64(2) }],
    ['more rows than there are', { sizes: int64([4, 60]) }],
  ])('%s is not understood', (_, weights) => {
    const graph = packed(WAYS['SplitToSequence and SequenceAt']);
    const network = networkOf(writeModel({ ...graph, weights: { ...graph.weights, ...weights } }));
    expect(network.unseen.map(({ op: name }) => name)).toContain('SequenceAt');
  });
});
