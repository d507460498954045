import { describe, expect, it } from 'vitest';
import { weights } from '../../support/cutting.ts';
import { type Graph, int64, networkOf, op } from '../../support/onnx-builder.ts';

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
