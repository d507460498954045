import type { Dim } from './channels.ts';

/** Positions first, first + step, ... of an axis. */
export interface Range {
  readonly first: number;
  readonly step: number;
  readonly count: number;
}

/** Positions that a Slice picks (ai.onnx Slice: negative indices, clamping, steps); null where a bound is not known. */
export function rangeOf(size: Dim, start: Dim, end: Dim, step: Dim): Range | null {
  if (size === null || start === null || end === null || step === null || step === 0) return null;
  const clamp = (at: number, low: number, high: number): number =>
    Math.min(Math.max(at < 0 ? at + size : at, low), high);
  const [first, last] =
    step > 0
      ? [clamp(start, 0, size), clamp(end, 0, size)]
      : [clamp(start, 0, size - 1), end < -size ? -1 : clamp(end, -1, size - 1)];
  return { first, step, count: Math.max(0, Math.ceil((last - first) / step)) };
}

export function positionsOf({ first, step, count }: Range): readonly number[] {
  return Array.from({ length: count }, (_, k) => first + k * step);
}

/** The first of `count` places that is not before what is looked for, `count` where all are: of a list in order, by halves. */
export function firstPlace(count: number, isBefore: (place: number) => boolean): number {
  let [low, high] = [-1, count];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (isBefore(middle)) low = middle;
    else high = middle;
  }
  return high;
}

/** The numbers first, first + 1, ...: what Int32Array.from makes of a length, without a call and an iterator for each. */
export function sequence(count: number, first = 0): Int32Array {
  const numbers = new Int32Array(count);
  for (let k = 0; k < count; k++) numbers[k] = first + k;
  return numbers;
}
