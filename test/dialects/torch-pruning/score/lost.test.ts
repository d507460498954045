import { expect, it } from 'vitest';
import { inMemory } from '../../../support/convs.ts';
import { weights } from '../../../support/cutting.ts';
import { int64, op } from '../../../support/onnx-builder.ts';
import { counts, expectationOf } from '../support.ts';

/** An attention whose sizes are computed, behind an operation. */
function attention(before: string, domain = '') {
  return inMemory({
    inputs: { x: [1, 3, 5] },
    producer: 'pytorch',
    nodes: [
      op('MatMul', ['x', 'stem.weight'], 's', { name: '/stem/MatMul' }),
      op(before, ['s'], 'between', { domain }),
      op('MatMul', ['between', 'all.weight'], 'three', { name: '/all/MatMul' }),
      op('Shape', ['three'], 'sizes', { name: '/attn/Shape' }),
      op('Slice', ['sizes', 'axis', 'two'], 'outer', { name: '/attn/Slice' }),
      op('Concat', ['outer', 'inner'], 'apart', { axis: 0, name: '/attn/Concat' }),
      op('Concat', ['outer', 'rest'], 'flat', { axis: 0, name: '/attn/Concat_1' }),
      op('Reshape', ['three', 'apart'], 'parts', { name: '/attn/Reshape' }),
      op('Transpose', ['parts'], 'first', { perm: [2, 0, 3, 1, 4], name: '/attn/Transpose' }),
      op('Split', ['first'], 'q1 k1 v1', { axis: 0, num_outputs: 3, name: '/attn/Split' }),
      ...['q', 'k', 'v'].map((name) => op('Squeeze', [`${name}1`, 'axis'], name, { name: `/attn/Squeeze_${name}` })),
      op('Transpose', ['k'], 'kt', { perm: [0, 1, 3, 2], name: '/attn/Transpose_1' }),
      op('MatMul', ['q', 'kt'], 'scores', { name: '/attn/MatMul' }),
      op('Softmax', ['scores'], 'map', { axis: -1, name: '/attn/Softmax' }),
      op('MatMul', ['map', 'v'], 'attended', { name: '/attn/MatMul_1' }),
      op('Transpose', ['attended'], 'back', { perm: [0, 2, 1, 3], name: '/attn/Transpose_2' }),
      op('Reshape', ['back', 'flat'], 'one', { name: '/attn/Reshape_1' }),
      op('MatMul', ['one', 'next.weight'], 'n', { name: '/next/MatMul' }),
      op('Add', ['n', 'between'], 'sum', { name: '/Add' }),
      op('MatMul', ['sum', 'head.weight'], 'z', { name: '/head/MatMul' }),
    ],
    outputs: ['z'],
    opset: 18,
    weights: {
      ...weights({ 'stem.weight': [5, 6], 'all.weight': [6, 12], 'next.weight': [4, 6], 'head.weight': [6, 3] }),
      ...{ inner: int64([3, 2, 2]), axis: int64([0]), two: int64([2]), rest: int64([4]) },
    },
  });
}

const kept = (before: string, domain = '') =>
  counts(expectationOf(attention(before, domain), { ignored_layers: ['head'], num_heads: { all: 2 } }));

it('an index beyond a layer is no exception of the pruner where channels on the way were not followed', () => {
  expect(kept('Relu')).toEqual({ stem: 6, all: 6, next: 6, head: 3 });
  const { all, head } = kept('Secret', 'own');
  expect(all).toBe('what Reshape does to channels is not known');
  expect(head).toBe(3);
});
