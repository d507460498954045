import { describe, expect, it } from 'vitest';
import { isLastWritten, reduce, type Scores } from '../../../../src/dialects/torch-pruning/score/reduction.ts';
import type { Term, Unknown } from '../../../../src/dialects/torch-pruning/score/terms.ts';
import type { Reduction } from '../../../../src/dialects/torch-pruning/spec.ts';
import { LOST } from '../../../../src/dialects/torch-pruning/trace/placement.ts';

const term = (values: readonly number[], root = values.map((_, k) => k), error = 0): Term => ({
  ...{ label: 'a', root, values, errors: values.map(() => error), dtype: 'float32' },
});
const isScores = (found: Scores | Unknown): found is Scores => 'values' in found;
function reduced(
  terms: readonly Term[],
  reduction: Reduction,
): { readonly values: number[]; readonly errors: number[] } {
  const found = reduce(terms, reduction);
  if (!isScores(found)) throw new Error(found.unknown);
  return { values: [...found.values], errors: [...found.errors] };
}
const valuesOf = (terms: readonly Term[], reduction: Reduction): readonly number[] => reduced(terms, reduction).values;

describe('the terms of a group', () => {
  const terms = [term([1, 5]), term([3, 2]), term([2, 4])];

  it.each<[Reduction, readonly number[]]>([
    ['sum', [6, 11]],
    ['mean', [2, 11 / 3]],
    ['max', [3, 5]],
    ['prod', [6, 40]],
    ['first', [1, 5]],
    ['gate', [2, 4]],
  ])('are reduced by %s', (reduction, expected) => {
    expect(valuesOf(terms, reduction)).toEqual(expected);
  });

  it('count for the root’s channels that they name, several for one behind a flatten', () => {
    const flattened = term([10, 20, 30, 40], [0, 0, 1, 1]);
    expect(valuesOf([term([1, 2]), flattened], 'sum')).toEqual([31, 72]);
    // What scatter_ writes last stays.
    expect(valuesOf([term([1, 2]), flattened], 'max')).toEqual([20, 40]);
    expect(valuesOf([term([1, 2]), flattened], 'gate')).toEqual([20, 40]);
    expect(valuesOf([term([1, 2], [1, 0])], 'first')).toEqual([2, 1]);
    // Each is joined with what was there before the term, not with one another.
    expect(valuesOf([term([2, 3]), term([10, 20], [0, 0])], 'prod')).toEqual([40, 3]);
  });

  it('in half precision may have been added up in it', () => {
    const half = { ...term([1, 5]), dtype: 'float16' as const };
    const found = reduce([term([1, 5]), half], 'sum');
    if (!isScores(found)) throw new Error(found.unknown);
    expect(found).toMatchObject({ unit: 2 ** -11, errors: Float64Array.of(5 * 2 ** -11, 25 * 2 ** -11) });
    expect(reduce([term([1, 5])], 'sum')).toMatchObject({ unit: 2 ** -24 });
  });

  it('say whether the scores hang on which of several values was written last', () => {
    const flattened = term([1, 2], [0, 0]);
    const all = [term([1]), flattened];
    const hanging = (['sum', 'mean', 'max', 'prod', 'first', 'gate'] as const).filter((one) => isLastWritten(all, one));
    expect(hanging).toEqual(['max', 'prod', 'gate']);
    expect(isLastWritten([flattened, term([1])], 'first')).toBe(true);
    expect(isLastWritten([flattened, term([1])], 'max')).toBe(true);
    expect(isLastWritten([term([1]), flattened, term([1])], 'gate')).toBe(false);
  });

  it('do not count where it is lost which channels they are for, nor then as the first or the last', () => {
    const lost = term([7, 7], [0, LOST]);
    expect(valuesOf([term([1, 5]), lost], 'mean')).toEqual([1, 5]);
    expect(valuesOf([term([1, 5]), lost], 'gate')).toEqual([0, 0]);
    expect(valuesOf([lost, term([1, 5])], 'first')).toEqual([0, 0]);
    expect(isLastWritten([term([1, 5]), term([7, 7, 7], [0, 0, LOST])], 'max')).toBe(false);
  });

  it('that reach beyond the first term raise as torch does', () => {
    const terms = [term([1, 2]), term([1, 2, 3])];
    for (const reduction of ['sum', 'mean'] as const)
      expect(reduce(terms, reduction)).toEqual({
        unknown: 'RuntimeError: index 2 is out of bounds for dimension 0 with size 2',
        ...{ remedy: null, isRaised: true },
      });
    for (const reduction of ['max', 'prod'] as const)
      expect(reduce(terms, reduction)).toMatchObject({
        unknown: 'RuntimeError: INDICES element is out of DATA bounds, id=2 axis_dim=2',
      });
    expect(valuesOf(terms, 'first')).toEqual([1, 2]);
    expect(reduce(terms, 'gate')).toMatchObject({ isRaised: true });
  });
});

describe('how far a score may be off', () => {
  const [a, b] = [term([1, 5], [0, 1], 0.1), term([3, 2], [0, 1], 0.2)];
  const near = (reduction: Reduction, expected: readonly number[]): void => {
    for (const [k, error] of reduced([a, b], reduction).errors.entries()) {
      expect(error).toBeGreaterThan(expected[k]!);
      expect(error).toBeCloseTo(expected[k]!, 5);
    }
  };

  it('is what its terms are together, and rounding', () => {
    near('sum', [0.3, 0.3]);
    near('mean', [0.15, 0.15]);
    near('max', [0.3, 0.3]);
  });

  it('is the rounding of each operation where the terms are exact', () => {
    const exact = [term([1, 5]), term([3, 2])];
    const units = (reduction: Reduction) => reduced(exact, reduction).errors.map((error) => error / 2 ** -24);
    expect(units('sum')).toEqual([1 + 4 + 4, 5 + 7 + 7]);
    expect(units('mean')).toEqual([(1 + 4) / 2 + 2, (5 + 7) / 2 + 3.5]);
    expect(units('prod')).toEqual([3 + 3, 10 + 10]);
    expect(units('max')).toEqual([1 + 3, 5 + 5]);
  });

  it('grows with the other factors of a product', () => {
    near('prod', [0.1 * 3 + 0.2 * 1, 0.1 * 2 + 0.2 * 5]);
  });
});
