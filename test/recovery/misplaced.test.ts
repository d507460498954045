import { expect, it } from 'vitest';
import { recoverRetention } from '../../src/recovery/index.ts';
import { weights, whole } from '../support/cutting.ts';
import { networkOf } from '../support/golden.ts';
import { op, writeModel } from '../support/onnx-builder.ts';

/** A layer behind an operator that nobody knows, its columns in the given order. */
function behindUnknown(columns: readonly number[]) {
  const rows = 5;
  const dense = whole(rows * columns.length, 9);
  const values = Float32Array.from(
    dense,
    (_, at) => dense[at - (at % columns.length) + columns[at % columns.length]!]!,
  );
  return networkOf(
    writeModel({
      inputs: { x: ['N', 3, 4, 4] },
      nodes: [
        op('Conv', ['x', 'aw'], 'a', { name: 'm/a/Conv2D' }),
        op('Unknown', ['a'], 'u', { domain: 'own' }),
        op('Conv', ['u', 'ow'], 'z', { name: 'm/out/Conv2D' }),
      ],
      outputs: ['z'],
      weights: {
        ...weights({ aw: [6, 3, 1, 1] }),
        ow: {
          dataType: 1,
          dims: [BigInt(rows), BigInt(columns.length), 1n, 1n],
          rawData: new Uint8Array(values.buffer),
        },
      },
    }),
  );
}

it.each([
  [[0, 1, 2, 3, 4, 5], 0],
  [[1, 0, 2, 3, 4, 5], 1],
])('columns of unknown channels are open where they stand in another order: %j', (columns, count) => {
  const { layers } = recoverRetention(behindUnknown([0, 1, 2, 3, 4, 5]), behindUnknown(columns));
  expect(layers.get('out')?.open).toHaveLength(count);
});
