import { describe, expect, it } from 'vitest';
import { refine } from '../../../src/recovery/align/refine.ts';
import { skeletonOf } from '../../../src/recovery/align/skeleton.ts';
import { network, rows } from '../../support/convs.ts';
import { op } from '../../support/onnx-builder.ts';

/** Two branches of two layers each, joined by a Concat or a sum. */
const branches = (join: 'Concat' | 'Add') =>
  skeletonOf(
    network(
      [
        { name: 'a1', from: 'x', kernel: rows(2, 2, 1) },
        { name: 'b1', from: 'x', kernel: rows(2, 2, 2) },
        { name: 'a2', from: 'a1', kernel: rows(2, 2, 3) },
        { name: 'b2', from: 'b1', kernel: rows(2, 2, 4) },
        { name: 'end', from: 'joined', kernel: rows(2, join === 'Concat' ? 4 : 2, 5) },
      ],
      { nodes: [op(join, ['a2', 'b2'], 'joined', { name: 'joined', ...(join === 'Concat' ? { axis: 1 } : {}) })] },
    ),
  );

const namesOf = (skeleton: ReturnType<typeof branches>, pairs = new Map<number, number>()): string[] =>
  refine({ dense: skeleton, pruned: skeleton }, pairs)
    .map(({ dense, pruned }) =>
      [dense, pruned].map((side) => side.map((at) => skeleton[at]!.layer.name).sort()).join(' | '),
    )
    .sort();

describe('layers that stand in like places are one class', () => {
  it('where the branches of a sum are alike, nothing tells them apart', () => {
    expect(namesOf(branches('Add'))).toEqual(['a1,b1 | a1,b1', 'a2,b2 | a2,b2', 'end | end']);
  });

  it('what a Concat joins has an order', () => {
    expect(namesOf(branches('Concat'))).toEqual(['a1 | a1', 'a2 | a2', 'b1 | b1', 'b2 | b2', 'end | end']);
  });

  it('one layer that is known splits what is around it, and is in no class itself', () => {
    const skeleton = branches('Add');
    const a1 = skeleton.findIndex(({ layer }) => layer.name === 'a1');
    expect(namesOf(skeleton, new Map([[a1, a1]]))).toEqual(['a2 | a2', 'b1 | b1', 'b2 | b2', 'end | end']);
  });
});
