import { describe, expect, it } from 'vitest';
import { between, cutAndRun, last } from '../../support/cutting.ts';
import { columns, networkOf, op } from '../../support/onnx-builder.ts';

describe('functions of each element', () => {
  // Behind one whose values each of them takes.
  it.each([
    ['Asin', 'Softsign'],
    ['Acos', 'Softsign'],
    ['Atanh', 'Softsign'],
    ['Asinh', 'Sinh'],
    ['Acosh', 'Cosh'],
  ])('%s leaves channels where they are, and is cut with them', async (operator, before) => {
    const graph = between(
      [op(before, 'a', 'inner'), op(operator, 'inner', 'y'), last],
      { ow: [2, 6, 1, 1] },
      { inputs: { x: [1, 3, 4, 4] } },
    );
    expect(columns(networkOf(graph), 'out')).toBe('a:0 a:1 a:2 a:3 a:4 a:5');
    await cutAndRun(graph, { a: [1, 4] });
  });
});
