import { describe, expect, it } from 'vitest';
import type { Expectation } from '../../src/dialects/index.ts';
import type { RetainedIndices } from '../../src/network/index.ts';
import type { Disagreement, Recovery } from '../../src/recovery/index.ts';
import { excusedConsumers, withoutRebuilt } from '../../src/verdict/excused.ts';
import { network, rows } from '../support/convs.ts';

const dense = network([
  { name: 'stem', from: 'x', kernel: rows(4, 2, 1) },
  { name: 'head', from: 'stem', kernel: rows(3, 4, 2) },
]);
const KEPT: Readonly<Record<string, RetainedIndices>> = { stem: [0, 2], head: [0, 1, 2] };
const actual = (layer: string): RetainedIndices | null => KEPT[layer] ?? null;

describe('input columns that are not those of the kept filters', () => {
  /** @param cut what the pruner itself cuts the layer to */
  const excused = (found: readonly number[], cut: readonly number[] | null): readonly string[] => {
    const expectation = { columnsCut: () => () => cut } as unknown as Expectation;
    const recovery = { misplaced: new Map([['head', found]]) } as unknown as Recovery;
    return [...excusedConsumers(dense, expectation, recovery, actual)];
  };

  it('are excused where the pruner itself cuts them so', () => {
    expect(excused([0, 1], [0, 1])).toEqual(['head']);
  });

  it('are not where it cuts others, or nobody knows which', () => {
    expect(excused([0, 1], [1, 2])).toEqual([]);
    expect(excused([0, 1], null)).toEqual([]);
  });

  it('are not where they would be right in the dense graph, so that the pruned one is another', () => {
    expect(excused([0, 2], [0, 2])).toEqual([]);
  });

  it('are not where nobody says what a pruner does, or what was found', () => {
    expect([
      ...excusedConsumers(dense, null, { misplaced: new Map([['head', [0, 1]]]) } as unknown as Recovery, actual),
    ]).toEqual([]);
    expect([...excusedConsumers(dense, {} as Expectation, null, actual)]).toEqual([]);
  });
});

describe('layers that the pruner builds anew', () => {
  const of = (tensor: string): Disagreement => ({ tensor, consumer: null, detail: 'differs' });
  const rebuilt = new Map([
    ['norm.0', 'norm'],
    ['norm.1', 'norm'],
    ['gate', 'gate'],
  ]);
  const expectation = { faults: { rebuilt } } as unknown as Expectation;
  const recovery = (elsewhere: readonly string[], open: readonly string[]): Recovery =>
    ({
      correspondence: { dense, pruned: dense },
      elsewhere: elsewhere.map(of),
      open: open.map(of),
    }) as unknown as Recovery;

  it.each([
    ['differ', ['norm.0', 'bias of stem'], [], ['bias of stem'], []],
    ['could not be compared', [], ['norm.1', 'bias of stem'], [], ['bias of stem']],
  ])('are named where their vectors %s, which are no difference then', (_, elsewhere, open, left, leftOpen) => {
    const found = withoutRebuilt(recovery(elsewhere, open), expectation);
    expect(found.rebuilt.names).toEqual(['norm']);
    expect([...found.rebuilt.layers]).toEqual(['norm.0', 'norm.1']);
    expect(found.recovery!.elsewhere.map(({ tensor }) => tensor)).toEqual(left);
    expect(found.recovery!.open.map(({ tensor }) => tensor)).toEqual(leftOpen);
  });

  it('are none where they have the weights of before, or the pruner builds none', () => {
    expect(withoutRebuilt(recovery(['bias of stem'], []), expectation).rebuilt).toEqual({
      names: [],
      layers: new Set(),
    });
    const given = recovery(['norm.0'], []);
    expect(withoutRebuilt(given, {} as Expectation)).toEqual({
      recovery: given,
      rebuilt: { names: [], layers: new Set() },
    });
  });
});
