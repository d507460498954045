import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { convs, inMemory, rows } from '../../../support/convs.ts';
import { networkOf } from '../../../support/golden.ts';
import { CONVERTERS, convertModel } from '../../../support/narrow-model.ts';
import { type Graph, modelBytes } from '../../../support/onnx-builder.ts';
import { counts, expectationOf } from '../support.ts';

const work = mkdtempSync(join(tmpdir(), 'prunegate-terms-'));

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

  it('of weights in half precision are a tie where what they were rounded from may stand in another order', () => {
    const kernel = [1, 2, 3, 4, 4.01, 6, 7, 8].map((value) => [value, value]);
    const equal = Array.from({ length: 4 }, () => new Array<number>(8).fill(1));
    const graph = convs(
      [
        { name: 'a', from: 'x', kernel },
        { name: 'b', from: 'a', kernel: equal },
      ],
      { producer: 'pytorch' },
    );
    const [dense, half] = ['near', 'near-half'].map((name) => join(work, `${name}.onnx`));
    writeFileSync(dense!, modelBytes(graph));
    convertModel(dense!, half!, CONVERTERS.half);
    const tie = (path: string) => expectationOf(networkOf(path), { ignored_layers: ['b'] }).layers.get('a')!.tie;
    expect(tie(dense!)).toBeNull();
    expect(tie(half!)).toEqual({ certain: [5, 6, 7], candidates: [3, 4], pick: 1 });
  });

  it('of weights in half precision at the bounds of float16 are not ranked: they may have been larger', () => {
    const weightOf = (scale: number): string => {
      const [dense, half] = ['dense', 'half'].map((name) => join(work, `${name}-${scale}.onnx`));
      writeFileSync(dense!, modelBytes(chain(scale)));
      return convertModel(dense!, half!, CONVERTERS.half);
    };
    expect(counts(expectationOf(networkOf(weightOf(1)), {}))).toMatchObject({ a: 4 });
    expect(counts(expectationOf(networkOf(weightOf(2e4)), {}))).toMatchObject({
      a: 'a holds numbers so large that float16 may not have held them',
    });
  });

  it('that overflow the float32 of the pruner are said to, and not ranked', () => {
    expect(counts(expectationOf(inMemory(chain(1e25)), {}))).toMatchObject({
      a: 'the scores of a overflow float32, and are no numbers then',
    });
  });
});
