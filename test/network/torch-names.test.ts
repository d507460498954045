import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openModel } from '../../src/files/index.ts';
import { readNetwork } from '../../src/network/index.ts';
import { float32, int64, layerOf, networkOf, op, shown, zeros } from '../support/onnx-builder.ts';

describe('names in an export of PyTorch', () => {
  // A block with two convolutions in nn.Sequentials, whose forward() adds; weights lost their names to constant folding.
  const network = networkOf({
    producer: 'pytorch',
    inputs: { x: ['N', 3, 8, 8] },
    weights: {
      'onnx::Conv_8': zeros([4, 3, 1, 1]),
      'onnx::Conv_9': zeros([4, 3, 1, 1]),
      'onnx::MatMul_10': zeros([4, 2]),
      'fc.bias': zeros([2]),
      'head.0.weight': zeros([2]),
      'head.0.bias': zeros([2]),
    },
    nodes: [
      op('Conv', ['x', 'onnx::Conv_8'], 'a', { name: '/layer1/layer1.0/a/a.0/Conv' }),
      op('Conv', ['x', 'onnx::Conv_9'], 'b', { name: '/layer1/layer1.0/b/Conv' }),
      op('Add', ['a', 'b'], 's', { name: '/layer1/layer1.0/Add' }),
      op('Relu', 's', 'r', { name: '/layer1/layer1.0/act/Relu' }),
      op('ReduceMean', 'r', 'm', { name: '/ReduceMean', axes: [2, 3], keepdims: 0 }),
      op('MatMul', ['m', 'onnx::MatMul_10'], 'f', { name: '/fc/MatMul' }),
      op('Add', ['fc.bias', 'f'], 'o', { name: '/fc/Add' }),
      op('LayerNormalization', ['o', 'head.0.weight', 'head.0.bias'], 'n', { name: 'node_layer_norm_3' }),
    ],
    outputs: ['n'],
    opset: 17,
  });

  it('are those of its modules: of state_dict(), or else of the scopes that node names hold', () => {
    expect(network.layers.map(({ name }) => name)).toEqual([
      'x',
      'layer1.0.a.0',
      'layer1.0.b',
      '/layer1/layer1.0/Add',
      'layer1.0.act',
      '/ReduceMean',
      'fc',
      'head.0',
    ]);
  });

  it('tell that a Linear over three axes is a MatMul and an Add', () => {
    const bias = network.followers.find(({ tensor }) => tensor.name === 'fc.bias');
    expect(bias).toMatchObject({ layer: 'fc', role: 'bias' });
    expect(shown(network, layerOf(network, 'fc').calls[0]!.columns)).toContain('layer1.0.a.0:0');
  });
});

describe('GroupNorm in an export of PyTorch', () => {
  const network = networkOf({
    producer: 'pytorch',
    inputs: { x: [1, 3, 4, 4] },
    weights: {
      'a.weight': zeros([4, 3, 1, 1]),
      'n.weight': zeros([4, 1, 1]),
      'b.weight': zeros([2, 4, 1, 1]),
      ones: float32([1, 1]),
      nils: float32([0, 0]),
      grouped: int64([0, 2, -1]),
      whole: int64([1, 4, 4, 4]),
    },
    nodes: [
      op('Conv', ['x', 'a.weight'], 'a', { name: '/a/Conv' }),
      op('Reshape', ['a', 'grouped'], 'g', { name: '/n/Reshape' }),
      op('InstanceNormalization', ['g', 'ones', 'nils'], 'i', { name: '/n/InstanceNormalization' }),
      op('Reshape', ['i', 'whole'], 'r', { name: '/n/Reshape_1' }),
      op('Mul', ['r', 'n.weight'], 'm', { name: '/n/Mul' }),
      op('Conv', ['m', 'b.weight'], 'b', { name: '/b/Conv' }),
    ],
    outputs: ['b'],
  });

  it('is one layer of as many groups, through which channels pass in place', () => {
    expect(layerOf(network, 'n')).toMatchObject({ kind: 'batch-norm', groups: 2 });
    expect(shown(network, layerOf(network, 'b').calls[0]!.columns)).toBe('a:0 a:1 a:2 a:3');
    expect(network.followers.map(({ layer, role, tensor }) => [layer, role, tensor.name])).toEqual([
      ['n', 'scale', 'n.weight'],
    ]);
  });
});

it('what the dynamo exporter folded into layers that have biases keeps all names, so it is not taken for raw', () => {
  const network = readNetwork(openModel(join(import.meta.dirname, '../fixtures/onnx/dynamo-bias.onnx')).model);
  expect([...network.prunable.values()].map(({ name, folding }) => [name, folding.state])).toEqual([
    ['c', 'unknown'],
    ['d', 'unknown'],
    ['f', 'unknown'],
  ]);
});
