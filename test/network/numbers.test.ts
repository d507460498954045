import { expect, it } from 'vitest';
import { pointwise, rows, weights } from '../support/convs.ts';
import { float32, int64, networkOf, op } from '../support/onnx-builder.ts';

it('a constant that is computed of constants is held once: its numbers are the bytes of its tensor, under other sizes too', () => {
  const table = { ...float32(weights(128, 1)), dims: [16n, 8n] };
  const { numbers, constants } = networkOf({
    inputs: { x: [1, 2, 8, 16] },
    weights: {
      'a.weight': pointwise(rows(8, 2, 2)),
      table,
      places: int64([...Array(8).keys()].reverse()),
      first: int64([0]),
    },
    nodes: [
      op('Conv', ['x', 'a.weight'], 'a', { name: 'a' }),
      op('Gather', ['table', 'places'], 'picked', { axis: 1 }),
      op('Unsqueeze', ['picked', 'first'], 'bias'),
      op('Add', ['a', 'bias'], 'y'),
    ],
    outputs: ['y'],
  });
  const { data } = numbers('bias')!;
  const memory = (name: string): unknown => constants.get(name)!.view.tensor.read().bytes.buffer;
  expect(data).toBeInstanceOf(Float32Array);
  expect(memory('bias')).toBe((data as Float32Array).buffer);
  expect(memory('picked')).toBe(memory('bias'));
});
