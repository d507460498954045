import { describe, expect, it } from 'vitest';
import { comparePair } from '../../src/execution/compare.ts';
import type { TensorPair } from '../../src/execution/protocol.ts';
import { type Rounding, roundingOf } from '../../src/execution/rounding.ts';
import type { Tensor } from '../../src/execution/slices.ts';

const TOLERANCE = { float32: 1e-3, float64: 1e-10, float16: 1e-2 };
const WHOLE: TensorPair = {
  dense: 'd',
  pruned: 'p',
  axis: null,
  positions: null,
  isKnown: true,
  saturates: false,
  isInside: false,
};

function tensor(dims: readonly number[], values: readonly number[], type = 'float32'): Tensor {
  return { type, dims, data: type === 'int32' ? Int32Array.from(values) : Float32Array.from(values) };
}

function compared(dense: Tensor, pruned: Tensor, pair: Partial<TensorPair> = {}) {
  return comparePair({ ...WHOLE, ...pair }, dense, pruned, TOLERANCE);
}

describe('comparing tensors', () => {
  it('takes the channels that were kept, wherever their axis is', () => {
    const dense = tensor([2, 3, 2], [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
    const kept = { axis: 1, positions: Int32Array.of(0, 2) };
    expect(compared(dense, tensor([2, 2, 2], [1, 2, 5, 6, 7, 8, 11, 12]), kept).outcome).toBe('equal');
    expect(compared(dense, tensor([2, 2, 2], [1, 2, 3, 4, 7, 8, 11, 12]), kept)).toMatchObject({
      outcome: 'different',
      maxAbsDiff: 2,
      magnitude: 12,
      detail: '2 of 8 values differ, one is 3 instead of 5',
    });
    const last = { axis: 2, positions: Int32Array.of(1) };
    expect(compared(dense, tensor([2, 3, 1], [2, 4, 6, 8, 10, 12]), last).outcome).toBe('equal');
  });

  it('allows rounding, but judges a channel by its own magnitude, not by that of larger ones beside it', () => {
    const dense = tensor([1, 2, 2], [1000, 1000, 1, 1]);
    expect(compared(dense, tensor([1, 2, 2], [1000.9, 1000, 1, 1])).outcome).toBe('equal');
    expect(compared(dense, tensor([1, 2, 2], [1000, 1000, 1.02, 1])).outcome).toBe('equal');
    expect(compared(dense, tensor([1, 2, 2], [1000, 1000, 1.2, 1])).outcome).toBe('different');
  });

  it('compares floats of different types by the wider limit, and nothing else', () => {
    const half = tensor([2], [1.005, 2], 'float16');
    expect(compared(tensor([2], [1, 2]), half).outcome).toBe('equal');
    expect(compared(half, tensor([2], [1, 2])).outcome).toBe('equal');
    expect(compared(tensor([2], [1, 2]), tensor([2], [1.05, 2], 'float16')).outcome).toBe('different');
    expect(compared(tensor([2], [1, 2]), tensor([2], [1, 2], 'int32'))).toMatchObject({
      outcome: 'different',
      detail: "it is int32, the dense model's float32",
    });
  });

  it('takes NaN for equal to NaN and counts it, and infinities for equal to themselves alone', () => {
    const [nan, inf] = [Number.NaN, Number.POSITIVE_INFINITY];
    expect(compared(tensor([4], [nan, inf, -inf, 1]), tensor([4], [nan, inf, -inf, 1]))).toMatchObject({
      outcome: 'equal',
      bothNaN: 1,
      magnitude: 1,
    });
    // An infinite value of a channel that was cut, times the zero that masks it.
    expect(compared(tensor([2], [nan, 1]), tensor([2], [0, 1]))).toMatchObject({
      outcome: 'incomparable',
      overflown: 1,
      detail: 'what 1 of its 2 values are computed of overflows in the dense model',
    });
    for (const [one, other] of [
      [0, nan],
      [inf, 1],
      [inf, -inf],
      [1, inf],
    ] as const)
      expect(compared(tensor([2], [one, 1]), tensor([2], [other, 1])), `${one} ${other}`).toMatchObject({
        outcome: 'different',
        nonFiniteDifferences: 1,
      });
  });

  it('allows what the dense model itself moves by when it is computed otherwise, many times over', () => {
    const dense = tensor([1, 2, 2], [100, 100, 1, 1]);
    const pruned = tensor([1, 2, 2], [100, 100.9, 1, 1.05]);
    const otherwise = (...values: number[]) => roundingOf(WHOLE, dense, [tensor([1, 2, 2], values)]);
    const outcome = (rounding: Rounding) => comparePair(WHOLE, dense, pruned, TOLERANCE, rounding).outcome;
    expect(outcome(otherwise(100, 100.1, 1, 1.01))).toBe('equal');
    // Half of the channels move, by no more than the larger ones do in parts of their magnitude.
    expect(outcome(otherwise(100, 100, 1, 1.01))).toBe('equal');
    expect(outcome(otherwise(100, 100, 1, 1))).toBe('different');
    expect(outcome(otherwise(100, 100.001, 1, 1.00001))).toBe('different');
  });

  it('calls no value equal that rounding alone moves about', () => {
    const dense = tensor([1, 1, 2], [1, 1]);
    const rounding = roundingOf(WHOLE, dense, [tensor([1, 1, 2], [1.1, 1])]);
    expect(comparePair(WHOLE, dense, tensor([1, 1, 2], [1.05, 1]), TOLERANCE, rounding).outcome).toBe('equal');
    expect(comparePair(WHOLE, dense, tensor([1, 1, 2], [1.5, 1]), TOLERANCE, rounding)).toMatchObject({
      outcome: 'incomparable',
      detail: 'rounding alone moves 1 of its 2 values as far as they differ',
    });
  });

  it('allows the last bits of 1 where an activation saturates, whatever its scores are', () => {
    const [dense, pruned] = [tensor([1, 1, 2], [8.4e-6, 8.4e-6]), tensor([1, 1, 2], [8.5e-6, 8.4e-6])];
    expect(compared(dense, pruned).outcome).toBe('different');
    expect(compared(dense, pruned, { saturates: true }).outcome).toBe('equal');
    expect(compared(dense, tensor([1, 1, 2], [9.4e-6, 8.4e-6]), { saturates: true }).outcome).toBe('different');
  });

  it('lets no more than one of a thousand integers flip', () => {
    const zeros = new Array<number>(2000).fill(0);
    const flipped = (n: number) =>
      tensor(
        [2000],
        zeros.map((_, k) => (k < n ? 1 : 0)),
        'int32',
      );
    expect(compared(tensor([2000], zeros, 'int32'), flipped(2)).outcome).toBe('equal');
    expect(compared(tensor([2000], zeros, 'int32'), flipped(3)).outcome).toBe('different');
    expect(compared(tensor([1], [3], 'int32'), tensor([1], [4], 'int32')).outcome).toBe('different');
  });

  it('leaves axes of one out of account inside the models alone', () => {
    const [kept, dropped] = [tensor([1, 2, 1], [1, 2]), tensor([1, 2], [1, 2])];
    expect(compared(kept, dropped, { isInside: true }).outcome).toBe('equal');
    expect(compared(kept, dropped).outcome).toBe('different');
    expect(compared(kept, tensor([2, 2], [1, 2, 1, 2]), { isInside: true }).outcome).toBe('different');
  });

  it('calls another shape or type different, unless the channels were not known', () => {
    expect(compared(tensor([1, 2], [1, 2]), tensor([2, 1], [1, 2]))).toMatchObject({
      outcome: 'different',
      detail: 'its shape is 2x1, by the dense model 1x2',
    });
    expect(compared(tensor([1, 2], [1, 2]), tensor([1, 1], [1]), { isKnown: false }).outcome).toBe('incomparable');
    expect(compared(tensor([1], [1]), tensor([1], [1], 'int32')).outcome).toBe('different');
  });
});
