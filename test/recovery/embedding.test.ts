import { expect, it } from 'vitest';
import { recoverRetention } from '../../src/recovery/index.ts';
import { weights, whole } from '../support/cutting.ts';
import { networkOf } from '../support/golden.ts';
import { op, writeModel } from '../support/onnx-builder.ts';

const [ROWS, WIDTH] = [7, 4];
const TABLE = whole(ROWS * WIDTH, 3);

/** A table of which some rows are left, looked up by whole numbers that are computed, and a layer that reads it. */
function lookingUp(rows: readonly number[]) {
  const values = Float32Array.from(rows.flatMap((row) => [...TABLE.subarray(row * WIDTH, (row + 1) * WIDTH)]));
  return networkOf(
    writeModel({
      inputs: { x: ['N', 5] },
      nodes: [
        op('Cast', ['x'], 'tokens', { to: 7 }),
        op('Gather', ['table.weight', 'tokens'], 'e', { name: '/table/Gather' }),
        op('MatMul', ['e', 'ow'], 'z', { name: '/out/MatMul' }),
      ],
      outputs: ['z'],
      producer: 'pytorch',
      weights: {
        ...weights({ ow: [WIDTH, 3] }),
        'table.weight': {
          dataType: 1,
          dims: [rows.length, WIDTH].map(BigInt),
          rawData: new Uint8Array(values.buffer),
        },
      },
    }),
  );
}

it.each([
  ['all', [0, 1, 2, 3, 4, 5, 6], 0],
  ['the last ones gone', [0, 1, 2, 3, 4], 1],
])('rows of a table that is looked up are those of the dense one: %s', (_, rows, count) => {
  const { elsewhere, open } = recoverRetention(lookingUp([0, 1, 2, 3, 4, 5, 6]), lookingUp(rows));
  expect(open).toEqual([]);
  expect(elsewhere).toHaveLength(count);
  for (const { detail } of elsewhere) expect(detail).toMatch(/5 rows, the dense one's 7/);
});
