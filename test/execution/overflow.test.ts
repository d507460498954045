import { describe, expect, it } from 'vitest';
import { convs, type Rows, rows } from '../support/convs.ts';
import { executionOf } from '../support/execution.ts';
import { op, writeModel } from '../support/onnx-builder.ts';

/** Two convolutions with an exponential between. Of the first, one filter's values are far beyond what float32 holds. */
const net = (a: Rows, b: Rows, activation = 'Exp'): string =>
  writeModel(
    convs(
      [
        { name: 'a', from: 'x', kernel: a },
        { name: 'b', from: 'e', kernel: b },
        { name: 'c', from: 'r', kernel: rows(2, 3, 5) },
      ],
      { nodes: [op(activation, 'a', 'e', { name: 'exp' }), op('Relu', 'b', 'r', { name: 'relu' })] },
    ),
  );

const small = rows(3, 2, 1);
const readBy = rows(3, 4, 2);
const dense = net([[500, 700], ...small], readBy);
const left = readBy.map((row) => row.slice(1));

describe('a channel that was cut and overflows', () => {
  it('makes no number of what reads it, and no difference of a right model', async () => {
    const { verdict, reason } = await executionOf(dense, net(small, left));
    expect(verdict, reason).toBe('equal');
    const always = await executionOf(net([[5e6, 7e6], ...small], readBy), net(small, left));
    expect(always).toMatchObject({ verdict: 'equal', reason: expect.stringContaining('cut to the same channels') });
  });

  it('hides nothing where it does not overflow', async () => {
    expect((await executionOf(dense, net(small, left, 'Softplus'))).verdict).toBe('different');
    expect((await executionOf(dense, net(small, left, 'Sigmoid'))).verdict).toBe('different');
  });
});
