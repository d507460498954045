import { describe, expect, it } from 'vitest';
import { openModel } from '../../src/files/index.ts';
import { readNetwork, type Weight } from '../../src/network/index.ts';
import { toFloat32 } from '../../src/onnx/index.ts';
import { refusal } from '../onnx/support.ts';
import {
  columns,
  couplings,
  float32,
  followers,
  type Graph,
  int64,
  kinds,
  layerOf,
  networkOf,
  op,
  writeModel,
  zeros,
} from '../support/onnx-builder.ts';

const image = { x: ['N', 3, 8, 8] };

/** conv a of 4 filters, then what is given. */
function behindConv(nodes: Graph['nodes'], weights: Graph['weights'] = {}, more: Partial<Graph> = {}): Graph {
  return {
    inputs: image,
    outputs: ['y'],
    ...more,
    nodes: [op('Conv', ['x', 'aw'], 'a', { name: 'm/a/Conv2D' }), ...nodes],
    weights: { aw: zeros([4, 3, 1, 1]), ...weights },
  };
}

const weightOf = (graph: Graph, name: string): Weight => layerOf(networkOf(graph), name).weight as Weight;

describe('layers with weights', () => {
  it('reads Conv, with its bias', () => {
    const network = networkOf(
      behindConv([op('Conv', ['a', 'w', 'b'], 'y', { name: 'm/c/Conv2D' })], { w: zeros([5, 4, 3, 3]), b: zeros([5]) }),
    );
    expect(kinds(network)).toEqual(['x input', 'a conv', 'c conv']);
    expect(columns(network, 'a')).toBe('- - -');
    expect(columns(network, 'c')).toBe('a:0 a:1 a:2 a:3');
    expect(followers(network)).toEqual(['c bias b = c:0 c:1 c:2 c:3 c:4']);
    const { outCount, outStride, inCount, inStride, kernelOffsets } = layerOf(network, 'c').weight as Weight;
    expect([outCount, outStride, inCount, inStride, [...kernelOffsets]]).toEqual([
      5,
      36,
      4,
      9,
      [0, 1, 2, 3, 4, 5, 6, 7, 8],
    ]);
  });

  it('reads a grouped convolution: columns of all groups', () => {
    const network = networkOf(
      behindConv([op('Conv', ['a', 'w'], 'y', { name: 'm/c/Conv2D', group: 2 })], { w: zeros([6, 2, 1, 1]) }),
    );
    expect(columns(network, 'c')).toBe('a:0 a:1 a:2 a:3');
    expect(layerOf(network, 'c')).toMatchObject({ kind: 'conv', groups: 2, filters: 6 });
    expect(couplings(network)).toEqual([]);
  });

  it('ties a depthwise convolution to its input, unless it multiplies', () => {
    const dw = networkOf(
      behindConv([op('Conv', ['a', 'w'], 'y', { name: 'm/d/depthwise', group: 4 })], { w: zeros([4, 1, 3, 3]) }),
    );
    expect(layerOf(dw, 'd')).toMatchObject({ kind: 'depthwise', groups: 4, filters: 4 });
    expect(couplings(dw)).toEqual(['depthwise: a:0 a:1 a:2 a:3 | d:0 d:1 d:2 d:3']);
    const twice = networkOf(
      behindConv([op('Conv', ['a', 'w'], 'y', { name: 'm/d/depthwise', group: 4 })], { w: zeros([8, 1, 3, 3]) }),
    );
    expect(layerOf(twice, 'd')).toMatchObject({ kind: 'depthwise', filters: 8 });
    expect(columns(twice, 'd')).toBe('a:0 a:1 a:2 a:3');
    expect(couplings(twice)).toEqual([]);
  });

  it.each([
    ['0 groups', { group: 0 }],
    ['groups that do not divide the filters', { group: 3 }],
  ])('is opaque for %s', (_, attributes) => {
    const network = networkOf(
      behindConv([op('Conv', ['a', 'w'], 'y', { name: 'm/c/Conv2D', ...attributes })], { w: zeros([4, 4, 1, 1]) }),
    );
    expect(kinds(network)).toContain('c opaque');
  });

  it('reads MatMul with its constant on the right', () => {
    const network = networkOf({
      inputs: { x: ['N', 3] },
      outputs: ['y'],
      weights: { aw: zeros([3, 4]), w: zeros([4, 2]), b: zeros([2]) },
      nodes: [
        op('MatMul', ['x', 'aw'], 'a', { name: 'm/a/MatMul' }),
        op('MatMul', ['a', 'w'], 'h', { name: 'm/d/MatMul' }),
        op('Add', ['h', 'b'], 'y', { name: 'm/d/BiasAdd' }),
      ],
    });
    expect(kinds(network)).toEqual(['x input', 'a dense', 'd dense']);
    expect(columns(network, 'd')).toBe('a:0 a:1 a:2 a:3');
    expect(followers(network)).toEqual(['d bias b = d:0 d:1']);
    expect(layerOf(network, 'd').output).toEqual({ shape: [null, 2], channelAxis: 1 });
    expect(layerOf(network, 'd').weight).toMatchObject({ outCount: 2, outStride: 1, inCount: 4, inStride: 2 });
  });

  it('reads MatMul with its constant on the left: rows are filters', () => {
    const network = networkOf({
      inputs: { x: [3, 7] },
      outputs: ['y'],
      weights: { 'a.weight': zeros([4, 3]), w: zeros([2, 4]) },
      nodes: [op('MatMul', ['a.weight', 'x'], 'a'), op('MatMul', ['w', 'a'], 'y', { name: 'm/d/MatMul' })],
    });
    expect(columns(network, 'd')).toBe('a:0 a:1 a:2 a:3');
    expect(layerOf(network, 'd').output).toEqual({ shape: [2, 7], channelAxis: 0 });
    expect(layerOf(network, 'd').weight).toMatchObject({ outCount: 2, outStride: 4, inCount: 4, inStride: 1 });
  });

  it.each([
    [{}, [4, 2], [2, 1, 4, 2]],
    [{ transB: 1 }, [2, 4], [2, 4, 4, 1]],
  ])('reads Gemm %j with a bias', (attributes, dims, [outCount, outStride, inCount, inStride]) => {
    const network = networkOf({
      inputs: { x: ['N', 3] },
      outputs: ['y'],
      weights: { aw: zeros([3, 4]), w: zeros(dims), b: zeros([2]) },
      nodes: [
        op('MatMul', ['x', 'aw'], 'a', { name: 'm/a/MatMul' }),
        op('Gemm', ['a', 'w', 'b'], 'y', { name: 'm/d/MatMul', ...attributes }),
      ],
    });
    expect(columns(network, 'd')).toBe('a:0 a:1 a:2 a:3');
    expect(followers(network)).toEqual(['d bias b = d:0 d:1']);
    expect(layerOf(network, 'd').weight).toMatchObject({ outCount, outStride, inCount, inStride });
  });

  it('reads Gemm with transA: the sum runs over the first axis', () => {
    const network = networkOf({
      inputs: { x: [3, 7] },
      outputs: ['y'],
      weights: { aw: zeros([4, 3]), w: zeros([4, 2]) },
      nodes: [
        op('MatMul', ['aw', 'x'], 'a', { name: 'm/a/MatMul' }),
        op('Gemm', ['a', 'w'], 'y', { name: 'm/d/MatMul', transA: 1 }),
      ],
    });
    expect(columns(network, 'd')).toBe('a:0 a:1 a:2 a:3');
    expect(layerOf(network, 'd').output).toEqual({ shape: [7, 2], channelAxis: 1 });
  });

  it.each([
    ['Gemm with a constant on the left', op('Gemm', ['w', 'h'], 'p', { name: 'm/g/MatMul' })],
    ['MatMul of two signals', op('MatMul', ['h', 'h'], 'p', { name: 'm/g/MatMul' })],
    ['MatMul with a weight computed from a large constant', op('MatMul', ['h', 'c'], 'p', { name: 'm/g/MatMul' })],
    ['Gemm with a residual as its bias', op('Gemm', ['h', 'w', 'h'], 'p', { name: 'm/g/MatMul' })],
  ])('leaves %s opaque, and what depends on it', (_, node) => {
    const network = networkOf({
      inputs: { x: [4, 4] },
      outputs: ['y'],
      weights: { hw: zeros([4, 4]), w: zeros([4, 4]), large: zeros([4, 20_000]) },
      nodes: [
        op('MatMul', ['x', 'hw'], 'h', { name: 'm/h/MatMul' }),
        op('Exp', 'large', 'c'),
        node,
        op('MatMul', ['p', 'w'], 'y', { name: 'm/d/MatMul' }),
      ],
    });
    expect(columns(network, 'd')).toMatch(/^opaque/);
    expect(columns(network, 'h')).toBe('- - - -');
  });

  it('reads a weight that is computed from constants as a layer like any other', () => {
    const network = networkOf({
      inputs: { x: [4, 4] },
      outputs: ['y'],
      weights: { w: zeros([4, 4]) },
      nodes: [
        op('Exp', 'w', 'c'),
        op('MatMul', ['x', 'c'], 'h', { name: 'm/h/MatMul' }),
        op('MatMul', ['h', 'w'], 'y', { name: 'm/d/MatMul' }),
      ],
    });
    const { weight } = layerOf(network, 'h');
    expect([...toFloat32((weight as Weight).tensor.read())]).toEqual(new Array(16).fill(1));
    expect(columns(network, 'd')).toBe('h:0 h:1 h:2 h:3');
  });

  it('does not guess the rank of an input without a shape', () => {
    const network = networkOf({
      inputs: { x: null },
      outputs: ['y'],
      weights: { a: zeros([3, 4]), b: zeros([4, 2]) },
      nodes: [
        op('MatMul', ['x', 'a'], 'h', { name: 'm/a/MatMul' }),
        op('MatMul', ['h', 'b'], 'y', { name: 'm/b/MatMul' }),
      ],
    });
    expect([columns(network, 'a'), columns(network, 'b')]).toEqual(['- - -', 'opaque MatMul']);
  });

  it('reads ConvTranspose, grouped or not', () => {
    const network = networkOf(
      behindConv(
        [op('ConvTranspose', ['a', 'w', 'b'], 'y', { name: 'm/t/conv2d_transpose', group: 2, strides: [2, 2] })],
        {
          w: zeros([4, 3, 2, 2]),
          b: zeros([6]),
        },
      ),
    );
    expect(layerOf(network, 't')).toMatchObject({
      kind: 'conv-transpose',
      filters: 6,
      output: { shape: [null, 6, 16, 16] },
    });
    expect(columns(network, 't')).toBe('a:0 a:1 a:2 a:3');
    expect(network.prunable.has('t')).toBe(false);
  });

  it('needs a bias of one element a filter', () => {
    const network = networkOf(
      behindConv(
        [op('Conv', ['a', 'w', 'b'], 'c', { name: 'm/c/Conv2D' }), op('Conv', ['c', 'v'], 'y', { name: 'm/d/Conv2D' })],
        { w: zeros([5, 4, 1, 1]), b: zeros([4]), v: zeros([2, 5, 1, 1]) },
      ),
    );
    expect(columns(network, 'd')).toBe('opaque Conv with a bias of another shape');
  });

  it('takes one number expanded to a vector for no bias: what the dynamo exporter writes where it does not optimize', () => {
    const network = networkOf(
      behindConv(
        [
          op('Shape', 'w', 'shape', { start: 0, end: 1 }),
          op('Constant', [], 'one', { value_ints: [1] }),
          op('Expand', ['shape', 'one'], 'size'),
          op('CastLike', ['zero', 'x'], 'float'),
          op('Expand', ['float', 'size'], 'b'),
          op('Conv', ['a', 'w', 'b'], 'c', { name: 'm/c/Conv2D' }),
          op('Conv', ['c', 'v'], 'y', { name: 'm/d/Conv2D' }),
        ],
        { w: zeros([5, 4, 1, 1]), zero: float32(0), v: zeros([2, 5, 1, 1]) },
      ),
    );
    expect(columns(network, 'd')).toBe('c:0 c:1 c:2 c:3 c:4');
    expect(followers(network)).toEqual([]);
    expect(layerOf(network, 'c').folding.state).toBe('raw');
  });

  it('follows the bias of a layer of one filter', () => {
    const network = networkOf({
      inputs: { x: ['N', 3] },
      outputs: ['y'],
      weights: { w: zeros([3, 1]), b: zeros([1]) },
      nodes: [
        op('MatMul', ['x', 'w'], 'h', { name: 'm/d/MatMul' }),
        op('Add', ['h', 'b'], 'y', { name: 'm/d/BiasAdd' }),
      ],
    });
    expect(followers(network)).toEqual(['d bias b = d:0']);
  });
});

