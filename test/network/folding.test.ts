import { describe, expect, it } from 'vitest';
import { float32, type Graph, layerOf, networkOf, op, zeros } from '../support/onnx-builder.ts';

const some = (count: number) => float32(Array.from({ length: count }, (_, k) => k + 1));
const NORM = { gamma: some(4), beta: some(4), mean: some(4), variance: some(4) };
const norm = (from: string, to: string) => op('BatchNormalization', [from, 'gamma', 'beta', 'mean', 'variance'], to);

/** Folding of a convolution whose tensors have these names, with what is given behind it. */
function foldingOf(producer: string, weight: string, bias: string | null, behind: Graph['nodes'] = []) {
  const network = networkOf({
    producer,
    inputs: { x: ['N', 3, 8, 8] },
    outputs: ['y'],
    weights: { [weight]: zeros([4, 3, 1, 1]), ...(bias === null ? {} : { [bias]: some(4) }), ...NORM },
    nodes: [
      op('Conv', ['x', weight, ...(bias === null ? [] : [bias])], 'c', { name: 'm/a/Conv2D' }),
      ...(behind.length > 0 ? behind : [op('Relu', 'c', 'y')]),
    ],
  });
  return [...network.prunable.values()][0]!.folding.state;
}

describe('weights of a convolution', () => {
  it.each([
    ['a BatchNorm follows', 'pytorch', 'a.weight', 'a.bias', [norm('c', 'y')]],
    ['there is no bias', 'pytorch', 'a.weight', null, []],
    ['there is no bias, whoever wrote it', '', 'w', null, []],
    ['tf2onnx left the bias its name', 'tf2onnx', 'm/a/Conv2D/ReadVariableOp:0', 'm/a/BiasAdd/ReadVariableOp:0', []],
    ['keras2onnx left a variable its name', 'keras2onnx', 'a/kernel:0', 'a/bias:0', []],
  ] as const)('are raw where %s', (_, producer, weight, bias, behind) => {
    expect(foldingOf(producer, weight, bias, behind)).toBe('raw');
  });

  it.each([
    ['tf2onnx', 'm/a/Conv2D_weights_fused_bn', 'm/a/Conv2D_bias_fused_bn'],
    ['keras2onnx', 'a_W_new', 'a_B_new'],
    ['tf2onnx', 'm/a/Conv2D/merged_input:0', null],
    ['pytorch', 'a.weight', 'a.weight_bias'],
    ['pytorch', 'onnx::Conv_11', 'onnx::Conv_12'],
    ['pytorch', 'ConvBnFusion_W_a.weight', 'ConvBnFusion_BN_B_b.bias'],
    ['tf2onnx', 'ConvBnFusion_W_m/a/Conv2D/ReadVariableOp:0', 'ConvBnFusion_BN_B_m/b/ReadVariableOp_1:0'],
    ['pytorch', '/a/BatchNormalization_output_0_weight', '/a/BatchNormalization_output_0_bias'],
    ['tf2onnx', 'm/b/FusedBatchNormV3:0_weight', 'm/b/FusedBatchNormV3:0_bias'],
    ['pytorch', 'getitem_3_weight', 'getitem_3_bias'],
  ])('are folded by the mark that %s or a later program left: %s', (producer, weight, bias) => {
    expect(foldingOf(producer, weight, bias)).toBe('folded');
  });

  it.each([
    ['fused in PyTorch before the export, or never normalized', 'pytorch', 'a.weight', 'a.bias'],
    ['simplified', 'pytorch', '_v_32', '_v_33'],
    ['simplified after tf2onnx', 'tf2onnx', '_v_32', '_v_33'],
    ['of no known exporter', '', 'w', 'b'],
  ])('are unknown where they are %s: a bias tells nothing', (_, producer, weight, bias) => {
    expect(foldingOf(producer, weight, bias)).toBe('unknown');
  });

  it('are unknown by the dynamo exporter without optimizing too: what was fused before, it leaves as it is', () => {
    const left = [op('Mul', ['two', 'two'], 'four'), op('Mul', ['c', 'four'], 'y')];
    const network = networkOf({
      producer: 'pytorch',
      inputs: { x: ['N', 3, 8, 8] },
      outputs: ['y'],
      weights: { 'a.weight': zeros([4, 3, 1, 1]), 'a.bias': some(4), two: float32(2) },
      nodes: [op('Conv', ['x', 'a.weight', 'a.bias'], 'c', { name: 'node_conv2d' }), ...left],
    });
    expect(layerOf(network, 'a').folding.state).toBe('unknown');
  });

  it('are raw where the bias is zeros, which folding would not leave', () => {
    const network = networkOf({
      producer: 'pytorch',
      inputs: { x: ['N', 3, 8, 8] },
      outputs: ['y'],
      weights: { 'a.weight': zeros([4, 3, 1, 1]), nil: zeros([4]) },
      nodes: [op('Conv', ['x', 'a.weight', 'nil'], 'y', { name: 'node_conv2d' })],
    });
    expect(layerOf(network, 'a').folding.state).toBe('raw');
  });

  it('are raw beside others that a BatchNorm follows, unless it stands behind the module of the same name', () => {
    const beside = (name: string) =>
      layerOf(
        networkOf({
          producer: 'pytorch',
          inputs: { x: ['N', 3, 8, 8] },
          outputs: ['y'],
          weights: {
            'stem.conv.weight': zeros([4, 3, 1, 1]),
            [`${name}.weight`]: zeros([4, 4, 1, 1]),
            [`${name}.bias`]: some(4),
            ...NORM,
          },
          nodes: [
            op('Conv', ['x', 'stem.conv.weight'], 's', { name: '/stem/conv/Conv' }),
            norm('s', 'n'),
            op('Conv', ['n', `${name}.weight`, `${name}.bias`], 'y', { name: `/${name.replaceAll('.', '/')}/Conv` }),
          ],
        }),
        name,
      ).folding.state;
    expect(beside('block.squeeze')).toBe('raw');
    expect(beside('block.conv')).toBe('unknown');
  });
});

