import { describe, expect, it } from 'vitest';
import { weights } from '../../support/cutting.ts';
import { float32, type Graph, int64, networkOf, op } from '../../support/onnx-builder.ts';

/** What the dynamo exporter writes for a mean over the picture of one sample: as_strided of all channels behind one another. */
function strided(places: readonly number[]): Graph {
  return {
    inputs: { x: [1, 3, 4, 4] },
    nodes: [
      op('Conv', ['x', 'aw'], 'a', { name: 'm/a/Conv2D' }),
      op('ReduceMean', ['a'], 'mean', { axes: [2, 3], keepdims: 1 }),
      op('Reshape', ['mean', 'flat'], 'row'),
      op('Gather', ['row', 'places'], 'back', { axis: 0 }),
      op('Conv', ['back', 'ow'], 'z', { name: 'm/out/Conv2D' }),
    ],
    outputs: ['z'],
    weights: {
      ...weights({ aw: [4, 3, 1, 1], ow: [2, 4, 1, 1] }),
      flat: int64([-1]),
      places: { ...int64(places), dims: [1n, 4n, 1n, 1n] },
    },
  };
}

describe('Gather by places of several axes', () => {
  it.each([[[0, 1, 2, 3]], [[3, 0, -2, 1]]])('carries the channels that it takes: %j', (places) => {
    const { prunable } = networkOf(strided(places));
    const { firstChannel } = prunable.get('a')!;
    const read = places.map((at) => firstChannel + ((at + 4) % 4));
    expect(Array.from(prunable.get('out')!.calls[0]!.columns as Int32Array)).toEqual(read);
  });

  it('leaves open what lies beyond the channels', () => {
    expect(networkOf(strided([0, 1, 2, 4])).prunable.get('out')!.calls[0]!.columns).toEqual({ opaque: 'Gather' });
  });
});

/** The elements of what a node computes of constants, which is added to what a convolution of one filter makes, as Swin adds its windows' places. */
function computed(node: Graph['nodes'][number], operands: Graph['weights']) {
  return networkOf({
    inputs: { x: [1, 3, 2, 3] },
    nodes: [node, op('Conv', ['x', 'aw'], 'a', { name: '/a/Conv' }), op('Add', ['a', 'computed'], 'z')],
    outputs: ['z'],
    weights: { ...weights({ aw: [1, 3, 1, 1] }), ...operands },
  }).numbers('computed');
}

const at = (places: readonly number[], dims: readonly bigint[]) => ({ ...int64(places), dims: [...dims] });

describe('ScatterND of constants', () => {
  /** Zeros, of which some are replaced. */
  const masked = (operands: Graph['weights']) =>
    computed(op('ScatterND', ['zeros', 'places', 'values'], 'computed'), {
      zeros: { ...float32([0, 0, 0, 0, 0, 0]), dims: [2n, 3n] },
      ...operands,
    });

  it.each([
    ['elements', { places: at([0, 1, -1, 2], [2n, 2n]), values: float32([5, 7]) }, [0, 5, 0, 0, 0, 7]],
    ['rows', { places: at([1], [1n, 1n]), values: { ...float32([1, 2, 3]), dims: [1n, 3n] } }, [0, 0, 0, 1, 2, 3]],
  ])('is computed: %s', (_, operands, expected) => {
    expect(masked(operands)?.data).toEqual(expected);
  });

  it('is not where a place lies beyond the data', () => {
    expect(masked({ places: at([2], [1n, 1n]), values: float32([1, 2, 3]) })).toBeNull();
  });
});

describe('what is gathered of constants', () => {
  /** Of two rows of three elements. */
  const gathered = (name: string, places: readonly number[], dims: readonly bigint[]) =>
    computed(op(name, ['table', 'places'], 'computed', name === 'Gather' ? { axis: 1 } : {}), {
      table: { ...float32([0, 1, 2, 3, 4, 5]), dims: [2n, 3n] },
      places: at(places, dims),
    })?.data;

  it.each([
    ['Gather', [2, -3], [2n], [2, 0, 5, 3]],
    ['GatherND', [0, 2, -1, -3], [2n, 2n], [2, 3]],
  ])('is computed: %s', (name, places, dims, expected) => {
    expect(gathered(name, places, dims)).toEqual(expected);
  });

  it.each([
    // 3 is the first element of the next row, and -4 the last of the one before.
    ['Gather', [3, 1, -4], [3n], [null, 1, null, null, 4, null]],
    ['GatherND', [0, 3, 1, -4, 1, 1], [3n, 2n], [null, null, 4]],
  ])(
    'is unknown where an index lies beyond its axis, though not beyond the data: %s',
    (name, places, dims, expected) => {
      expect(gathered(name, places, dims)).toEqual(expected);
    },
  );
});
