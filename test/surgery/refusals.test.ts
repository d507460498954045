import { describe, expect, it } from 'vitest';
import { between, cutAndRun, cutGraph, last, refusedCut } from '../support/cutting.ts';
import { graphOf, op } from '../support/onnx-builder.ts';

describe('what cannot be cut is refused, and nothing is written:', () => {
  const plain = between([op('Relu', 'a', 'y'), last], { ow: [2, 6, 1, 1] });

  it.each([
    ['no filter', []],
    ['a filter that is not there', [0, 6]],
    ['a filter twice', [0, 0]],
    ['no order', [1, 0]],
    ['a fraction', [0.5]],
    ['a negative one', [-1, 2]],
  ])('%s', (_, filters) => {
    expect(refusedCut(plain, { a: filters })).toBe(
      'a: cannot be cut: has filters 0 to 5, and must keep some of them, in ascending order',
    );
  });

  it.each([
    [
      'an operator that is not followed',
      [op('DepthToSpace', 'a', 'b', { blocksize: 1 })],
      'b: cannot be cut: DepthToSpace: DepthToSpace cannot be cut, and channels of a reach it',
    ],
    [
      'an operator of another domain',
      [op('Swish', 'a', 'b', { domain: 'mine', name: 'swish' })],
      'swish: cannot be cut: Swish: mine.Swish cannot be cut, and channels of a reach it',
    ],
    [
      'an attention',
      [op('MatMul', ['a', 'a'], 'b')],
      'b: cannot be cut: MatMul: MatMul cannot be cut, and channels of a reach it',
    ],
  ])('channels that reach %s', (_, nodes, why) => {
    const graph = between([...nodes, op('Relu', 'b', 'y'), last], { ow: [2, 6, 1, 1] });
    expect(refusedCut(graph, { a: [1, 2] })).toBe(why);
    expect(cutGraph(graph, { out: [1] }).cut.prunable.get('out')!.filters).toBe(1);
  });

  it('channels that a subgraph reads', () => {
    const branch = graphOf({ nodes: [op('Relu', 'a', 'inner')], outputs: ['inner'] });
    const nodes = [op('If', 'yes', 'chosen', { then_branch: branch, else_branch: branch }), op('Relu', 'a', 'y'), last];
    const more = { weights: { yes: { dataType: 9, dims: [], rawData: Uint8Array.of(1) } }, outputs: ['z', 'chosen'] };
    expect(refusedCut(between(nodes, { ow: [2, 6, 1, 1] }, more), { a: [1] })).toContain(
      'If cannot be cut, and channels of a',
    );
  });

  it('a part of a Concat that goes altogether is not: the other parts remain', async () => {
    const nodes = [op('Concat', ['a', 'x'], 'y', { axis: 1 }), last];
    await cutAndRun(between(nodes, { ow: [2, 9, 1, 1] }), { a: [5] });
  });

  it('but operators that mix channels are cut, and named', () => {
    const nodes = [op('Softmax', 'a', 'y', { axis: 1, name: 'softmax' }), last];
    expect(cutGraph(between(nodes, { ow: [2, 6, 1, 1] }), { a: [1, 2] }).mixing).toEqual(['Softmax softmax']);
    expect(cutGraph(between(nodes, { ow: [2, 6, 1, 1] }), { out: [1] }).mixing).toEqual([]);
  });
});
