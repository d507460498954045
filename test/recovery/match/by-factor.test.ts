import { describe, expect, it } from 'vitest';
import { leastOf } from '../../../src/onnx/index.ts';
import { type AreAlike, matchByFactor, type Precision } from '../../../src/recovery/match/by-factor.ts';
import { rowGroup } from '../../../src/recovery/match/row-group.ts';
import { matchRows } from '../../../src/recovery/match/rows.ts';
import { kernelOf, type TYPES } from './kernels.ts';

interface Given {
  readonly dense: readonly (readonly number[])[];
  readonly pruned: readonly (readonly number[])[];
  readonly dtype?: keyof typeof TYPES;
  readonly rowScale?: Float64Array | null;
  /** Groups of pruned rows and of the dense ones that they can be, as first and end of either. */
  readonly groups?: readonly (readonly [number, number, number, number])[];
}

/** What rows are compared, and with what precision. */
function matched(given: Given, areAlike: (a: number, b: number) => boolean) {
  const dense = kernelOf(given.dense, given.dtype, { rowScale: given.rowScale ?? null });
  const pruned = kernelOf(given.pruned, given.dtype);
  const all = [[0, pruned.weight.outCount, 0, dense.weight.outCount]] as const;
  const columns = Int32Array.from({ length: dense.weight.inCount }, (_, k) => k);
  const groups = (given.groups ?? all).map(([first, end, denseFirst, denseEnd]) =>
    rowGroup({ first, end, denseFirst, denseEnd }, dense.weight, columns, pruned.weight, columns),
  );
  const matches = matchRows(dense, pruned, groups);
  const asked: (readonly [number, number])[] = [];
  const precisions: Precision[] = [];
  const compare: AreAlike = (a, baseA, b, baseB, _, precision) => {
    asked.push([a[baseA]!, b[baseB]!]);
    precisions.push(precision);
    return areAlike(a[baseA]!, b[baseB]!);
  };
  const found = matchByFactor(dense, pruned, groups, matches, compare);
  return { found, dense: [...matches.dense], pruned: [...matches.pruned], asked, precisions };
}

const never = (): boolean => false;

describe('rows that no dense row equals', () => {
  it('are compared with the dense ones, each class of them once, and no other is', () => {
    const { found, pruned, asked } = matched(
      { dense: [[1], [2], [2], [3]], pruned: [[2], [30]] },
      (a, b) => 10 * a === b,
    );
    expect({ found, pruned }).toEqual({ found: 1, pruned: [1, 3] });
    expect(asked).toEqual([
      [1, 30],
      [2, 30],
      [3, 30],
    ]);
  });

  it('are compared with nothing where there are none', () => {
    expect(matched({ dense: [[1], [2]], pruned: [[2]] }, never)).toMatchObject({ found: 0, pruned: [1], asked: [] });
  });

  it('stay what they are where nothing is alike', () => {
    expect(matched({ dense: [[1], [2]], pruned: [[5]] }, never)).toMatchObject({
      found: 0,
      pruned: [-1],
      dense: [0, 1],
    });
  });

  it('make one class of those that they are alike, and of whatever was of either', () => {
    const rows = { dense: [[1], [-1], [3], [-1]], pruned: [[-1], [5]] };
    const { found, dense, pruned } = matched(rows, (a) => Math.abs(a) === 1);
    expect({ found, dense, pruned }).toEqual({ found: 1, dense: [0, 0, 2, 0], pruned: [0, 0] });
  });

  it('are compared with those of their own group', () => {
    const groups = [
      [0, 1, 0, 2],
      [1, 2, 2, 4],
    ] as const;
    const { asked } = matched({ dense: [[1], [2], [3], [4]], pruned: [[5], [6]], groups }, never);
    expect(asked).toEqual([
      [1, 5],
      [2, 5],
      [3, 6],
      [4, 6],
    ]);
  });
});

it('near 0 values may lie as far apart as their type has it, and farther where their row was multiplied since', () => {
  const tinies = (rowScale: Float64Array | null, dtype: keyof typeof TYPES = 'float32') =>
    matched({ dense: [[1], [2], [3]], pruned: [[9]], rowScale, dtype }, never).precisions;
  const float32 = (factor: number): Precision => ({ dtype: 'float32', tiny: 2 * leastOf('float32') * factor });
  expect(tinies(null)).toEqual([float32(1), float32(1), float32(1)]);
  expect(tinies(Float64Array.of(-4, 0.5, 3))).toEqual([float32(4), float32(1), float32(3)]);
  expect(tinies(null, 'float64')).toEqual([float32(1), float32(1), float32(1)]);
});