describe('weights of a dense layer with a bias', () => {
  /** `a`, and a layer `z` behind it, so that `a` makes no output. */
  const dense = (nodes: Graph['nodes'], inputs: readonly (number | string)[] = ['N', 3]) =>
    networkOf({
      producer: 'pytorch',
      inputs: { x: inputs },
      outputs: ['y'],
      weights: {
        ...{ 'a.weight': zeros([4, 3]), 'a.bias': some(4), w: zeros([3, 4]) },
        ...{ 'z.weight': zeros([2, 4]), 'z.bias': some(2) },
        ...{ gamma: some(2), beta: some(2), mean: some(2), variance: some(2) },
      },
      nodes,
    });
  const a = op('Gemm', ['x', 'a.weight', 'a.bias'], 'c', { transB: 1, name: '/a/Gemm' });
  const z = op('Gemm', ['r', 'z.weight', 'z.bias'], 'y', { transB: 1, name: '/z/Gemm' });
  const relu = op('Relu', 'c', 'r');

  it('are unknown: BatchNorm1d is folded into Gemm by the dynamo exporter, and by fuse_modules before', () => {
    expect(layerOf(dense([a, relu, z]), 'a').folding.state).toBe('unknown');
  });

  it('are raw where the layer is a product of more than two axes, or a BatchNorm is left elsewhere', () => {
    const product = [op('MatMul', ['x', 'w'], 'm', { name: '/a/MatMul' }), op('Add', ['m', 'a.bias'], 'y')];
    expect([...dense(product, ['N', 5, 3]).prunable.values()][0]!.folding.state).toBe('raw');
    expect(layerOf(dense([a, relu, { ...z, output: ['z'] }, norm('z', 'y')]), 'a').folding.state).toBe('raw');
  });
});
