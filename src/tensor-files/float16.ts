/** binary16 to binary32 (IEEE 754), so that NaN payloads, infinities and -0 stay as they are. */
export function widenFloat16(halves: ArrayLike<number>): Float32Array {
  const floats = new Float32Array(halves.length);
  const bits = new Uint32Array(floats.buffer);
  for (let i = 0; i < halves.length; i++) bits[i] = float32Of(halves[i]!);
  return floats;
}

/** The same of one, as bits to bits. */
export function float32Of(half: number): number {
  const sign = (half & 0x8000) << 16;
  const size = half & 0x7fff;
  if (size >= 0x7c00) return sign | 0x7f800000 | ((size & 0x3ff) << 13);
  if (size >= 0x400) return sign | ((size << 13) + 0x38000000);
  if (size === 0) return sign;
  // A subnormal counts steps of 2^-24: its highest bit becomes the implicit one.
  const zeros = Math.clz32(size) - 21;
  return sign | ((113 - zeros) << 23) | ((size << (zeros + 13)) & 0x7fffff);
}

/** Rounds a float32, given as its bits, to the nearest float16, ties to even, as bits (IEEE 754-2019, 4.3.1). */
export function float16Of(bits: number): number {
  const sign = (bits >>> 16) & 0x8000;
  const size = bits & 0x7fffffff;
  // 65520 and more lie nearer to 2^16 than to 65504, the largest float16.
  if (size >= 0x477ff000) return sign | (size > 0x7f800000 ? 0x7e00 : 0x7c00);
  if (size >= 0x38800000) return sign | ((size + 0xfff + ((size >>> 13) & 1) - 0x38000000) >>> 13);
  // Half of 2^-24, the least of the subnormals, is a tie: the even one is 0.
  if (size <= 0x33000000) return sign;
  const shift = 126 - (size >>> 23);
  const mantissa = (size & 0x7fffff) | 0x800000;
  return sign | ((mantissa + (1 << (shift - 1)) - 1 + ((mantissa >>> shift) & 1)) >>> shift);
}

/** The same of many, of their values. */
export function narrowToFloat16(values: Float32Array): Uint16Array {
  return Uint16Array.from(new Uint32Array(values.buffer, values.byteOffset, values.length), float16Of);
}
