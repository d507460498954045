import { describe, expect, it } from 'vitest';
import { network, rows } from '../../../support/convs.ts';
import { int64, op } from '../../../support/onnx-builder.ts';
import { expectationOf } from '../support.ts';

describe('channels that a view takes apart', () => {
  it('leave their layer open, with a reason that can be read and what to do', () => {
    const all = [
      { name: 'a', from: 'x', kernel: rows(8, 2, 1) },
      { name: 'b', from: 'map', kernel: rows(4, 2, 2) },
    ];
    const viewed = network(all, {
      producer: 'pytorch',
      inputs: { x: [1, 2, 1, 1] },
      nodes: [op('Reshape', ['a', 'to'], 'map', { name: 'node_view' })],
      weights: { to: int64([1, 2, 2, 2]) },
    });
    expect(expectationOf(viewed, {}).layers.get('a')).toMatchObject({
      expected: null,
      reason: 'b reads channels of a that are not along one axis',
      remedy: 'Where a need not be pruned, name it in ignored_layers, here and for the pruner.',
    });
  });
});
