import { expect, it } from 'vitest';
import { inMemory } from '../../../support/convs.ts';
import { weights } from '../../../support/cutting.ts';
import { int64, op } from '../../../support/onnx-builder.ts';
import { counts, expectationOf } from '../support.ts';

const UNITS = 4;

/** A convolution of 8 filters whose columns of the picture are a sequence for a recurrent layer of two directions, and a head. */
function reading(cell: string, gates: number) {
  return inMemory({
    inputs: { x: [1, 3, 1, 5] },
    producer: 'pytorch',
    nodes: [
      op('Conv', ['x', 'a.weight'], 'a', { name: '/a/Conv' }),
      op('Squeeze', ['a', 'axis'], 'flat', { name: '/Squeeze' }),
      op('Transpose', ['flat'], 'seq', { perm: [2, 0, 1] }),
      op(cell, ['seq', 'w', 'r'], 'units', {
        name: `/rnn/${cell}`,
        hidden_size: UNITS,
        direction: 'bidirectional',
      }),
      op('Transpose', ['units'], 'last', { perm: [0, 2, 1, 3] }),
      op('Reshape', ['last', 'merged'], 'read'),
      op('MatMul', ['read', 'head.weight'], 'z', { name: '/head/MatMul' }),
    ],
    outputs: ['z'],
    weights: {
      ...weights({
        'a.weight': [8, 3, 1, 1],
        w: [2, gates * UNITS, 8],
        r: [2, gates * UNITS, UNITS],
        'head.weight': [2 * UNITS, 3],
      }),
      ...{ axis: int64([2]), merged: int64([0, 0, 2 * UNITS]) },
    },
  });
}

it.each([
  ['LSTM', 4],
  ['GRU', 3],
])('what an %s reads is cut', (cell, gates) => {
  const expected = expectationOf(reading(cell, gates), { ignored_layers: ['rnn', 'head'] });
  expect(counts(expected)).toEqual({ a: 4, head: 3 });
});
