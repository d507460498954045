import { describe, expect, it } from 'vitest';
import { convs, type Rows, rows } from '../support/convs.ts';
import { executionOf } from '../support/execution.ts';
import { float32, op, writeModel } from '../support/onnx-builder.ts';

/** Filters of which the first two are equal, and are read alike: their BatchNorm alone tells them apart. */
const [first, , ...others] = rows(4, 2, 1);
const KERNEL: Rows = [first!, first!, ...others];
const READ: Rows = rows(3, 4, 2).map(([column, , ...more]) => [column!, column!, ...more]);
const SCALE = [1, 3, 1.5, 0.5];
const SHIFT = [0.5, -0.25, 0.1, 0.2];
const KEPT = [1, 2];

const convolutions = (kept: readonly number[]) => [
  { name: 'a', from: 'x', kernel: kept.map((row) => KERNEL[row]!) },
  { name: 'b', from: 'n', kernel: READ.map((row) => kept.map((column) => row[column]!)) },
];
const of = (values: readonly number[], kept: readonly number[]) => kept.map((k) => values[k]!);

const dense = writeModel(
  convs(convolutions([0, 1, 2, 3]), {
    nodes: [op('BatchNormalization', ['a', 'scale', 'shift', 'mean', 'var'], 'n', { epsilon: { float: 0 } })],
    weights: {
      ...{ scale: float32(SCALE), shift: float32(SHIFT) },
      ...{ mean: float32([0, 0, 0, 0]), var: float32([4, 4, 4, 4]) },
    },
  }),
);

/** The same written as a product and a sum, which is not compared with a BatchNorm. */
const pruned = (activation: string): string => {
  const column = (values: readonly number[]) => ({ ...float32(of(values, KEPT)), dims: [1n, 2n, 1n, 1n] });
  return writeModel(
    convs(convolutions(KEPT), {
      nodes: [op('Mul', ['a', 'factor'], 'm'), op('Add', ['m', 'offset'], 'o'), op(activation, 'o', 'n')],
      weights: { factor: column(SCALE.map((scale) => scale / 2)), offset: column(SHIFT) },
    }),
  );
};

describe('equal filters that nothing compared tells apart', () => {
  it('are not called wrong, whichever is left', async () => {
    const { verdict, reason } = await executionOf(dense, pruned('Identity'));
    expect(verdict).toBeNull();
    expect(reason).toMatch(/which of its equal filters are left is not known/);
  });
});
