import { sumError, UNIT } from './rounding.ts';

/** Row sums of distances, and how far float32 arithmetic may be off. */
export interface DistanceSums {
  readonly values: Float64Array;
  readonly errors: Float64Array;
}

/** torch.cdist takes differences of up to this many rows, and a matrix product of more, which cancels. */
const MOST_DIRECT = 25;

/** How far elements of a row may be off what a pruner saw, relative to them and beside that. */
export interface ElementErrors {
  readonly relative: number;
  readonly absolute: number;
}

/** For each row its Euclidean distances to all rows, summed (importance.py:350-353). */
export function distanceSums(rows: readonly Float64Array[], off: ElementErrors | null = null): DistanceSums {
  const size = rows[0]?.length ?? 0;
  const squares = rows.map((row) => dot(row, row));
  const values = new Float64Array(rows.length);
  const errors = new Float64Array(rows.length);
  const isDirect = rows.length <= MOST_DIRECT;
  for (const [i, row] of rows.entries()) {
    for (let j = i; j < rows.length; j++) {
      const squared = i === j ? 0 : squaredDistance(row, rows[j]!);
      const distance = Math.sqrt(squared);
      const cancelled = isDirect ? 0 : sumError(size) * (squares[i]! + squares[j]!);
      const stored =
        off === null || i === j
          ? 0
          : off.relative * (Math.sqrt(squares[i]!) + Math.sqrt(squares[j]!)) + 2 * off.absolute * Math.sqrt(size);
      const error =
        stored + distance * sumError(size) + Math.min(cancelled / (2 * distance || UNIT), Math.sqrt(cancelled));
      for (const k of i === j ? [i] : [i, j]) {
        values[k]! += distance;
        errors[k]! += error;
      }
    }
  }
  for (const k of values.keys()) errors[k]! += values[k]! * sumError(rows.length);
  return { values, errors };
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let k = 0; k < a.length; k++) sum += a[k]! * b[k]!;
  return sum;
}

function squaredDistance(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let k = 0; k < a.length; k++) sum += (a[k]! - b[k]!) ** 2;
  return sum;
}
