import { describe, expect, it } from 'vitest';
import { recoverRetention } from '../../../src/recovery/index.ts';
import { cutAndRun, numbers, weights } from '../../support/cutting.ts';
import { networkOf as opened } from '../../support/golden.ts';
import { float32, followers, type Graph, int64, networkOf, op, writeModel } from '../../support/onnx-builder.ts';

/** The patches of a picture behind two tokens of a constant, with an embedding for each position. */
const transformer = (tokens: Graph['nodes'][number] = op('Identity', 'stored', 'tokens')): Graph => ({
  inputs: { x: [1, 3, 2, 2] },
  weights: {
    ...weights({ aw: [4, 3, 1, 1], stored: [1, 2, 4], pos: [1, 6, 4], turned: [4, 2], bw: [4, 3] }),
    flat: int64([0, 0, -1]),
  },
  nodes: [
    op('Conv', ['x', 'aw'], 'a', { name: '/a/Conv' }),
    op('Reshape', ['a', 'flat'], 'f'),
    op('Transpose', 'f', 't', { perm: [0, 2, 1] }),
    tokens,
    op('Concat', ['tokens', 't'], 'c', { axis: 1 }),
    op('Add', ['c', 'pos'], 'e', { name: '/Add' }),
    op('MatMul', ['e', 'bw'], 'z', { name: '/b/MatMul' }),
  ],
  outputs: ['z'],
});

describe('constants that hold one vector of channels behind another', () => {
  it('follow the channels, as class tokens and embeddings of positions do', () => {
    const one = 'a:0 a:1 a:2 a:3';
    expect(followers(networkOf(transformer()))).toEqual([
      expect.stringMatching(new RegExp(`constant stored = ${one} ${one}$`)),
      expect.stringMatching(new RegExp(`shift pos = ${Array(6).fill(one).join(' ')}$`)),
    ]);
  });

  it('follow them however they are stored', () => {
    const turned = transformer(op('Transpose', 'turned', 'tokens2', { perm: [1, 0] }));
    const nodes = turned.nodes.flatMap((node) =>
      node.output?.[0] === 'tokens2' ? [node, op('Unsqueeze', ['tokens2', 'zero'], 'tokens')] : [node],
    );
    const network = networkOf({ ...turned, nodes, weights: { ...turned.weights, zero: int64([0]) } });
    expect(followers(network)[0]).toMatch(/turned = a:0 a:0 a:1 a:1 a:2 a:2 a:3 a:3$/);
  });

  it('are cut with them, and computed with as before', async () => {
    const made = await cutAndRun(transformer(), { a: [1, 3] });
    expect(numbers(made, 'stored')).toHaveLength(4);
    expect(numbers(made, 'pos')).toHaveLength(12);
  });

  it('are compared with the dense ones', async () => {
    const { dense, cut } = await cutAndRun(transformer(), { a: [1, 3] });
    const other = await cutAndRun(transformer(), { a: [0, 3] });
    expect(recoverRetention(dense, cut).layers.get('a')!.disagreements).toEqual([]);
    const mixed = {
      ...cut,
      followers: cut.followers.map((follower, k) =>
        k === 1 ? { ...follower, tensor: other.cut.followers[1]!.tensor } : follower,
      ),
    };
    expect(recoverRetention(dense, mixed).layers.get('a')!.disagreements).toMatchObject([{ tensor: 'pos' }]);
  });
});

/** The one filter of a head, to whose map places are added, as YOLO adds its anchors: computed by one export, stored by the next. */
function head(nodes: Graph['nodes'], places: readonly number[]): Graph {
  const grid = (values: readonly number[], dims: readonly bigint[]) => ({ ...float32(values), dims: [...dims] });
  return {
    inputs: { x: [1, 3, 2, 3] },
    nodes: [
      op('Conv', ['x', 'aw'], 'a', { name: '/a/Conv' }),
      ...nodes,
      op('Reshape', ['a', 'map'], 'flat'),
      op('Sub', ['flat', 'places'], 'z', { name: '/Sub' }),
    ],
    outputs: ['z'],
    weights: {
      ...weights({ aw: [1, 3, 1, 1] }),
      map: int64([1, 2, 3]),
      ...(nodes.length === 0 ? { places: grid(places, [1n, 2n, 3n]) } : {}),
      ...(nodes.length === 0 ? {} : { rows: grid([1, 2, 3], [1n, 3n, 1n]), more: grid([4, 5, 6], [1n, 3n, 1n]) }),
    },
  };
}

describe('places that one export computes and another stores', () => {
  const computed = head(
    [op('Concat', ['rows', 'more'], 'columns', { axis: 2 }), op('Transpose', 'columns', 'places', { perm: [0, 2, 1] })],
    [],
  );
  const wrongIn = (places: readonly number[]) =>
    recoverRetention(opened(writeModel(computed)), opened(writeModel(head([], places)))).layers.get('a')?.disagreements
      .length;

  it('are the same where their values are, in whatever order they lay', () => {
    expect(wrongIn([1, 2, 3, 4, 5, 6])).toBe(0);
  });

  it('are others where two are exchanged', () => {
    expect(wrongIn([1, 4, 3, 2, 5, 6])).toBe(1);
  });
});
