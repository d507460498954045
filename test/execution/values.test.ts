import { describe, expect, it } from 'vitest';
import { noise } from '../../src/execution/noise.ts';
import { numbersOf } from '../../src/execution/values.ts';
import { convertElements, narrowToFloat16 } from '../../src/tensor-files/index.ts';

const narrow = (value: number): number => narrowToFloat16(Float32Array.of(value))[0]!;

describe('float16', () => {
  it('is widened and narrowed without loss, for all bits', () => {
    const bits = Uint16Array.from({ length: 0x10000 }, (_, k) => k);
    const wide = numbersOf('float16', bits);
    for (let k = 0; k < bits.length; k++) {
      if (Number.isNaN(wide[k]!)) expect((k & 0x7c00) === 0x7c00 && (k & 0x3ff) !== 0).toBe(true);
      else if (narrow(wide[k]!) !== k)
        throw new Error(`0x${k.toString(16)} is ${wide[k]}, narrowed ${narrow(wide[k]!)}`);
    }
  });

  it('rounds to the nearest, ties to even', () => {
    expect([1 + 2 ** -11, 1 + 3 * 2 ** -11, 65519, 65520, 2 ** -25, 3 * 2 ** -26, -1e9].map(narrow)).toEqual([
      0x3c00, 0x3c02, 0x7bff, 0x7c00, 0, 1, 0xfc00,
    ]);
  });
});

describe('noise', () => {
  it('is the same for a seed, normal, and of zeros and ones for integers', () => {
    const one = Float32Array.from(noise('float32', 20000, 1) as Float32Array);
    expect(noise('float32', 20000, 1)).toEqual(one);
    expect(noise('float32', 20000, 2)).not.toEqual(one);
    const mean = one.reduce((sum, x) => sum + x, 0) / one.length;
    const variance = one.reduce((sum, x) => sum + (x - mean) ** 2, 0) / one.length;
    expect(Math.abs(mean)).toBeLessThan(0.03);
    expect(Math.abs(variance - 1)).toBeLessThan(0.05);
    expect(new Set(noise('int64', 100, 1) as BigInt64Array)).toEqual(new Set([0n, 1n]));
  });
});

it('floats of one type are those of another, rounded where it is narrower', () => {
  const [halves, third] = [Uint16Array.of(0x3c00, 0x8001), 1 / 3];
  expect(convertElements(halves, 'float16', 'float32')).toEqual(Float32Array.of(1, -(2 ** -24)));
  expect(convertElements(halves, 'float16', 'float64')).toEqual(Float64Array.of(1, -(2 ** -24)));
  expect(convertElements(Float32Array.of(third), 'float32', 'float64')).toEqual(Float64Array.of(Math.fround(third)));
  expect(convertElements(Float64Array.of(third), 'float64', 'float32')).toEqual(Float32Array.of(third));
  expect(convertElements(Float64Array.of(third), 'float64', 'float16')).toEqual(Uint16Array.of(0x3555));
  expect(convertElements(halves, 'float16', 'float16')).toBe(halves);
});
