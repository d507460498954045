import { describe, expect, it } from 'vitest';
import { weights } from '../../support/cutting.ts';
import { float32, type Graph, int64, networkOf, op } from '../../support/onnx-builder.ts';

/** A table of `size` x `size` ones, of which a triangle is left. */
function triangle(size: number, attributes: Readonly<Record<string, number>>, diagonal: number | null): Graph {
  return {
    inputs: { x: [1, 3, 4, 4] },
    nodes: [
      op('ConstantOfShape', 'sizes', 'ones', { value: { ...float32([1]) } }),
      op('Trilu', diagonal === null ? ['ones'] : ['ones', 'diagonal'], 'mask', attributes),
      op('Conv', ['x', 'aw'], 'z', { name: 'm/a/Conv2D' }),
    ],
    outputs: ['z'],
    weights: {
      ...weights({ aw: [4, 3, 1, 1] }),
      sizes: int64([size, size]),
      diagonal: int64(diagonal ?? 0),
    },
  };
}

describe('Trilu', () => {
  // onnx's own cases: trilu_zero apart, a triangle of ones shows which elements stay.
  it.each([
    [{}, null, '111 011 001'],
    [{ upper: 1 }, 1, '011 001 000'],
    [{ upper: 1 }, -1, '111 111 011'],
    [{ upper: 0 }, null, '100 110 111'],
    [{ upper: 0 }, 1, '110 111 111'],
    [{ upper: 0 }, -1, '000 100 110'],
  ])('%j with the diagonal %j leaves %s', (attributes, diagonal, left) => {
    const numbers = networkOf(triangle(3, attributes, diagonal)).numbers('mask');
    expect(numbers?.data.join('').replace(/(...)(?=.)/g, '$1 ')).toBe(left);
  });

  /** Scores of an attention over many tokens, with a mask of as many rows and columns. */
  const masked = (tokens: number): Graph => ({
    inputs: { x: [1, tokens, 6] },
    nodes: [
      ...['q', 'k', 'v'].map((name) => op('MatMul', ['x', `${name}w`], name, { name: `m/${name}/MatMul` })),
      op('Transpose', 'k', 'kt', { perm: [0, 2, 1] }),
      op('MatMul', ['q', 'kt'], 'scores'),
      op('ConstantOfShape', 'sizes', 'low', { value: { ...float32([-1e9]) } }),
      op('Trilu', ['low', 'diagonal'], 'mask'),
      op('Add', ['scores', 'mask'], 'logits'),
      op('Softmax', 'logits', 'map', { axis: -1 }),
      op('MatMul', ['map', 'v'], 'y'),
      op('MatMul', ['y', 'ow'], 'z', { name: 'm/out/MatMul' }),
    ],
    outputs: ['z'],
    weights: {
      ...weights({ qw: [6, 4], kw: [6, 4], vw: [6, 4], ow: [4, 2] }),
      sizes: int64([tokens, tokens]),
      diagonal: int64(1),
    },
  });

  it.each([8, 1024])('of %d tokens masks scores, and what attends to values is followed', (tokens) => {
    const network = networkOf(masked(tokens));
    const { firstChannel } = network.prunable.get('v')!;
    expect(network.prunable.get('out')!.calls[0]!.columns).toEqual(
      Int32Array.from({ length: 4 }, (_, k) => firstChannel + k),
    );
  });
});