describe('weights behind other nodes', () => {
  it.each<[string, Graph['nodes'], Graph['weights'], number[]]>([
    ['Identity', [op('Identity', 's', 'w')], { s: zeros([5, 4, 3, 3]) }, [36, 9, 0, 1]],
    ['Transpose', [op('Transpose', 's', 'w', { perm: [3, 2, 0, 1] })], { s: zeros([3, 3, 4, 5]) }, [1, 5, 0, 20]],
    ['Reshape', [op('Reshape', ['s', 'to'], 'w')], { s: zeros([5, 36]), to: int64([5, 4, 3, -1]) }, [36, 9, 0, 1]],
    ['Cast', [op('Cast', 's', 'w', { to: 1 })], { s: zeros([5, 4, 3, 3], 'float16') }, [36, 9, 0, 1]],
    ['Constant', [op('Constant', [], 'w', { value: zeros([5, 4, 3, 3]) })], {}, [36, 9, 0, 1]],
    [
      'Unsqueeze of a dense kernel',
      [op('Unsqueeze', ['s', 'ax'], 'w')],
      { s: zeros([5, 4, 3]), ax: int64([-1]) },
      [12, 3, 0, 1],
    ],
  ])('%s', (_, nodes, weights, [outStride, inStride, first, second]) => {
    const graph = behindConv([...nodes, op('Conv', ['a', 'w'], 'y', { name: 'm/c/Conv2D' })], weights);
    const weight = weightOf(graph, 'c');
    expect([weight.outStride, weight.inStride, weight.kernelOffsets[0], weight.kernelOffsets[1]]).toEqual([
      outStride,
      inStride,
      first,
      second,
    ]);
    expect(columns(networkOf(graph), 'c')).toBe('a:0 a:1 a:2 a:3');
  });

  it('is opaque where a Reshape would have to move elements, or fits no shape', () => {
    const moved = behindConv(
      [
        op('Transpose', 's', 't', { perm: [1, 0] }),
        op('Reshape', ['t', 'to'], 'w'),
        op('Conv', ['a', 'w'], 'y', { name: 'm/c/Conv2D' }),
      ],
      { s: zeros([36, 5]), to: int64([5, 4, 3, 3]) },
    );
    expect(kinds(networkOf(moved))).toContain('c opaque');
    const wrong = behindConv([op('Reshape', ['s', 'to'], 'w'), op('Conv', ['a', 'w'], 'y', { name: 'm/c/Conv2D' })], {
      s: zeros([5, 4]),
      to: int64([5, 4, 3, 3]),
    });
    expect(kinds(networkOf(wrong))).toContain('c opaque');
  });

  it('keeps nameless constants of two layers apart', () => {
    const network = networkOf(
      behindConv([
        op('Constant', [], 'v', { value: zeros([4, 4, 1, 1]) }),
        op('Constant', [], 'w', { value: zeros([4, 4, 1, 1]) }),
        op('Conv', ['a', 'v'], 'h', { name: 'm/s/separable_conv2d' }),
        op('Conv', ['h', 'w'], 'y', { name: 'm/s/separable_conv2d' }),
      ]),
    );
    expect([...network.prunable.keys()]).toEqual(['a', 's', 's#2']);
    expect(columns(network, 's#2')).toBe('s:0 s:1 s:2 s:3');
  });
});

