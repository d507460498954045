import fc from 'fast-check';
import { expect, it } from 'vitest';
import { positionsOf, rangeOf } from '../../src/network/range.ts';

/** Positions one after the other, each asked whether it is picked. */
function slice(size: number, start: number, end: number, step: number): number[] {
  const from = start < 0 ? start + size : start;
  const to = end < 0 ? end + size : end;
  const all = Array.from({ length: size }, (_, at) => at);
  if (step > 0) return all.filter((at) => at >= from && at < to && (at - Math.max(from, 0)) % step === 0);
  // Backwards a start is within the axis (ai.onnx Slice), where numpy's may lie before it.
  const first = Math.max(0, Math.min(from, size - 1));
  return all.reverse().filter((at) => at <= first && at > to && (first - at) % -step === 0);
}

it('is what a Slice picks, with negative bounds, steps and bounds outside', () => {
  const bound = fc.integer({ min: -12, max: 12 });
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 8 }),
      bound,
      bound,
      fc.constantFrom(-3, -2, -1, 1, 2, 3),
      (size, start, end, step) => {
        const range = rangeOf(size, start, end, step)!;
        const picked = positionsOf(range);
        expect(picked).toEqual(slice(size, start, end, step));
      },
    ),
    { seed: 1, numRuns: 2000 },
  );
});

it('takes the largest integers for the ends', () => {
  expect(rangeOf(5, 0, Number.MAX_SAFE_INTEGER, 1)).toEqual({ first: 0, step: 1, count: 5 });
  expect(rangeOf(5, -1, Number.MIN_SAFE_INTEGER, -1)).toEqual({ first: 4, step: -1, count: 5 });
});

it('is not known where a bound is not, or the step is 0', () => {
  expect([rangeOf(null, 0, 1, 1), rangeOf(5, null, 1, 1), rangeOf(5, 0, null, 1), rangeOf(5, 0, 1, 0)]).toEqual(
    Array(4).fill(null),
  );
});
