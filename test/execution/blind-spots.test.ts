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

describe('where channels that were cut change those that are left, execution has no measure:', () => {
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
    expect(found).toMatchObject({ verdict: null, reason: expect.stringContaining('InstanceNormalization of norm') });
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
        verdict: null,
        reason: expect.stringContaining('of mixed'),
      });
    }
  });
});
