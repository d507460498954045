import { describe, expect, it } from 'vitest';
import { convs, inMemory, rows } from '../support/convs.ts';
import { op } from '../support/onnx-builder.ts';

const graph = convs(
  [
    { name: 'a', from: 'x', kernel: rows(3, 2, 1) },
    { name: 'b', from: 'r', kernel: rows(2, 3, 2) },
  ],
  { nodes: [op('Relu', 'a', 'r', { name: 'r' })] },
);

describe('nodes in another order than ONNX asks for', () => {
  it('are read as runtimes run them', () => {
    const [right, turned] = [inMemory(graph), inMemory({ ...graph, nodes: [...graph.nodes].reverse() })];
    expect(turned.layers.map(({ name, calls }) => [name, calls])).toEqual(
      right.layers.map(({ name, calls }) => [name, calls]),
    );
  });

  it('are refused where one reads itself', () => {
    const circle = [op('Add', ['a', 's'], 'r', { name: 'r' }), op('Relu', 'r', 's', { name: 's' })];
    const nodes = [...graph.nodes.filter(({ name }) => name !== 'r'), ...circle];
    expect(() => inMemory({ ...graph, nodes })).toThrow(/no earlier node, input or initializer defines/);
  });
});
