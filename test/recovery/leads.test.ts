import { describe, expect, it } from 'vitest';
import { recoverRetention } from '../../src/recovery/index.ts';
import { type ConvInit, cutRows, kept, network, rows } from '../support/convs.ts';
import { whole } from '../support/cutting.ts';
import { networkOf } from '../support/golden.ts';
import { float32, op, writeModel } from '../support/onnx-builder.ts';

const FILTERS = [1, 2, 4];
const SHIFT = [0.5, -1, 2, 0.25, 7];

/** Sums of sums of convolutions, whose operands are written as given, a vector behind them, and a layer that reads it all. */
function model(
  order: (names: readonly string[]) => readonly string[],
  cut: Partial<Record<string, readonly number[]>>,
) {
  const conv = (name: string, seed: number): ConvInit => {
    const filters = cut[name] ?? [0, 1, 2, 3, 4];
    return { name, from: 'x', kernel: cutRows(rows(5, 2, seed), filters, null) };
  };
  const columns = cut['a'] ?? null;
  return network(
    [
      conv('a', 1),
      conv('b', 2),
      conv('c', 3),
      { name: 'd', from: 'shifted', kernel: cutRows(rows(3, 5, 4), [0, 1, 2], columns) },
    ],
    {
      nodes: [
        op('Add', order(['a', 'b']), 'ab', { name: 'ab' }),
        op('Mul', order(['ab', 'c']), 'abc', { name: 'abc' }),
        op('Add', ['abc', 'shift'], 'shifted', { name: 'shifted' }),
      ],
      weights: {
        shift: {
          ...float32((columns ?? [0, 1, 2, 3, 4]).map((k) => SHIFT[k]!)),
          dims: [1n, BigInt((columns ?? SHIFT).length), 1n, 1n],
        },
      },
    },
  );
}

const asIs = (names: readonly string[]): readonly string[] => names;
const exchanged = (names: readonly string[]): readonly string[] => [...names].reverse();

describe('operands of sums and products', () => {
  it.each([
    ['in the pruned model', asIs, exchanged],
    ['in the dense model', exchanged, asIs],
  ])('may be exchanged %s', (_, dense, pruned) => {
    const cut = { a: FILTERS, b: FILTERS, c: FILTERS };
    expect(kept(recoverRetention(model(dense, {}), model(pruned, cut)))).toEqual({
      actual: { ...cut, d: [0, 1, 2] },
      wrong: [],
      open: [],
      extra: [],
    });
  });

  it('are still cut alike', () => {
    const cut = { a: FILTERS, b: [0, 2, 4], c: FILTERS };
    const found = kept(recoverRetention(model(asIs, {}), model(exchanged, cut)));
    expect(found).toMatchObject({ actual: cut, wrong: [] });
  });
});

/** A depthwise convolution beside a way around it, as MobileOne has them. */
function around(filters: readonly number[]) {
  const cut = (from: readonly number[], width: number) =>
    filters.flatMap((row) => from.slice(row * width, (row + 1) * width));
  const some = (count: number, seed: number) => [...whole(count, seed)];
  const stored = (values: readonly number[], dims: readonly number[]) => ({
    ...float32(values),
    dims: dims.map(BigInt),
  });
  const reading = some(2 * 5, 3);
  return networkOf(
    writeModel({
      inputs: { x: ['N', 3, 4, 4] },
      nodes: [
        op('Conv', ['x', 'a.weight'], 'a', { name: '/a/Conv' }),
        op('Conv', ['a', 'deep.weight'], 'deep', { name: '/deep/Conv', group: filters.length }),
        op('Add', ['deep', 'a'], 'sum', { name: '/Add' }),
        op('Conv', ['sum', 'b.weight'], 'z', { name: '/b/Conv' }),
      ],
      outputs: ['z'],
      weights: {
        'a.weight': stored(cut(some(5 * 3, 1), 3), [filters.length, 3, 1, 1]),
        'deep.weight': stored(cut(some(5 * 9, 2), 9), [filters.length, 1, 3, 3]),
        'b.weight': stored(
          [0, 1].flatMap((row) => filters.map((column) => reading[row * 5 + column]!)),
          [2, filters.length, 1, 1],
        ),
      },
    }),
  );
}

it('a sum of what a depthwise convolution makes and what it reads goes by the same of both', () => {
  const { layers, misplaced } = recoverRetention(around([0, 1, 2, 3, 4]), around([1, 2, 4]));
  expect([...layers.values()].flatMap(({ disagreements }) => disagreements)).toEqual([]);
  expect(misplaced.size).toBe(0);
});
