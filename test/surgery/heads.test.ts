import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { toFloat64 } from '../../src/onnx/index.ts';
import { scalesOf } from '../../src/surgery/index.ts';
import { cutGraph, refusedCut, weights, writeCutTo } from '../support/cutting.ts';
import { networkOf } from '../support/golden.ts';
import { intoHeads, queryKeyValue } from '../support/heads.ts';
import { float16, float32, int64, op, writeModel } from '../support/onnx-builder.ts';

/** An attention of two heads of four channels over three tokens, whose scores are scaled by a number. */
const scaled = (scale: number) => ({
  inputs: { x: [1, 3, 5] },
  weights: {
    ...weights({ qw: [5, 8], kw: [5, 8], vw: [5, 8], ow: [8, 2] }),
    heads: int64([1, 3, 2, -1]),
    flat: int64([1, 3, -1]),
    scale: float32([scale]),
  },
  nodes: [
    ...queryKeyValue('x'),
    op('MatMul', ['q_t', 'k_t'], 'scores', { name: 'scores' }),
    op('Mul', ['scores', 'scale'], 'logits', { name: 'scaling' }),
    op('Softmax', 'logits', 'map', { axis: -1 }),
    op('MatMul', ['map', 'v_t'], 'attended', { name: 'attended' }),
    op('Transpose', 'attended', 'back', { perm: [0, 2, 1, 3] }),
    op('Reshape', ['back', 'flat'], 'y'),
    op('MatMul', ['y', 'ow'], 'z', { name: 'm/out/MatMul' }),
  ],
  outputs: ['z'],
});

const all = (filters: readonly number[]) => ({ q: filters, k: filters, v: filters });
const shapeOf = ({ cut }: ReturnType<typeof cutGraph>) => cut.tensors.get('q_heads')?.shape;

describe('an attention', () => {
  it('of which every head loses as much is left with smaller heads', () => {
    const made = cutGraph(scaled(1), all([0, 3, 4, 6]));
    expect([shapeOf(made), made.dealt]).toEqual([[1, 3, 2, 2], []]);
  });

  it('of which heads lose different channels has what is left dealt out to them, and that is said', () => {
    const made = cutGraph(scaled(1), all([0, 1, 3, 4]));
    expect([shapeOf(made), made.dealt]).toEqual([
      [1, 3, 2, 2],
      ['MatMul scores', 'MatMul attended'],
    ]);
    expect(made.cut.prunable.get('out')!.calls[0]!.columns).toHaveLength(4);
  });

  it('of which the heads cannot share what is left is refused, with what to do', () => {
    expect(refusedCut(scaled(1), all([0, 1, 3, 4, 5]))).toMatch(
      /is left with 5 channels, which 2 heads cannot share: prune as many channels of each head/,
    );
  });

  it('of queries and keys that lose different channels is refused', () => {
    expect(refusedCut(scaled(1), { q: [0, 3, 4, 6], k: [0, 2, 4, 6], v: [0, 3, 4, 6] })).toMatch(
      /MatMul ties q and k, which keep different channels/,
    );
  });

  it('of which whole heads of queries go that share a head of keys is refused, with what to do', () => {
    const grouped = scaled(1);
    const shared = (['k', 'v'] as const).flatMap((name) => [
      op('MatMul', ['x', `${name}w`], name, { name: `m/${name}/MatMul` }),
      op('Reshape', [name, 'one'], `${name}_one`),
      op('Expand', [`${name}_one`, 'two'], `${name}_two`),
      ...intoHeads(name, `${name}_two`),
    ]);
    const [own, rest] = [grouped.nodes.slice(0, 3), grouped.nodes.slice(9)];
    const graph = {
      ...grouped,
      nodes: [...own, ...shared, ...rest],
      weights: {
        ...grouped.weights,
        ...weights({ kw: [5, 4], vw: [5, 4] }),
        // Four heads of queries of two channels each, two of keys that stand twice.
        heads: int64([1, 3, 4, -1]),
        one: int64([1, 3, 2, 1, 2]),
        two: int64([1, 3, 2, 2, 2]),
      },
    };
    expect(cutGraph(graph, { v: [1, 2] }).dealt).toEqual([]);
    expect(refusedCut(graph, { q: [4, 5, 6, 7] })).toMatch(
      /^scores: cannot be cut: MatMul: whole heads of q go that share those of k, which stay: prune it with the pruner itself/,
    );
  });

  it.each([0.5, 2, 4 ** 0.25])('that scales by %d for heads of 4 keeps that, and says so', (scale) => {
    const [found, ...others] = cutGraph(scaled(scale), all([0, 3, 4, 6])).scales;
    expect(others).toEqual([]);
    expect(found).toMatchObject({ node: 'Mul scaling', before: 4, after: 2 });
  });

  it.each([
    ['by another number', 0.3, all([0, 3, 4, 6])],
    ['for heads that stay', 0.5, { out: [1] }],
    ['for fewer heads', 0.5, all([4, 5, 6, 7])],
  ])('that scales %s is as it should be', (_, scale, retained) => {
    expect(cutGraph(scaled(scale), retained).scales).toEqual([]);
  });

  it('has no scale in the positions of an axis', () => {
    const graph = scaled(0.3);
    const nodes = graph.nodes.map((node) => (node.name === 'scaling' ? { ...node, input: ['narrow', 'scale'] } : node));
    const there = [op('Unsqueeze', ['scores', 'axis'], 'wide'), op('Squeeze', ['wide', 'axis'], 'narrow')];
    nodes.splice(
      nodes.findIndex(({ name }) => name === 'scaling'),
      0,
      ...there,
    );
    // The root of four channels.
    const made = cutGraph({ ...graph, nodes, weights: { ...graph.weights, axis: int64([2]) } }, all([0, 3, 4, 6]));
    expect(made.scales).toEqual([]);
  });

  it.each([
    ['float16', float16([Math.sqrt(1 / 5)])],
    ['bfloat16', { dataType: 16, dims: [1n], rawData: Uint8Array.of(0xe5, 0x3e) }],
  ])('that is scaled in %s may be scaled anew, by a number of that type', (dtype, scale) => {
    const graph = scaled(1);
    const ten = weights({ qw: [5, 10], kw: [5, 10], vw: [5, 10], ow: [10, 2] });
    const dense = networkOf(writeModel({ ...graph, weights: { ...graph.weights, ...ten, scale } }));
    const path = join(mkdtempSync(join(tmpdir(), 'prunegate-heads-')), 'cut.onnx');
    const retained = () => [0, 1, 2, 5, 6, 7];
    const cut = { retained: (layer: string) => (layer === 'out' ? null : retained()), asPruner: null };
    expect(scalesOf(dense)(0, Math.sqrt(1 / 5))).toBe(true);
    writeCutTo(path, dense, { ...cut, scale: ({ anew }) => anew });
    const made = networkOf(path);
    const tensor = made.model.graph.initializers.get(made.nodes.find(({ name }) => name === 'scaling')!.inputs[1]!)!;
    expect(tensor).toMatchObject({ dtype, dims: [1] });
    expect(Math.abs(toFloat64(tensor.read())[0]! / Math.sqrt(1 / 3) - 1)).toBeLessThan(2 ** -8);
    expect([scalesOf(made)(0, Math.sqrt(1 / 3)), scalesOf(made)(0, Math.sqrt(1 / 5))]).toEqual([true, false]);
  });
});
