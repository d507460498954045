import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type DType, narrowed, narrowerOf, roundingTo, waysTo } from '../../src/onnx/index.ts';
import { widenFloat16 } from '../../src/tensor-files/index.ts';
import { CONVERTERS, type Converter } from '../support/narrow-model.ts';

const WAYS: readonly (readonly [DType, number, Converter])[] = [
  ['float16', 0, CONVERTERS.half],
  ['float16', 1, CONVERTERS.onnxruntime],
  ['float16', 2, CONVERTERS.common],
  ['bfloat16', 0, CONVERTERS.brain],
  ['bfloat16', 1, CONVERTERS.cutBrain],
];

const bytesOf = ({ buffer, byteLength }: Float32Array | Float64Array): Uint8Array =>
  new Uint8Array(buffer, 0, byteLength);
const data = (values: Float32Array | Float64Array) => ({
  dtype: values instanceof Float32Array ? ('float32' as const) : ('float64' as const),
  dims: [values.length],
  bytes: bytesOf(values),
});
const halvesOf = ({ bytes }: { readonly bytes: Uint8Array }) => [
  ...new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 2),
];

/** Every finite float16, what lies in the middle of it and the next, and what lies next to that middle: where roundings part. */
const EDGES = Float32Array.from(
  [...widenFloat16(Array.from({ length: 0x7c00 }, (_, bits) => bits))].flatMap((half, bits, all) => {
    const middle = (half + (all[bits + 1] ?? 65_536)) / 2;
    const near = middle * 2 ** -20;
    return [half, middle, middle - near, middle + near].flatMap((value) => [value, -value]);
  }),
);
const EXTREMES = Float32Array.of(
  0,
  -0,
  1e-45,
  -1e-40,
  2 ** -25,
  5.95e-8,
  9.9e-8,
  1.1e-7,
  1e4,
  10_001,
  65_519,
  65_520,
  1e38,
  -3.4e38,
);

describe('float32 values', () => {
  it.each(WAYS)('are rounded to %s, way %i, as that converter does', (dtype, way, { bits }) => {
    for (const values of [EDGES, EXTREMES, Float32Array.of(Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY)])
      expect(halvesOf(narrowed(data(values), dtype, way))).toEqual(Array.from(values, bits));
    const random = fc.array(fc.float({ noNaN: true }), { maxLength: 20 });
    fc.assert(
      fc.property(random, (list) => {
        const values = Float32Array.from(list);
        expect(halvesOf(narrowed(data(values), dtype, way))).toEqual(Array.from(values, bits));
      }),
    );
  });

  it('have no other ways', () => {
    expect(['float16', 'bfloat16', 'float32'].map((dtype) => waysTo(dtype as DType))).toEqual([3, 2, 1]);
  });

  // Where a payload is cut off, infinity may be left.
  const payloads = WAYS.filter(([dtype, way]) => dtype !== 'bfloat16' || way === 0);
  it.each(payloads)('that are no numbers stay none in %s, way %i', (dtype, way) => {
    const nan = new Float32Array(Uint32Array.of(0x7fc00000, 0x7f800001, 0xffffffff).buffer);
    const exponent = dtype === 'float16' ? 0x7c00 : 0x7f80;
    for (const bits of halvesOf(narrowed(data(nan), dtype, way))) {
      expect(bits & exponent).toBe(exponent);
      expect(bits & (exponent === 0x7c00 ? 0x3ff : 0x7f)).not.toBe(0);
    }
  });

  it('are rounded where they lie', () => {
    const values = Float32Array.of(1, -2, 0.1, 65_504);
    const apart = halvesOf(narrowed(data(values.slice()), 'float16'));
    expect(halvesOf(narrowed(data(values), 'float16', 0, bytesOf(values)))).toEqual(apart);
    expect(apart).toEqual([0x3c00, 0xc000, 0x2e66, 0x7bff]);
  });
});

it('float64 values are rounded to float32, where they lie, too', () => {
  const values = Float64Array.of(0.1, 1 + 2 ** -24, 1 + 2 ** -24 + 2 ** -50, 1e300);
  const floats = ({ bytes }: { readonly bytes: Uint8Array }) => [...new Float32Array(bytes.buffer, 0, 4)];
  const expected = [Math.fround(0.1), 1, 1 + 2 ** -23, Number.POSITIVE_INFINITY];
  expect(floats(narrowed(data(values), 'float32'))).toEqual(expected);
  expect(floats(narrowed(data(values), 'float32', 0, bytesOf(values)))).toEqual(expected);
});

it('one number is rounded as many are', () => {
  for (const [dtype, , { bits }] of WAYS.filter(([, way]) => way === 0)) {
    const round = roundingTo(dtype);
    for (const value of [...EXTREMES, 0.1, -1 / 3])
      expect(halvesOf(narrowed(data(Float32Array.of(round(value))), dtype))).toEqual([bits(value)]);
  }
  expect([roundingTo('float32')(0.1), roundingTo('float64')(0.1)]).toEqual([Math.fround(0.1), 0.1]);
});

it('of two types the one whose values the other holds, too, is the narrower', () => {
  const narrower: readonly (readonly [DType, DType, DType | null])[] = [
    ['float32', 'float16', 'float16'],
    ['bfloat16', 'float32', 'bfloat16'],
    ['float64', 'float32', 'float32'],
    ['float16', 'float16', 'float16'],
    ['float16', 'bfloat16', null],
    ['float32', 'int8', null],
  ];
  for (const [a, b, expected] of narrower) {
    expect(narrowerOf(a, b), `${a} ${b}`).toBe(expected);
    expect(narrowerOf(b, a), `${b} ${a}`).toBe(expected);
  }
});
