import { describe, expect, it } from 'vitest';
import { networkOf, op, shown, zeros } from '../support/onnx-builder.ts';

describe('tensors of a network', () => {
  const network = networkOf({
    inputs: { x: ['N', 3, 8, 8] },
    weights: { w: zeros([4, 3, 1, 1]), v: zeros([2, 4, 1, 1]) },
    nodes: [
      op('Conv', ['x', 'w'], 'a', { name: 'net/a/Conv2D' }),
      op('Relu', 'a', 'r', { name: 'net/a/Relu' }),
      op('Conv', ['r', 'v'], 'b', { name: 'net/b/Conv2D' }),
      op('Concat', ['r', 'b'], 'c', { name: 'net/c/concat', axis: 1 }),
      op('Strange', 'c', 'd', { name: 'net/d/Strange' }),
    ],
    outputs: ['c', 'd'],
  });

  it('know the layer that makes them and the channels that they carry', () => {
    const told = [...network.tensors].map(([name, { layer, channels }]) => [
      name,
      network.layers[layer]!.name,
      channels !== null && 'ids' in channels ? shown(network, channels.ids) : channels,
    ]);
    expect(told).toEqual([
      ['x', 'x', null],
      ['a', 'a', 'a:0 a:1 a:2 a:3'],
      ['r', 'a', 'a:0 a:1 a:2 a:3'],
      ['b', 'b', 'b:0 b:1'],
      ['c', 'c', 'a:0 a:1 a:2 a:3 b:0 b:1'],
      ['d', 'd', { opaque: 'Strange' }],
    ]);
  });
});
