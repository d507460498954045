import { expect, it } from 'vitest';
import { pack, unpack } from '../../src/view/data/pack.ts';

it('gives back what was packed, to the bit', () => {
  const value = {
    text: 'conv1 </script> \u202e é',
    none: null,
    list: [1, 'a', { deep: [true] }],
    empty: new Float32Array(0),
    bytes: Uint8Array.of(1, 128, 255),
    counts: Uint32Array.of(0, 4_000_000_000),
    single: Float32Array.of(0.68, Number.NaN, -0, Number.NEGATIVE_INFINITY),
    double: Float64Array.of(0.1, 1e-300, Number.MAX_VALUE),
  };
  expect(unpack(pack(value))).toEqual(value);
});

it('stores what two layers share once, and tells arrays of one content and two types apart', () => {
  const values = Float32Array.from({ length: 1000 }, (_, k) => Math.sin(k));
  const once = pack([values]).length;
  expect(pack([values, values.slice()]).length).toBeLessThan(once + 60);
  const alike = [Uint32Array.of(0), Float32Array.of(0)];
  expect(unpack(pack(alike))).toEqual(alike);
});
