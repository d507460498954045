import { describe, expect, it } from 'vitest';
import { convs, inMemory, rows } from '../../../support/convs.ts';
import type { Graph } from '../../../support/onnx-builder.ts';
import { counts, expectationOf } from '../support.ts';

const chain = (scale = 1): Graph =>
  convs(
    [
      { name: 'a', from: 'x', kernel: rows(8, 2, 1).map((row) => row.map((value) => value * scale)) },
      { name: 'b', from: 'a', kernel: rows(4, 8, 2) },
    ],
    { producer: 'pytorch' },
  );

/** The same numbers, stored wider. */
function inFloat64(graph: Graph): Graph {
  const wide = Object.entries(graph.weights ?? {}).map(([name, { floatData, dims }]) => [
    name,
    { dataType: 11, dims: dims ?? [], doubleData: [...(floatData ?? [])] },
  ]);
  return { ...graph, weights: Object.fromEntries(wide) };
}

describe('scores', () => {
  it('of weights in float64 are those of the same weights in float32', () => {
    const kept = (graph: Graph) =>
      [...expectationOf(inMemory(graph), {}).layers.values()].map(({ expected }) => expected);
    expect(kept(inFloat64(chain()))).toEqual(kept(chain()));
    expect(kept(chain())[0]).toHaveLength(4);
  });

  it('that overflow the float32 of the pruner are said to, and not ranked', () => {
    expect(counts(expectationOf(inMemory(chain(1e25)), {}))).toMatchObject({
      a: 'the scores of a overflow float32, and are no numbers then',
    });
  });
});
