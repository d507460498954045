/** IEEE 754 binary16 to binary32 by bits, so that NaN payloads, infinities and -0 stay as they are. */
export function widenFloat16(halves: ArrayLike<number>): Float32Array {
  const floats = new Float32Array(halves.length);
  const bits = new Uint32Array(floats.buffer);
  for (let i = 0; i < halves.length; i++) {
    const half = halves[i]!;
    const sign = (half & 0x8000) << 16;
    const exponent = half & 0x7c00;
    if (exponent === 0) {
      // Zero and subnormals: the mantissa counts steps of 2^-24.
      floats[i] = (half & 0x3ff) * 2 ** -24;
      bits[i]! |= sign;
    } else {
      const rebias = exponent === 0x7c00 ? 0x7f800000 : (exponent << 13) + 0x38000000;
      bits[i] = sign | rebias | ((half & 0x3ff) << 13);
    }
  }
  return floats;
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

/** Rounds to the nearest float16, ties to even, as bits. */
export function narrowToFloat16(value: number): number {
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const magnitude = Math.abs(value);
  if (Number.isNaN(value)) return 0x7e00;
  if (magnitude >= 65520) return sign | 0x7c00;
  const exponent = Math.max(-14, exponentOf(magnitude));
  const steps = roundTiesToEven(magnitude / 2 ** (exponent - 10));
  // A subnormal counts steps of 2^-24; rounding up to 2048 steps carries into the exponent by itself.
  return sign | (steps < 1024 ? steps : ((exponent + 15) << 10) + (steps - 1024));
}

const SCRATCH = new DataView(new ArrayBuffer(8));

/** Math.log2 is not exact next to powers of two. */
function exponentOf(magnitude: number): number {
  SCRATCH.setFloat64(0, magnitude);
  return ((SCRATCH.getUint16(0) >> 4) & 0x7ff) - 1023;
}

/** As IEEE 754 and Python's round() do it: halves go to the even neighbour. */
export function roundTiesToEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  return rest > 0.5 || (rest === 0.5 && floor % 2 !== 0) ? floor + 1 : floor;
}
