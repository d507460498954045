import { describe, expect, it } from 'vitest';
import { float32, type Graph, int64, layerOf, networkOf, op } from '../support/onnx-builder.ts';

/** A convolution by the dynamo exporter, whose bias is what some nodes make. */
function convolution(nodes: Graph['nodes'], weights: Graph['weights']) {
  return layerOf(
    networkOf({
      producer: 'pytorch',
      inputs: { x: [1, 2, 4, 4] },
      outputs: ['y'],
      weights: { 'a.weight': { ...float32([1, 2, 3, 4]), dims: [2n, 2n, 1n, 1n] }, ...weights },
      nodes: [...nodes, op('Conv', ['x', 'a.weight', 'a.bias'], 'y', { name: 'node_conv2d' })],
    }),
    'a',
  );
}

describe('a model that the dynamo exporter', () => {
  it('did not optimize has raw weights: it left what it would have computed', () => {
    const nodes = [op('CastLike', ['zero', 'one'], 'like'), op('Expand', ['like', 'size'], 'ones')];
    const { folding } = convolution(nodes, {
      'a.bias': float32([1, 2]),
      zero: int64(0),
      one: float32(1),
      size: int64([2]),
    });
    expect(folding).toMatchObject({ state: 'raw', evidence: expect.stringContaining('did not optimize') });
  });

  it('optimized may have folded weights, whatever large constants it left to be transposed', () => {
    const large = { ...float32(new Array<number>(4096).fill(1)), dims: [64n, 64n] };
    const { folding } = convolution([op('Transpose', 'large', 't', { perm: [1, 0] })], {
      'a.bias': float32([1, 2]),
      large,
    });
    expect(folding.state).toBe('unknown');
  });
});