describe('types and sizes of weights', () => {
  it.each(['float16', 'bfloat16', 'float64'] as const)('follows %s', (dtype) => {
    expect(
      weightOf(
        behindConv([op('Conv', ['a', 'w'], 'y', { name: 'm/c/Conv2D' })], { w: zeros([5, 4, 1, 1], dtype) }),
        'c',
      ).tensor.dtype,
    ).toBe(dtype);
  });

  const quantized: [string, Graph][] = [
    ['Conv', behindConv([op('Conv', ['a', 'w'], 'y')], { w: zeros([5, 4, 1, 1], 'int8') })],
    [
      'MatMul',
      {
        inputs: { x: ['N', 4] },
        nodes: [op('MatMul', ['x', 'w'], 'y')],
        weights: { w: zeros([4, 5], 'uint8') },
        outputs: ['y'],
      },
    ],
    [
      'DequantizeLinear',
      behindConv([op('DequantizeLinear', ['w', 's'], 'd'), op('Conv', ['a', 'd'], 'y')], {
        w: zeros([5, 4, 1, 1], 'int8'),
        s: float32(1),
      }),
    ],
    [
      'DequantizeLinear and Transpose',
      behindConv(
        [
          op('Transpose', 'w', 't', { perm: [3, 2, 0, 1] }),
          op('DequantizeLinear', ['t', 's'], 'd'),
          op('Conv', ['a', 'd'], 'y'),
        ],
        { w: zeros([1, 1, 4, 5], 'int8'), s: float32(1) },
      ),
    ],
    [
      'QLinearConv',
      behindConv([op('QLinearConv', ['a', 's', 'z', 'w', 's', 'z', 's', 'z'], 'y')], {
        w: zeros([5, 4, 1, 1], 'int8'),
        s: float32(1),
        z: zeros([], 'int8'),
      }),
    ],
  ];
  it.each(quantized)('refuses quantized weights by name: %s', (_, graph) => {
    expect(refusal(() => networkOf(graph))).toMatch(/quantized weights cannot be checked/);
  });

  it('leaves an int32 weight and an empty one opaque', () => {
    expect(
      layerOf(
        networkOf(
          behindConv([op('Conv', ['a', 'w'], 'y', { name: 'm/c/Conv2D' })], { w: zeros([5, 4, 1, 1], 'int32') }),
        ),
        'c',
      ).weight,
    ).toEqual({ opaque: 'Conv with a int32 weight' });
    expect(
      kinds(
        networkOf(
          behindConv([op('Conv', ['a', 'w'], 'y', { name: 'm/c/Conv2D' })], {
            w: { ...zeros([0]), dims: [2n ** 40n, 0n, 1n, 1n] },
          }),
        ),
      ),
    ).toContain('c opaque');
    expect(
      kinds(
        networkOf(
          behindConv([op('Conv', ['a', 'w'], 'y', { name: 'm/c/Conv2D' })], {
            w: { dataType: 1, dims: [2n ** 40n, 1n, 1n, 1n] },
          }),
        ),
      ),
    ).toContain('c opaque');
  });

  it('refuses a weight that is not there', () => {
    expect(refusal(() => networkOf(behindConv([op('Conv', ['a', 'w'], 'y', { name: 'm/c/Conv2D' })])))).toMatch(
      /reads a tensor that no earlier node.*m\/c\/Conv2D|m\/c\/Conv2D.*reads a tensor/,
    );
  });

  it('has nothing to check without weights', () => {
    expect(refusal(() => networkOf({ inputs: image, nodes: [op('Relu', 'x', 'y')], outputs: ['y'] }))).toMatch(
      /nothing to check/,
    );
  });
});

