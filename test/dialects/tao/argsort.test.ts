import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { argsortDescending } from '../../../src/dialects/tao/argsort.ts';

/** `np.argsort(-values)` as numpy 1.24.4 has it, on float32. */
const { cases }: { readonly cases: readonly { what: string; values: (number | null)[]; order: number[] }[] } =
  JSON.parse(readFileSync(join(import.meta.dirname, '../../fixtures/numpy-1.24-argsort.json'), 'utf8'));

describe('the order of numpy before 1.25', () => {
  it.each(cases)('is that of np.argsort: $what', ({ values, order }) => {
    const given = values.map((value) => value ?? Number.NaN);
    expect([...argsortDescending(Float32Array.from(given))]).toEqual(order);
    expect([...argsortDescending(Float64Array.from(given))]).toEqual(order);
  });
});
