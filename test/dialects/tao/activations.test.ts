import { describe, expect, it } from 'vitest';
import { inMemory, pointwise, rows } from '../../support/convs.ts';
import { expectationOf } from '../../support/golden.ts';
import { float32, op } from '../../support/onnx-builder.ts';

const SPEC = { threshold: 0.5, granularity: 2, min_num_filters: 2, equalization_criterion: 'union' };

/** conv1, a Keras layer `act` as tf2onnx writes it, and its sum with conv2, or a third convolution. */
function refusalBehind(nodes: readonly (readonly [string, readonly string[], string])[], isSummed = false) {
  const conv = (name: string, from: string): ReturnType<typeof op> =>
    op('Conv', [from, `model/${name}/Conv2D/ReadVariableOp:0`], name, { name: `model/${name}/Conv2D` });
  const kernels = ['conv1', 'conv2', 'conv3'].map((name, k) => [
    `model/${name}/Conv2D/ReadVariableOp:0`,
    pointwise(rows(4, name === 'conv3' ? 4 : 2, k)),
  ]);
  const network = inMemory({
    inputs: { x: [1, 2, 3, 3] },
    producer: 'tf2onnx',
    weights: { ...Object.fromEntries(kernels), c: float32(0.2), d: float32(0.5), e: float32(1), f: float32(0) },
    nodes: [
      conv('conv1', 'x'),
      ...nodes.map(([type, inputs, name]) => op(type, inputs, name, { name: `model/act/${name}` })),
      ...(isSummed ? [conv('conv2', 'x'), op('Add', ['act', 'conv2'], 'sum', { name: 'model/add/add' })] : []),
      conv('conv3', isSummed ? 'sum' : 'act'),
    ],
    outputs: ['conv3'],
  });
  return expectationOf(network, SPEC).refusal?.message ?? null;
}

describe("Keras's activations as tf2onnx writes them", () => {
  it('are one layer where their clip opens a scope of its own', () => {
    const hard = [
      ['Mul', ['conv1', 'c'], 'Mul'],
      ['Add', ['Mul', 'd'], 'Add'],
      ['Min', ['Add', 'e'], 'clip_by_value/Minimum'],
      ['Max', ['clip_by_value/Minimum', 'f'], 'act'],
    ] as const;
    expect(refusalBehind(hard)).toBeNull();
    expect(refusalBehind(hard, true)).toBeNull();
  });

  it('are a PReLU where both signs are clipped, which the pruner does not know', () => {
    const parametric = [
      ['Relu', ['conv1'], 'Relu'],
      ['Neg', ['conv1'], 'Neg'],
      ['Relu', ['Neg'], 'Relu_1'],
      ['Mul', ['Relu_1', 'c'], 'mul'],
      ['Add', ['Relu', 'mul'], 'act'],
    ] as const;
    expect(refusalBehind(parametric)).toMatch(/NotImplementedError: Unknown layer type: .*PReLU/);
  });

  it('are an ELU where it has a factor, which stands in the way of a sum', () => {
    const scaled = [
      ['Elu', ['conv1'], 'Elu'],
      ['Mul', ['Elu', 'c'], 'mul'],
      ['Greater', ['conv1', 'f'], 'Greater'],
      ['Where', ['Greater', 'Elu', 'mul'], 'act'],
    ] as const;
    expect(refusalBehind(scaled)).toBeNull();
    expect(refusalBehind(scaled, true)).toMatch(/Pruning is not possible with act layer in the way/);
  });
});
