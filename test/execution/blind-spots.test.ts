import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { between, cutGraph, last, weights } from '../support/cutting.ts';
import { outcomeOf } from '../support/execution.ts';
import { float32, type Graph, int64, op, writeModel } from '../support/onnx-builder.ts';

const work = mkdtempSync(join(tmpdir(), 'prunegate-blind-'));
afterAll(() => rmSync(work, { recursive: true, force: true }));

/** What execution says of a graph that the built-in pruner cut to four of the six filters of `a`. */
async function executed(graph: Graph, name: string) {
  const pruned = join(work, `${name}.onnx`);
  const { mixing } = cutGraph(graph, { a: [0, 1, 3, 4] }, pruned);
  expect(mixing).toHaveLength(1);
  return (await outcomeOf(writeModel(graph), pruned)).execution;
}

const CUT = 'those of the dense model cut to the same channels';

describe('where channels that were cut change those that are left, the measure is the dense model cut to the same channels:', () => {
  it('groups of channels that are normalized together, as PyTorch writes them', async () => {
    const nodes = [
      op('Reshape', ['a', 'to'], 'b'),
      op('InstanceNormalization', ['b', 'ones', 'nulls'], 'c', { name: 'norm' }),
      op('Shape', 'a', 'shape'),
      op('Reshape', ['c', 'shape'], 'y'),
      last,
    ];
    const settings = { to: int64([0, 2, -1]), ones: float32([1, 1]), nulls: float32([0, 0]) };
    const found = await executed(between(nodes, { ow: [2, 6, 1, 1] }, { weights: settings }), 'group');
    expect(found).toMatchObject({ verdict: 'equal', reason: expect.stringContaining(CUT) });
  });

  it('a softmax over channels, and a layer normalization', async () => {
    for (const [name, inner] of [
      ['softmax', op('Softmax', 't', 'u', { name: 'mixed', axis: -1 })],
      ['layer', op('LayerNormalization', ['t', 'scale'], 'u', { name: 'mixed' })],
    ] as const) {
      const nodes = [
        op('Transpose', 'a', 't', { perm: [0, 2, 3, 1] }),
        inner,
        op('Transpose', 'u', 'y', { perm: [0, 3, 1, 2] }),
        last,
      ];
      const graph = between(nodes, { ow: [2, 6, 1, 1] }, { weights: weights({ scale: [6] }) });
      expect(await executed(graph, name)).toMatchObject({
        verdict: 'equal',
        reason: expect.stringContaining(CUT),
      });
    }
  });
});

describe('what no layer retains', () => {
  it('is cut too: rows of a table that are shorter in the pruned model', async () => {
    const model = (width: number): Graph => {
      const values = (count: number, seed: number) => Array.from({ length: count }, (_, k) => Math.sin(seed + 1.7 * k));
      const all = values(20, 3);
      const table = Array.from({ length: 5 }, (_, row) => all.slice(4 * row, 4 * row + width)).flat();
      return {
        inputs: { x: ['N', 2, 4, 4] },
        weights: {
          table: { ...float32(table), dims: [5n, BigInt(width)] },
          at: int64([3, 1]),
          aw: { ...float32(values(4, 5)), dims: [2n, 2n, 1n, 1n] },
        },
        nodes: [
          op('Conv', ['x', 'aw'], 'a', { name: 'a' }),
          op('ReduceMax', 'a', 'most', { axes: [1, 2, 3], keepdims: 1 }),
          op('Cast', 'most', 'number', { to: 7 }),
          op('Mul', ['number', 'none'], 'zero'),
          op('Gather', ['table', 'zero'], 'row', { name: 'embedding' }),
          op('ReduceMean', 'row', 'y', { axes: [-1], keepdims: 0 }),
        ],
        outputs: ['y'],
        opset: 13,
      };
    };
    const graphs = [4, 2].map((width) => ({ ...model(width), weights: { ...model(width).weights, none: int64(0) } }));
    const [dense, pruned] = graphs.map((graph) => writeModel(graph));
    expect((await outcomeOf(dense!, pruned!)).execution).toMatchObject({
      verdict: 'equal',
      reason: expect.stringContaining(CUT),
    });
  });
});

describe('weights that nobody follows', () => {
  it('have no measure behind them where the pruned model has fewer: an optimizer took the dense one for its own', async () => {
    const graph = (isOptimized: boolean): Graph => {
      const kept = isOptimized ? [0, 1, 2, 3] : [0, 2];
      const values = (count: number, seed: number) => Array.from({ length: count }, (_, k) => Math.sin(seed + 1.7 * k));
      const [first, second] = [values(16 * 8, 3), values(2 * 4, 5)];
      // A weight that is stored transposed of transposed is not followed through a contraction.
      const conv = isOptimized
        ? op('Einsum', ['x', 'aw'], 'a', { equation: 'nchw,kc->nkhw' })
        : op('Conv', ['x', 'aw'], 'a', { name: 'a' });
      const rows = kept.flatMap((k) => first.slice(2 * k, 2 * k + 2));
      const columns = [0, 1].flatMap((row) => kept.map((k) => second[4 * row + k]!));
      return {
        inputs: { x: ['N', 2, 4, 4] },
        weights: {
          aw: { ...float32(rows), dims: (isOptimized ? [4, 2] : [2, 2, 1, 1]).map(BigInt) },
          bw: { ...float32(columns), dims: [2, kept.length, 1, 1].map(BigInt) },
        },
        nodes: [conv, op('Conv', ['a', 'bw'], 'y', { name: 'b' })],
        outputs: ['y'],
        opset: 13,
      };
    };
    const { execution } = await outcomeOf(writeModel(graph(true)), writeModel(graph(false)));
    expect(execution).toMatchObject({ verdict: null });
  });
});

describe('an output of other sizes', () => {
  it('is a difference where nothing that was cut reaches it', async () => {
    const model = (width: number, axis: number): Graph => {
      const values = (count: number, seed: number) => Array.from({ length: count }, (_, k) => Math.sin(seed + 1.7 * k));
      const columns = [0, 1, 2].flatMap((row) => values(12, 5).slice(4 * row, 4 * row + width));
      return {
        inputs: { x: ['N', 2, 4, 4] },
        weights: {
          aw: { ...float32(values(2 * width, 3)), dims: [BigInt(width), 2n, 1n, 1n] },
          bw: { ...float32(columns), dims: [3n, BigInt(width), 1n, 1n] },
        },
        nodes: [
          op('Conv', ['x', 'aw'], 'a', { name: 'a' }),
          op('Conv', ['a', 'bw'], 'b', { name: 'b' }),
          op('ArgMax', 'b', 'y', { axis, keepdims: 0 }),
        ],
        outputs: ['y'],
        outputType: 'int64',
        opset: 13,
      };
    };
    const executed = async (axis: number) =>
      (await outcomeOf(writeModel(model(4, 1)), writeModel(model(2, axis)))).execution;
    expect(await executed(1)).toMatchObject({ verdict: 'equal' });
    expect(await executed(2)).toMatchObject({ verdict: 'different' });
  });
});
