import { describe, expect, it } from 'vitest';
import { between, cutAndRun, cutGraph, last, refusedCut, weights } from '../../support/cutting.ts';
import { columns, float32, type Graph, int64, layerOf, networkOf, op } from '../../support/onnx-builder.ts';

/** Six channels of 4 x 4, an operator, and a convolution of what it makes. */
const graph = (nodes: Graph['nodes'], width: number, more: Partial<Graph> = {}): Graph =>
  between([...nodes, last], { ow: [2, width, 1, 1] }, { inputs: { x: [1, 3, 4, 4] }, ...more });

describe('SpaceToDepth', () => {
  it('makes each position of a block a run of all channels, and is cut with them', async () => {
    const made = graph([op('SpaceToDepth', 'a', 'y', { blocksize: 2 })], 24);
    expect(columns(networkOf(made), 'out')!.split(' ').slice(0, 8).join(' ')).toBe('a:0 a:1 a:2 a:3 a:4 a:5 a:0 a:1');
    await cutAndRun(made, { a: [1, 4] });
  });
});

describe('DepthToSpace', () => {
  it.each(['DCR', 'CRD'])(
    'in the order %s makes channels positions: what it reads is not cut, what reads it knows its sizes',
    async (mode) => {
      const shapes = weights({ vw: [8, 6, 1, 1] });
      const nodes = [
        op('Conv', ['a', 'vw'], 'v', { name: 'm/v/Conv2D' }),
        op('DepthToSpace', 'v', 'y', { blocksize: 2, mode }),
      ];
      const made = graph(nodes, 2, { weights: shapes });
      expect(layerOf(networkOf(made), 'out').output.shape).toEqual([1, 2, 8, 8]);
      await cutAndRun(made, { a: [0, 3] });
      expect(refusedCut(made, { v: [0, 1, 2, 3] })).toContain('DepthToSpace cannot be cut');
    },
  );
});

describe('GridSample', () => {
  it('leaves channels where they are', async () => {
    const grid = { ...float32(new Array<number>(2 * 2 * 2).fill(0)), dims: [1n, 2n, 2n, 2n] };
    const made = graph([op('GridSample', ['a', 'grid'], 'y', { mode: 'bilinear' })], 6, {
      opset: 16,
      weights: { grid },
    });
    expect(layerOf(networkOf(made), 'out').output.shape).toEqual([1, 2, 2, 2]);
    await cutAndRun(made, { a: [2, 5] });
  });
});

describe('Tile', () => {
  it('repeats maps, and stops channels that it would repeat', async () => {
    const tiled = (repeats: readonly number[], width: number): Graph =>
      graph([op('Tile', ['a', 'times'], 'y')], width, { weights: { times: int64(repeats) } });
    expect(layerOf(networkOf(tiled([1, 1, 2, 3], 6)), 'out').output.shape).toEqual([1, 2, 8, 12]);
    await cutAndRun(tiled([1, 1, 2, 3], 6), { a: [0, 5] });
    expect(() => cutGraph(tiled([1, 2, 1, 1], 12), { a: [0, 5] })).toThrow('Tile cannot be cut');
  });
});
