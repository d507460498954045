import { describe, expect, it } from 'vitest';
import { between, cutAndRun, cutGraph, last, numbers, refusedCut } from '../support/cutting.ts';
import { float32, int64, op } from '../support/onnx-builder.ts';

describe('what reads the channels of a layer is cut with it:', () => {
  it('kernel, bias and the columns of the next layer', async () => {
    const made = await cutAndRun(between([op('Relu', 'a', 'y'), last], { ow: [2, 6, 3, 3] }), { a: [1, 4, 5] });
    expect(made.graph.initializer.map(({ name, dims }) => [name, dims])).toEqual([
      ['aw', [3n, 3n, 1n, 1n]],
      ['ab', [3n]],
      ['ow', [2n, 3n, 3n, 3n]],
    ]);
  });

  it('BatchNormalization, PRelu and vectors that are added and multiplied', async () => {
    const nodes = [
      op('BatchNormalization', ['a', 's', 'b', 'm', 'v'], 'c', { epsilon: { float: 1 } }),
      op('PRelu', ['c', 'slope'], 'd'),
      op('Mul', ['factor', 'd'], 'e'),
      op('Add', ['e', 'one'], 'y'),
      last,
    ];
    const more = { weights: { v: float32([0, 3, 0, 3, 8, 0]), one: float32([1]) } };
    const shapes = { s: [6], b: [6], m: [6], slope: [6, 1, 1], factor: [1, 6, 1, 1], ow: [2, 6, 1, 1] };
    const made = await cutAndRun(between(nodes, shapes, more), { a: [0, 3, 4] });
    expect(numbers(made, 'v')).toEqual([0, 3, 8]);
    expect(numbers(made, 'one')).toEqual([1]);
    expect(made.graph.initializer.find(({ name }) => name === 'factor')!.dims).toEqual([1n, 3n, 1n, 1n]);
  });

  it('a Gemm behind a Flatten, whichever way its weight lies', async () => {
    for (const transB of [0, 1]) {
      const nodes = [op('Flatten', 'a', 'y'), op('Gemm', ['y', 'ow', 'ob'], 'z', { name: 'm/out/MatMul', transB })];
      const shapes = { ow: transB === 1 ? [5, 96] : [96, 5], ob: [5] };
      const made = await cutAndRun(between(nodes, shapes), { a: [2, 3] });
      expect(made.graph.initializer.find(({ name }) => name === 'ow')!.dims).toEqual(
        transB === 1 ? [5n, 32n] : [32n, 5n],
      );
    }
  });

  it('concatenated channels, each at its place', async () => {
    const nodes = [
      op('Conv', ['x', 'bw'], 'b', { name: 'm/b/Conv2D' }),
      op('Concat', ['a', 'x', 'b', 'a'], 'y', { axis: 1 }),
      last,
    ];
    await cutAndRun(between(nodes, { bw: [4, 3, 1, 1], ow: [2, 19, 1, 1] }), { a: [0, 5], b: [1] });
  });

  it('a depthwise convolution, down to a single channel', async () => {
    const nodes = [op('Conv', ['a', 'dw'], 'y', { name: 'm/d/depthwise', group: 6 }), last];
    const graph = between(nodes, { dw: [6, 1, 3, 3], ow: [2, 6, 1, 1] });
    const made = await cutAndRun(graph, { a: [1, 2], d: [1, 2] });
    expect(made.graph.node[1]!.attribute).toMatchObject([{ name: 'group', i: 2n }]);
    const single = await cutAndRun(graph, { a: [4], d: [4] });
    expect(single.graph.node[1]!.attribute).toMatchObject([{ name: 'group', i: 1n }]);
  });

  it('a grouped convolution: whole groups, and other columns in each', async () => {
    const nodes = [op('Conv', ['a', 'gw'], 'y', { name: 'm/g/Conv2D', group: 3 }), last];
    const graph = between(nodes, { gw: [9, 2, 1, 1], ow: [2, 9, 1, 1] });
    const fewer = await cutAndRun(graph, { a: [0, 1, 4, 5], g: [0, 1, 6, 8] });
    expect(fewer.graph.node[1]!.attribute).toMatchObject([{ name: 'group', i: 2n }]);
    const thinner = await cutAndRun(graph, { a: [1, 2, 4], g: [0, 1, 3, 5, 7, 8] });
    expect(thinner.graph.node[1]!.attribute).toMatchObject([{ name: 'group', i: 3n }]);
    expect(thinner.graph.initializer.find(({ name }) => name === 'gw')!.dims).toEqual([6n, 1n, 1n, 1n]);
    expect(refusedCut(graph, { a: [0, 1, 2], g: [0, 3] })).toBe(
      'g: cannot be cut: its 3 groups are left with different numbers of channels',
    );
  });

  it('a transposed convolution, grouped or not', async () => {
    const nodes = (group: number) => [
      op('ConvTranspose', ['a', 'tw', 'tb'], 'y', { name: 'm/t/conv2d_transpose', group, strides: [2, 2] }),
      last,
    ];
    await cutAndRun(between(nodes(1), { tw: [6, 4, 2, 2], tb: [4], ow: [2, 4, 1, 1] }), { a: [0, 2, 3] });
    await cutAndRun(between(nodes(2), { tw: [6, 2, 2, 2], tb: [4], ow: [2, 4, 1, 1] }), { a: [0, 2, 4, 5] });
  });

  it('a layer that is called twice', async () => {
    const nodes = [
      op('Conv', ['a', 'sw', 'sb'], 'b', { name: 'm/s/Conv2D' }),
      op('Conv', ['b', 'sw', 'sb'], 'y', { name: 'm/s/Conv2D_1' }),
      last,
    ];
    const made = await cutAndRun(between(nodes, { sw: [6, 6, 1, 1], sb: [6], ow: [2, 6, 1, 1] }), {
      a: [1, 3],
      s: [1, 3],
    });
    expect(made.graph.initializer).toHaveLength(5);
  });

  it('an instance normalization, and a group normalization as PyTorch writes it', async () => {
    const nodes = (groups: number) => [
      op('Reshape', ['a', 'to'], 'b'),
      op('InstanceNormalization', ['b', 'ones', 'nulls'], 'c', { name: `norm${groups}` }),
      op('Shape', 'a', 'shape'),
      op('Reshape', ['c', 'shape'], 'd'),
      op('Mul', ['d', 'scale'], 'y'),
      last,
    ];
    const graph = (groups: number) =>
      between(
        nodes(groups),
        { ow: [2, 6, 1, 1], scale: [6, 1, 1] },
        {
          weights: {
            to: int64([0, groups, -1]),
            ones: float32(new Array<number>(groups).fill(1)),
            nulls: float32(new Array<number>(groups).fill(0)),
          },
        },
      );
    const single = await cutAndRun(graph(6), { a: [1, 3, 4] });
    expect([numbers(single, 'to'), numbers(single, 'ones')]).toEqual([
      [0n, 3n, -1n],
      [1, 1, 1],
    ]);
    // The statistics of a group are those of what is left of it.
    for (const filters of [
      [0, 1, 3, 4],
      [0, 1, 4, 5],
    ]) {
      const made = cutGraph(graph(2), { a: filters });
      expect(made.mixing).toEqual(['InstanceNormalization norm2']);
      expect(numbers(made, 'to')).toEqual([0n, 2n, -1n]);
    }
    expect(refusedCut(graph(2), { a: [0, 1, 2] })).toContain('cannot be cut');
    expect(refusedCut(graph(2), { a: [0, 1, 3] })).toBe(
      'tensor b: cannot be cut: is left with rows of different lengths',
    );
  });

  it('residual blocks and squeeze-and-excite', async () => {
    const nodes = [
      op('GlobalAveragePool', 'a', 'p'),
      op('Conv', ['p', 'ew'], 'e', { name: 'm/e/Conv2D' }),
      op('Mul', ['e', 'a'], 'm'),
      op('Conv', ['x', 'bw'], 'b', { name: 'm/b/Conv2D' }),
      op('Add', ['b', 'm'], 'y'),
      last,
    ];
    const graph = between(nodes, { ew: [6, 6, 1, 1], bw: [6, 3, 1, 1], ow: [2, 6, 1, 1] });
    await cutAndRun(graph, { a: [2, 5], b: [2, 5], e: [2, 5] });
    expect(refusedCut(graph, { a: [2, 5], b: [2, 4], e: [2, 5] })).toBe(
      'y: cannot be cut: Add ties b and e, which keep different channels',
    );
  });
});
