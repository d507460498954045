import { describe, expect, it } from 'vitest';
import { recoverRetention } from '../../../src/recovery/index.ts';
import { type ConvInit, cutRows, kept, network, type Rows, rows, weights } from '../../support/convs.ts';
import { op } from '../../support/onnx-builder.ts';

/** Filters 1, 2, 4 and 5 of eight are dead: their rows are zeros. */
const DEAD: Rows = rows(8, 2, 1).map((row, k) => ([1, 2, 4, 5].includes(k) ? [0, 0] : row));
const ALL = [0, 1, 2, 3, 4, 5, 6, 7];

describe('filters with equal rows', () => {
  const reader = rows(6, 8, 2);
  const chain = (own: readonly number[], read = own) =>
    network([
      { name: 'a', from: 'x', kernel: cutRows(DEAD, own, null) },
      { name: 'b', from: 'a', kernel: cutRows(reader, [0, 1, 2, 3, 4, 5], read) },
    ]);

  it.each([[[0, 2, 3, 5]], [[1, 4, 6]], [[0, 1, 2, 4, 5, 7]]])(
    'are recognized by the columns that are read of them: %j',
    (own) => {
      const recovery = recoverRetention(chain(ALL), chain(own), () => [0, 1, 2, 3]);
      expect(kept(recovery)).toEqual({ actual: { a: own, b: [0, 1, 2, 3, 4, 5] }, wrong: [], open: [], extra: [] });
    },
  );

  it('are recognized so in another order too', () => {
    const { layers } = recoverRetention(chain(ALL), chain([0, 5, 3, 2]));
    expect(layers.get('a')).toMatchObject({ actual: [0, 2, 3, 5], order: [0, 5, 3, 2], isPermuted: true });
  });

  it('are named so where no other filter is left', () => {
    expect(kept(recoverRetention(chain(ALL), chain([2, 5])))).toMatchObject({ actual: { a: [2, 5] }, wrong: [] });
  });

  it('do not hide a layer that was cut for other filters', () => {
    const own = [0, 2, 3, 5];
    const recovery = recoverRetention(chain(ALL), chain(own, [0, 2, 6, 5]));
    expect(kept(recovery)).toMatchObject({ wrong: ['input columns of b: they keep 6 instead of 3'] });
  });

  it('are what the caller prefers where nothing at all tells', () => {
    const same = (own: readonly number[]) =>
      network([
        { name: 'a', from: 'x', kernel: cutRows(DEAD, own, null) },
        {
          name: 'b',
          from: 'a',
          kernel: cutRows(
            reader.map((row) => row.map((v, k) => (DEAD[k]![0] === 0 ? 1 : v))),
            [0, 1, 2],
            own,
          ),
        },
      ]);
    const recovery = recoverRetention(same(ALL), same([0, 1, 3, 4]), (layer) => (layer === 'a' ? [0, 2, 3, 5] : null));
    expect(recovery.layers.get('a')).toMatchObject({ actual: [0, 2, 3, 5], isPermuted: false });
    const others = recoverRetention(same(ALL), same([0, 1, 3, 4]), (layer) => (layer === 'a' ? [0, 3, 4, 5] : null));
    expect(others.layers.get('a')).toMatchObject({ actual: [0, 1, 3, 4], isPermuted: false });
    const few = recoverRetention(same(ALL), same([0, 1, 2, 6]), (layer) => (layer === 'a' ? [0, 4, 6] : null));
    expect(few.layers.get('a')).toMatchObject({ actual: [0, 1, 4, 6], isPermuted: false });
  });

  it('are recognized by bias and BatchNorm before anything else', () => {
    const bias = weights(8, 3);
    const model = (own: readonly number[]) =>
      network([{ name: 'a', from: 'x', kernel: cutRows(DEAD, own, null), bias: own.map((k) => bias[k]!) }]);
    expect(kept(recoverRetention(model(ALL), model([1, 3, 5]), () => [0, 1, 2]))).toMatchObject({
      actual: { a: [1, 3, 5] },
      wrong: [],
    });
  });

  it('are recognized by a depthwise convolution behind them, and by what reads that', () => {
    const model = (own: readonly number[], depthwise: Rows) =>
      network([
        { name: 'a', from: 'x', kernel: cutRows(DEAD, own, null) },
        { name: 'd', from: 'a', kernel: cutRows(depthwise, own, null), group: own.length },
        { name: 'b', from: 'd', kernel: cutRows(reader, [0, 1, 2, 3], own) },
      ]);
    const own = [0, 2, 5, 6];
    for (const depthwise of [rows(8, 1, 4), DEAD.map(([first]) => [first!])]) {
      const recovery = recoverRetention(model(ALL, depthwise), model(own, depthwise), () => [0, 1, 2, 3]);
      expect(kept(recovery)).toMatchObject({ actual: { a: own, d: own }, wrong: [] });
    }
  });

  it('are recognized by the layer whose channels are added to theirs', () => {
    const other = rows(8, 2, 5);
    const model = (own: readonly number[]) => {
      const all: ConvInit[] = [
        { name: 'a', from: 'x', kernel: cutRows(DEAD, own, null) },
        { name: 'c', from: 'x', kernel: cutRows(other, own, null) },
        {
          name: 'b',
          from: 'sum',
          kernel: cutRows(
            reader.map((row) => row.map(() => 1)),
            [0, 1, 2, 3, 4, 5],
            own,
          ),
        },
      ];
      return network(all, { nodes: [op('Add', ['a', 'c'], 'sum', { name: 'sum' })] });
    };
    const own = [0, 2, 4, 7];
    expect(kept(recoverRetention(model(ALL), model(own), () => [0, 1, 2, 3]))).toMatchObject({
      actual: { a: own, c: own },
      wrong: [],
    });
  });

  it('are told apart where their channels are concatenated with themselves', () => {
    const wide = rows(5, 16, 6);
    const model = (own: readonly number[]) =>
      network(
        [
          { name: 'a', from: 'x', kernel: cutRows(DEAD, own, null) },
          { name: 'b', from: 'twice', kernel: cutRows(wide, [0, 1, 2, 3, 4], [...own, ...own.map((k) => k + 8)]) },
        ],
        { nodes: [op('Concat', ['a', 'a'], 'twice', { name: 'twice', axis: 1 })] },
      );
    const own = [0, 4, 5, 6];
    expect(kept(recoverRetention(model(ALL), model(own)))).toMatchObject({ actual: { a: own }, wrong: [] });
  });

  it('stand twice where the pruned model has more of them', () => {
    const recovery = recoverRetention(
      network([
        {
          name: 'a',
          from: 'x',
          kernel: [
            [1, 2],
            [3, 4],
          ],
        },
      ]),
      network([
        {
          name: 'a',
          from: 'x',
          kernel: [
            [1, 2],
            [1, 2],
          ],
        },
      ]),
    );
    expect(recovery.layers.get('a')).toMatchObject({ duplicated: [0] });
  });
});

describe('a hundred thousand equal filters', () => {
  it('are told apart in time and memory that grow with their number', () => {
    const count = 100_000;
    const own = Array.from({ length: count / 2 }, (_, k) => 2 * k);
    const bias = Array.from({ length: count }, (_, k) => k + 1);
    const zeros = (n: number): Rows => Array.from({ length: n }, () => [0, 0]);
    const recovery = recoverRetention(
      network([{ name: 'a', from: 'x', kernel: zeros(count), bias }]),
      network([{ name: 'a', from: 'x', kernel: zeros(count / 2), bias: own.map((k) => bias[k]!) }]),
    );
    expect(recovery.layers.get('a')!.actual).toEqual(own);
  });
});
