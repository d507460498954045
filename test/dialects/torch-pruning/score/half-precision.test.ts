import { describe, expect, it } from 'vitest';
import { isBeyond, storedError } from '../../../../src/dialects/torch-pruning/score/half-precision.ts';
import { roundingTo, toFloat32 } from '../../../../src/onnx/index.ts';
import { CONVERTERS } from '../../../support/narrow-model.ts';

const CASES = [
  ['float16', CONVERTERS.half],
  ['float16', CONVERTERS.onnxruntime],
  ['float16', CONVERTERS.common],
  ['bfloat16', CONVERTERS.brain],
  ['bfloat16', CONVERTERS.cutBrain],
] as const;

/** Weights of every size from 2^-30 to 2^6, and of each magnitude that a network has. */
const rows = [2 ** -30, 1e-7, 2 ** -20, 1e-4, 0.02, 1, 60].map((size, k) =>
  Float32Array.from({ length: 90 }, (_, n) => size * Math.sin(1 + n * (k + 1.7)) * (n % 11 === 0 ? 1e-6 : 1)),
);
const sum = (values: Iterable<number>, p: number, round = (value: number): number => value): number =>
  round([...values].reduce((total, value) => total + round(Math.abs(value) ** p), 0));

describe('a sum over weights in half precision', () => {
  it.each(CASES)('is as near to that of the pruner as it says: %s of $name', (dtype, { bits }) => {
    for (const row of rows) {
      const narrow = Uint16Array.from(row, bits as (value: number) => number);
      const stored = toFloat32({ dtype, dims: [row.length], bytes: new Uint8Array(narrow.buffer) });
      for (const p of [0.5, 1, 2, 3]) {
        const own = sum(stored, p);
        const allowed = storedError(own, dtype, row.length, p);
        // In float32, of what was rounded, or of the halves themselves in half precision.
        for (const ranked of [sum(row, p), sum(stored, p, roundingTo(dtype))])
          if (!isBeyond(own, dtype, p)) expect(Math.abs(own - ranked), `${row[1]} ${p}`).toBeLessThanOrEqual(allowed);
      }
    }
  });

  it('tells what is far apart', () => {
    expect(storedError(1, 'float16', 576, 2)).toBeLessThan(0.003);
    expect(storedError(1, 'float32', 576, 2)).toBe(0);
  });

  it('says nothing where a weight may have been larger than float16 holds', () => {
    expect([9999 ** 2, 1e8, Number.POSITIVE_INFINITY, Number.NaN].map((own) => isBeyond(own, 'float16', 2))).toEqual([
      true,
      true,
      true,
      true,
    ]);
    expect([isBeyond(9999, 'float16', 1), isBeyond(10_000, 'float16', 1), isBeyond(1e30, 'bfloat16', 1)]).toEqual([
      false,
      true,
      false,
    ]);
  });
});
