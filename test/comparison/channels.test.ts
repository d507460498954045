import { describe, expect, it } from 'vitest';
import { compareGraphs, equalTensors } from '../../src/comparison/index.ts';
import { pairsOf } from '../../src/execution/pairs.ts';
import { recoverRetention } from '../../src/recovery/index.ts';
import { network, rows } from '../support/convs.ts';
import { float32, int64, op } from '../support/onnx-builder.ts';

const correspondence = (...models: readonly [ReturnType<typeof network>, ReturnType<typeof network>]) =>
  recoverRetention(...models).correspondence;

describe('an output', () => {
  const taken = (order: readonly number[]) =>
    network([{ name: 'a', from: 'x', kernel: rows(4, 2, 1) }], {
      nodes: [op('Gather', ['a', 'order'], 'y', { axis: 1 })],
      weights: { order: int64(order) },
      outputs: ['y'],
    });

  it('has its channels in the order of the dense one', () => {
    const found = compareGraphs(correspondence(taken([3, 0, 1, 2]), taken([0, 3, 1, 2])));
    expect(found.differences.map(({ title }) => title)).toEqual([
      'the channels of the output y stand in another order',
    ]);
    expect(compareGraphs(correspondence(taken([3, 0, 1]), taken([3, 0, 1])))).toMatchObject({ differences: [] });
  });

  it('is executed against the dense one in its order', () => {
    const { outputs } = pairsOf(correspondence(taken([3, 0, 1, 2]), taken([0, 1, 2, 3])));
    expect(outputs).toMatchObject([{ positions: Int32Array.of(0, 1, 2, 3) }]);
  });
});

describe('parts of the channels', () => {
  /** A product of one half with a bound on the other, its halves written in either order. */
  const gated = (isReversed: boolean, bounded: 'first' | 'second' = 'second') => {
    const halves = [
      op('Slice', ['a', 'zero', 'two', 'one'], 'first'),
      op('Slice', ['a', 'two', 'four', 'one'], 'second'),
    ];
    return network([{ name: 'a', from: 'x', kernel: rows(4, 2, 1) }], {
      nodes: [
        ...(isReversed ? halves.toReversed() : halves),
        op('Sigmoid', bounded, 'gate'),
        op('Mul', [bounded === 'second' ? 'first' : 'second', 'gate'], 'y'),
      ],
      weights: { zero: int64([0]), one: int64([1]), two: int64([2]), four: int64([4]), unread: float32(1) },
      outputs: ['y'],
    });
  };

  it('are paired by which they are', () => {
    const pairs = equalTensors(correspondence(gated(false), gated(true)));
    const halves = pairs.map(({ dense, pruned }) => [dense.outputs[0], pruned.outputs[0]]);
    expect(halves).toContainEqual(['first', 'first']);
    expect(halves).toContainEqual(['second', 'second']);
    expect(halves).toContainEqual(['y', 'y']);
    expect(halves).not.toContainEqual(['first', 'second']);
  });

  it('are not the same in each other’s place', () => {
    expect(compareGraphs(correspondence(gated(false), gated(true)))).toMatchObject({ differences: [], open: [] });
    const { differences, open } = compareGraphs(correspondence(gated(false), gated(false, 'first')));
    expect(differences.length + open.length).toBeGreaterThan(0);
  });
});

describe('a normalization', () => {
  const normalized = (epsilon: number) =>
    network(
      [
        { name: 'a', from: 'x', kernel: rows(4, 2, 1) },
        { name: 'b', from: 'n', kernel: rows(3, 4, 2) },
      ],
      {
        nodes: [op('LayerNormalization', ['a', 'scale', 'shift'], 'n', { axis: 3, epsilon: { float: epsilon } })],
        weights: { scale: float32([1, 2, 3, 4]), shift: float32([0, 1, 0, 1]) },
      },
    );

  it('has the epsilon of the dense one', () => {
    const found = (after: number) => compareGraphs(correspondence(normalized(1e-5), normalized(after)));
    expect(found(1e-5)).toMatchObject({ differences: [] });
    expect(found(0.2).differences.map(({ title }) => title)).toEqual([
      'epsilon of LayerNormalization behind a is 0.2 instead of 0.00001',
    ]);
  });
});
