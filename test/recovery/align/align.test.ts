import { describe, expect, it } from 'vitest';
import { align } from '../../../src/recovery/align/align.ts';
import { convs, inMemory, type Rows, rows } from '../../support/convs.ts';
import { networkOf } from '../../support/golden.ts';
import { CONVERTERS, convertModel } from '../../support/narrow-model.ts';
import { op, writeModel } from '../../support/onnx-builder.ts';

interface Names {
  readonly a: string;
  readonly b: string;
  readonly end: string;
}

const OWN: Names = { a: 'a', b: 'b', end: 'end' };
/** Names that exporters make up, which say nothing. */
const LOST: Names = { a: 'Conv__1', b: 'Conv__2', end: 'Conv__3' };

/** Two like branches that are added, and a layer behind them. */
const graphOf = ({ a, b, end }: Names, kernels: Readonly<Record<'a' | 'b', Rows>>) =>
  convs(
    [
      { name: a, from: 'x', kernel: kernels.a },
      { name: b, from: 'x', kernel: kernels.b },
      { name: end, from: 'sum', kernel: rows(2, kernels.a.length, 9) },
    ],
    { nodes: [op('Add', [a, b], 'sum', { name: 'sum' })] },
  );
const added = (...parts: Parameters<typeof graphOf>) => inMemory(graphOf(...parts));

const OTHER = { a: rows(4, 2, 1), b: rows(4, 2, 2) };

/** Dense layer and evidence of each pruned layer. */
const found = (...models: Parameters<typeof align>): Record<string, string> =>
  Object.fromEntries(
    [...align(...models).partners].map(([id, { layer, by }]) => [models[1].layers[id]!.name, `${layer.name} by ${by}`]),
  );

describe('which pruned layer is which dense one', () => {
  it('is what names say, where both models carry them', () => {
    expect(found(added(OWN, OTHER), added(OWN, OTHER))).toEqual({ a: 'a by name', b: 'b by name', end: 'end by name' });
  });

  it('is what the graph says where names are lost, and what values say of like places', () => {
    const pruned = added(LOST, { a: OTHER.b.slice(0, 3), b: OTHER.a.slice(0, 3) });
    expect(found(added(OWN, OTHER), pruned)).toEqual({
      Conv__1: 'b by values',
      Conv__2: 'a by values',
      Conv__3: 'end by structure',
    });
  });

  it('is what values say that were rounded to half precision, too', () => {
    const pruned = writeModel(graphOf(LOST, { a: OTHER.b.slice(0, 3), b: OTHER.a.slice(0, 3) }));
    const half = networkOf(convertModel(pruned, `${pruned}.half`, CONVERTERS.half));
    expect(found(added(OWN, OTHER), half)).toEqual({
      Conv__1: 'b by values',
      Conv__2: 'a by values',
      Conv__3: 'end by structure',
    });
  });

  it('is not guessed where neither tells', () => {
    const pruned = added(LOST, { a: rows(3, 2, 5), b: rows(3, 2, 6) });
    const { partners, unplaced } = align(added(OWN, OTHER), pruned);
    expect([...partners.values()].map(({ layer }) => layer.name)).toEqual(['end']);
    expect([...unplaced.values()]).toEqual(
      Array(2).fill('it could be any of a, b: they stand in like places, and its values do not tell'),
    );
  });
});
