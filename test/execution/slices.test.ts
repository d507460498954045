import { expect, it } from 'vitest';
import { magnitudesOf, slicesOf } from '../../src/execution/slices.ts';

const pair = (axis: number | null, positions: Int32Array | null) =>
  ({ axis, positions }) as Parameters<typeof slicesOf>[0];

it('the largest magnitude of each channel that was kept is taken over every batch and place', () => {
  // Two batches of three channels of two places.
  const data = [1, -5, 2, 2, 9, 0, 3, 4, -7, 2, 1, 1];
  const slices = slicesOf(pair(1, Int32Array.of(2, 0)), [2, 3, 2]);
  expect(slices).toMatchObject({ outer: 2, inner: 2, denseChannels: 3 });
  expect([...magnitudesOf(slices, data)]).toEqual([9, 5]);
});

it('what is infinite or no number does not count', () => {
  const slices = slicesOf(pair(0, null), [2, 2]);
  expect([...magnitudesOf(slices, [Number.NaN, 2, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])]).toEqual([
    2, 0,
  ]);
});

it('channels that nobody followed are taken to lie on axis 1, of a vector on its only one', () => {
  expect(slicesOf(pair(null, null), [2, 3, 4])).toMatchObject({ outer: 2, inner: 4, denseChannels: 3 });
  expect(slicesOf(pair(null, null), [5])).toMatchObject({ outer: 1, inner: 1, denseChannels: 5 });
});
