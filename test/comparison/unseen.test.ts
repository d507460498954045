import { describe, expect, it } from 'vitest';
import { unseenWeights } from '../../src/comparison/unseen.ts';
import { nowhere } from '../../src/verdict/types.ts';
import { unseenFindings } from '../../src/verdict/unseen.ts';
import { networkOf } from '../support/golden.ts';
import { float32, type Graph, int64, op, writeModel } from '../support/onnx-builder.ts';

/** A convolution, and what else reads weights. */
function model(nodes: Graph['nodes'], weights: Graph['weights'] = {}) {
  const path = writeModel({
    inputs: { x: [1, 2, 4, 4] },
    outputs: ['z'],
    weights: { w: { ...float32([1, 2, 3, 4]), dims: [2n, 2n, 1n, 1n] }, ...weights },
    nodes: [op('Conv', ['x', 'w'], 'y', { name: 'm/a/Conv2D' }), ...nodes],
  });
  return networkOf(path);
}

const odd = (values: readonly number[]) =>
  model([op('Odd', ['y', 'v'], 'z', { name: 'odd', domain: 'my.own' })], { v: float32(values) });

describe('weights that nobody looked at', () => {
  it('are those that an unknown operator reads, with its name and their share', () => {
    const found = unseenWeights(odd([1, 2, 3, 4]), odd([5, 6]));
    expect(found.dense.map(({ tensor, op: by, node }) => [tensor.name, by, node])).toEqual([
      ['v', 'my.own.Odd', 'odd'],
    ]);
    expect(found.seenOfDense).toBe(0.5);
    expect(found.seenOfPruned).toBeCloseTo(4 / 6);
    expect(unseenFindings(found, nowhere('prune'))).toMatchObject([
      {
        kind: 'weights-unseen',
        verdict: 'unverifiable',
        title: 'weights are read by operators that are not understood: my.own.Odd',
        details: [
          "66% of the pruned model's parameters were looked at; not those of odd (my.own.Odd).",
          "50% of the dense model's parameters were looked at; not those of odd (my.own.Odd).",
          expect.any(String),
        ],
      },
    ]);
  });

  it('are none where both models have them bit for bit', () => {
    const found = unseenWeights(odd([1, 2]), odd([1, 2]));
    expect([found.dense, found.pruned]).toEqual([[], []]);
    expect(unseenFindings(found, nowhere('prune'))).toEqual([]);
    expect(unseenWeights(odd([1, 2]), odd([1, 3])).pruned).toHaveLength(1);
  });

  it('include a kernel that is computed when the model runs', () => {
    const { unseen } = model(
      [op('Mul', ['large', 'large'], 'k'), op('Conv', ['y', 'k'], 'z', { name: 'm/b/Conv2D' })],
      { large: { ...float32(new Array<number>(70_000).fill(1)), dims: [35_000n, 2n, 1n, 1n] } },
    );
    expect(unseen.map(({ tensor, op: by }) => [tensor.name, by])).toEqual([['large', 'Mul']]);
  });

  it('are none in what is computed of constants, nor in a setting that a known operator reads', () => {
    const { unseen, parameters } = model(
      [
        op('Gather', ['table', 'rows'], 'offset', { axis: 0 }),
        op('Add', ['y', 'offset'], 's'),
        op('Mul', ['s', 'half'], 'z'),
      ],
      {
        table: { ...float32([1, 2, 3, 4, 5, 6, 7, 8]), dims: [2n, 1n, 1n, 4n] },
        rows: int64([1]),
        half: float32([0.5]),
      },
    );
    expect(unseen).toEqual([]);
    expect(parameters).toBe(12);
  });
});
