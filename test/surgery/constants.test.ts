import { describe, expect, it } from 'vitest';
import { between, cutAndRun, denseLast, last, numbers, refusedCut, weights } from '../support/cutting.ts';
import { float32, type Graph, graphOf, int64, op } from '../support/onnx-builder.ts';

describe('constants, however they are stored and shared:', () => {
  it('behind Identity, Cast, Transpose and Reshape', async () => {
    const nodes = [
      op('Identity', 'flat', 'f1'),
      op('Reshape', ['f1', 'to'], 'f2'),
      op('Transpose', 'f2', 'f3', { perm: [1, 0, 2, 3] }),
      op('Conv', ['a', 'f3'], 'y', { name: 'm/b/Conv2D' }),
      last,
    ];
    const more = { weights: { to: int64([6, 4, 3, 3]) }, valueInfo: { f2: [6, 4, 3, 3], f3: [4, 6, 3, 3] } };
    const made = await cutAndRun(between(nodes, { flat: [6, 36], ow: [2, 4, 1, 1] }, more), {
      a: [1, 3],
      b: [0, 2, 3],
    });
    expect(made.graph.initializer.find(({ name }) => name === 'flat')!.dims).toEqual([2n, 27n]);
    expect(numbers(made, 'to')).toEqual([2n, 3n, 3n, 3n]);
  });

  it('one vector of several layers, and one of a layer and somebody else', async () => {
    const nodes = [
      op('Conv', ['x', 'bw', 'ab'], 'b', { name: 'm/b/Conv2D' }),
      op('Concat', ['a', 'b'], 'c', { axis: 1 }),
      op('Mul', ['c', 'scale'], 'y'),
      last,
    ];
    const graph = between(
      [...nodes, op('Identity', 'ab', 'extra')],
      { bw: [6, 3, 1, 1], ow: [2, 12, 1, 1], scale: [12, 1, 1] },
      { outputs: ['z', 'extra'] },
    );
    const made = await cutAndRun(graph, { a: [0, 1], b: [2, 3, 4] });
    expect([made.graph.node[0]!.input, made.graph.node[1]!.input]).toEqual([
      ['x', 'aw', 'ab_cut'],
      ['x', 'bw', 'ab_cut_2'],
    ]);
    expect(numbers(made, 'ab')).toHaveLength(6);
    const alone = await cutAndRun(
      { ...graph, nodes: graph.nodes.slice(0, -1), outputs: ['z'] },
      { a: [0, 1], b: [2, 3] },
    );
    expect([alone.graph.node[0]!.input[2], alone.graph.node[1]!.input[2]]).toEqual(['ab', 'ab_cut']);
    const alike = await cutAndRun(
      { ...graph, nodes: graph.nodes.slice(0, -1), outputs: ['z'] },
      { a: [0, 1], b: [0, 1] },
    );
    expect([alike.graph.node[0]!.input[2], alike.graph.node[1]!.input[2]]).toEqual(['ab', 'ab']);
  });

  it('one number for a Reshape of each of two layers', async () => {
    const nodes = [
      op('Conv', ['x', 'bw'], 'b', { name: 'm/b/Conv2D' }),
      op('Reshape', ['a', 'to'], 'fa'),
      op('Reshape', ['b', 'to'], 'fb'),
      op('Concat', ['fa', 'fb'], 'y', { axis: 1 }),
      denseLast,
    ];
    const more = { weights: { to: int64([-1, 96]) } };
    const made = await cutAndRun(between(nodes, { bw: [6, 3, 1, 1], ow: [192, 2] }, more), { a: [0], b: [1, 2] });
    expect([numbers(made, 'to'), numbers(made, 'to_cut')]).toEqual([
      [-1n, 16n],
      [-1n, 32n],
    ]);
  });

  it('in Constant nodes, as a tensor or as numbers', async () => {
    const [{ cw }, { floats }] = [weights({ cw: [4, 6, 1, 1] }), { floats: [1, 2, 3, 4] }];
    const nodes = [
      op('Constant', [], 'cw', { value: cw! }),
      op('Constant', [], 'cb', { value_floats: { floats } }),
      op('Constant', [], 'to', { value_ints: [0, 64] }),
      op('Conv', ['a', 'cw', 'cb'], 'c', { name: 'm/c/Conv2D' }),
      op('Reshape', ['c', 'to'], 'y'),
      denseLast,
    ];
    const made = await cutAndRun(between(nodes, { ow: [64, 2] }), { a: [2], c: [1, 3] });
    expect(made.graph.node.slice(1, 4).map(({ attribute }) => attribute[0]!.t!.dims)).toEqual([
      [2n, 1n, 1n, 1n],
      [2n],
      [2n],
    ]);
  });

  it('made of one number by Expand', async () => {
    const nodes = [
      op('Expand', ['half', 'six'], 'eb'),
      op('Conv', ['x', 'bw', 'eb'], 'b', { name: 'm/b/Conv2D' }),
      op('Concat', ['a', 'b'], 'y', { axis: 1 }),
      last,
    ];
    const more = { weights: { half: float32([0.5]), six: int64([6]) } };
    const made = await cutAndRun(between(nodes, { bw: [6, 3, 1, 1], ow: [2, 12, 1, 1] }, more), { b: [0, 1, 5] });
    expect(numbers(made, 'six')).toEqual([3n]);
    const untouched = await cutAndRun(between(nodes, { bw: [6, 3, 1, 1], ow: [2, 12, 1, 1] }, more), { a: [1] });
    expect(numbers(untouched, 'six')).toEqual([6n]);
  });

  it('read through one node by two layers that are cut in other ways are refused', () => {
    const nodes = [
      op('Identity', 'shared', 's'),
      op('Conv', ['x', 'bw', 's'], 'b', { name: 'm/b/Conv2D' }),
      op('Conv', ['x', 'cw', 's'], 'c', { name: 'm/c/Conv2D' }),
      op('Concat', ['b', 'c'], 'y', { axis: 1 }),
      last,
    ];
    const shapes = { shared: [6], bw: [6, 3, 1, 1], cw: [6, 3, 1, 1], ow: [2, 12, 1, 1] };
    expect(refusedCut(between(nodes, shapes), { b: [0], c: [1] })).toBe(
      'tensor shared: cannot be cut: it is read twice through one node, and would be cut in two ways',
    );
    expect(
      refusedCut(between([...nodes, op('Identity', 's', 'whole')], shapes, { outputs: ['z', 'whole'] }), {
        b: [0],
        c: [0],
      }),
    ).toBe("tensor whole: cannot be cut: it is read by the graph's outputs or a subgraph too, which needs it whole");
  });

  it('read by a subgraph too stay whole for it', async () => {
    const branch = graphOf({ nodes: [op('Identity', 'ab', 'inner')], outputs: ['inner'] });
    const nodes = [op('Relu', 'a', 'y'), last, op('If', 'yes', 'chosen', { then_branch: branch, else_branch: branch })];
    const more = { weights: { yes: { dataType: 9, dims: [], rawData: Uint8Array.of(1) } }, outputs: ['z', 'chosen'] };
    const made = await cutAndRun(between(nodes, { ow: [2, 6, 1, 1] }, more), { a: [3, 4] });
    expect(numbers(made, 'ab')).toHaveLength(6);
    expect(made.graph.node[0]!.input).toEqual(['x', 'aw', 'ab_cut']);
  });
});

it('a bias of zeros that is as long as a weight is, as the dynamo exporter writes one, is as long as what is left of it', async () => {
  const graph: Graph = {
    inputs: { x: ['N', 3, 4, 4] },
    nodes: [
      op('Shape', 'a.weight', 'length', { start: 0, end: 1 }),
      op('Expand', ['zero', 'length'], 'bias'),
      op('Conv', ['x', 'a.weight', 'bias'], 'y', { name: 'node_conv2d' }),
      op('Conv', ['y', 'b.weight'], 'z', { name: 'node_conv2d_1' }),
    ],
    outputs: ['z'],
    opset: 18,
    weights: { ...weights({ 'a.weight': [6, 3, 1, 1], 'b.weight': [2, 6, 1, 1] }), zero: float32(0) },
  };
  const { cut } = await cutAndRun(graph, { a: [0, 4] });
  expect(cut.model.graph.initializers.get('a.weight')?.dims).toEqual([2, 3, 1, 1]);
});