describe('shared weights', () => {
  const twice = (second: string, more: Graph['weights'] = {}, bias: string[] = []): Graph => ({
    inputs: { x: ['N', 4, 8, 8], z: ['N', 4, 8, 8] },
    outputs: ['p', 'q'],
    weights: { w: zeros([4, 4, 1, 1]), b: zeros([4]), ...more },
    nodes: [
      op('Conv', ['x', 'w', 'b'], 'p', { name: 'm/s/Conv2D' }),
      op('Conv', ['z', second, 'b', ...bias], 'q', { name: 'm/s/Conv2D_1' }),
    ],
  });

  it('are calls of one layer, with one bias', () => {
    const network = networkOf(twice('w'));
    expect(layerOf(network, 's').calls.map((call) => call.inputs.map((id) => network.layers[id]!.name))).toEqual([
      ['x'],
      ['z'],
    ]);
    expect(followers(network)).toEqual(['s bias b = s:0 s:1 s:2 s:3']);
    expect(network.outputLayers.map((layer) => layer.name)).toEqual(['s', 's']);
  });

  it('are two layers where the weights differ', () => {
    expect([...networkOf(twice('v', { v: zeros([4, 4, 1, 1]) })).prunable.keys()]).toEqual(['s', 's#2']);
  });

  it('are two layers where one weight is read both ways: tied encoder and decoder', () => {
    const network = networkOf({
      inputs: { x: ['N', 4] },
      outputs: ['y'],
      weights: { 'enc.weight': zeros([4, 4]), w: zeros([4, 1]) },
      nodes: [
        op('Gemm', ['x', 'enc.weight'], 'h', { transB: 1 }),
        op('Gemm', ['h', 'enc.weight'], 'g'),
        op('MatMul', ['g', 'w'], 'y', { name: 'm/out/MatMul' }),
      ],
    });
    expect([...network.prunable.keys()]).toEqual(['enc', 'enc#2', 'out']);
    expect(columns(network, 'out')).toBe('enc#2:0 enc#2:1 enc#2:2 enc#2:3');
  });

  it('keep the bias of each call', () => {
    const graph = twice('w', { b2: zeros([4]) });
    const nodes = [graph.nodes[0]!, op('Conv', ['z', 'w', 'b2'], 'q', { name: 'm/s/Conv2D_1' })];
    expect(followers(networkOf({ ...graph, nodes }))).toEqual([
      's bias b = s:0 s:1 s:2 s:3',
      's bias b2 = s:0 s:1 s:2 s:3',
    ]);
  });
});

it('reads weights that are still open', () => {
  const path = writeModel(behindConv([op('Relu', 'a', 'y')]));
  const file = openModel(path);
  const weight = readNetwork(file.model).prunable.get('a')!.weight as Weight;
  expect(weight.tensor.read().bytes.length).toBe(48);
  file.close();
});
