import { describe, expect, it } from 'vitest';
import { normalize } from '../../../../src/dialects/torch-pruning/score/normalizer.ts';

const scores = (values: readonly number[], error = 0) => ({
  values: Float64Array.from(values),
  errors: new Float64Array(values.length).fill(error),
  unit: 2 ** -24,
});
const normalized = (normalizer: string | null, values: readonly number[] = [1, 2, 5], error = 0) => {
  const found = normalize(scores(values, error), normalizer);
  return { values: [...found.values], errors: [...found.errors], orderErrors: [...found.orderErrors] };
};

describe('scores', () => {
  const deviation = Math.sqrt(13 / 3);
  it.each<[string | null, readonly number[]]>([
    [null, [1, 2, 5]],
    ['sum', [1 / 8, 2 / 8, 5 / 8]],
    ['mean', [3 / 8, 6 / 8, 15 / 8]],
    ['max', [1 / 5, 2 / 5, 1]],
    ['standarization', [0, 1 / 4, 1]],
    ['gaussian', [(1 - 8 / 3) / deviation, (2 - 8 / 3) / deviation, (5 - 8 / 3) / deviation]],
    ['sentinel_0.5', [1 / 2, 1, 5 / 2]],
    // Each over the sum of all that are not smaller.
    ['lamp', [1 / 8, 2 / 7, 1]],
  ])('are normalized by %s as Torch-Pruning does', (normalizer, expected) => {
    for (const [k, value] of normalized(normalizer).values.entries()) expect(value).toBeCloseTo(expected[k]!, 6);
  });

  it('keep their places whatever their order is', () => {
    const { values } = normalized('lamp', [5, 1, 2]);
    for (const [k, value] of [1, 1 / 8, 2 / 7].entries()) expect(values[k]).toBeCloseTo(value, 6);
    expect(normalized('standarization', [5, 1, 3]).values[1]).toBe(0);
  });

  it('have no number where a sentinel lies beyond them', () => {
    expect(normalized('sentinel_1', [1, 2]).values.every(Number.isNaN)).toBe(true);
  });
});

describe('errors', () => {
  it.each(['sum', 'mean', 'max', 'standarization', 'gaussian', 'sentinel_0.5', 'lamp'])(
    'are as large as half precision leaves them where %s may have been computed in it',
    (normalizer) => {
      const found = normalize({ ...scores([1, 2, 5]), unit: 2 ** -11 }, normalizer);
      expect(found.unit).toBe(2 ** -11);
      for (const [k, value] of found.values.entries())
        if (value !== 0) expect(found.orderErrors[k]! / Math.abs(value)).toBeGreaterThanOrEqual(2 ** -11);
    },
  );

  it('stay what they are without a normalizer', () => {
    expect(normalized(null, [1, 2], 0.5)).toMatchObject({ errors: [0.5, 0.5], orderErrors: [0.5, 0.5] });
  });

  it.each(['sum', 'mean', 'max', 'standarization', 'gaussian', 'sentinel_0.5', 'lamp'])(
    'that change the order are the own ones over the divisor; that of %s itself is wrong for all alike',
    (normalizer) => {
      const found = normalized(normalizer, [1, 2, 5], 0.01);
      for (const [k, error] of found.orderErrors.entries()) {
        expect(error).toBeGreaterThan(0);
        expect(found.errors[k]).toBeGreaterThanOrEqual(error);
      }
      expect(found.errors.at(-1)).toBeGreaterThan(found.orderErrors.at(-1)!);
      const without = normalized(normalizer, [1, 2, 5]);
      for (const [k, error] of without.orderErrors.entries()) expect(error).toBeLessThan(found.orderErrors[k]!);
    },
  );

  it('of a maximum are those of its divisor too', () => {
    const { errors, orderErrors } = normalized('max', [1, 2, 5], 0.05);
    for (const error of orderErrors) expect(error).toBeCloseTo(0.01, 6);
    for (const [k, error] of [0.01 + 0.002, 0.01 + 0.004, 0.01 + 0.01].entries())
      expect(errors[k]).toBeCloseTo(error, 6);
  });

  it('of a standardization are those of what is taken away too', () => {
    const { errors } = normalized('standarization', [1, 3, 5], 0.04);
    // Own, offset, and twice that in the divisor for as much as the value is.
    for (const [k, error] of [0.02, 0.02 + 0.01, 0.02 + 0.02].entries()) expect(errors[k]).toBeCloseTo(error, 6);
  });

  it('of LAMP let scores that may be equal have what the others get', () => {
    const { values, orderErrors } = normalized('lamp', [2, 2.001, 8], 0.001);
    const spread = values[1]! - values[0]!;
    expect(spread).toBeGreaterThan(0.03);
    for (const at of [0, 1]) expect(orderErrors[at]).toBeGreaterThan(spread);
    expect(orderErrors[2]).toBeLessThan(0.001);
    expect(normalized('lamp', [2, 2.1, 8], 0.001).orderErrors[0]).toBeLessThan(0.001);
  });
});
