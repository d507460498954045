import { type Elements, type ElementType, narrowToFloat16, widenFloat16, zeroElements } from '../tensor-files/index.ts';

/** Normal floats, or 0 and 1 for integers and booleans: the same for the same seed on every machine. */
export function noise(type: ElementType, count: number, seed: number, deviation = 1): Elements {
  const uniform = mulberry32(seed);
  // Halves are rounded of floats.
  const elements = zeroElements(type === 'float16' ? 'float32' : type, count);
  if (elements instanceof BigInt64Array || elements instanceof BigUint64Array) {
    for (let k = 0; k < count; k++) elements[k] = uniform() < 0.5 ? 0n : 1n;
    return elements;
  }
  const isFloat = type === 'float32' || type === 'float64' || type === 'float16';
  for (let k = 0; k < count; k++) elements[k] = isFloat ? deviation * normal(uniform) : uniform() < 0.5 ? 0 : 1;
  return type === 'float16' ? narrowToFloat16(elements as Float32Array) : elements;
}

/** Parts of an input's largest value by which it is shaken: eight ulps, as much as a few layers round. */
const SHAKEN = { float32: 2 ** -20, float64: 2 ** -49, float16: 2 ** -10 } as const;

/** Elements that differ from others by rounding alone; integers and booleans are as they were. */
export function shaken(type: ElementType, elements: Elements, seed: number): Elements {
  if (type !== 'float32' && type !== 'float64' && type !== 'float16') return elements;
  const values = type === 'float16' ? widenFloat16(elements as Uint16Array) : (elements as Float32Array | Float64Array);
  let largest = 0;
  for (const value of values) if (Number.isFinite(value)) largest = Math.max(largest, Math.abs(value));
  // An input of zeros is shaken as one of noise is.
  const scale = SHAKEN[type] * (largest || 1);
  const uniform = mulberry32(seed);
  const moved = values.map((value) => value + scale * normal(uniform));
  return type === 'float16' ? narrowToFloat16(moved as Float32Array) : moved;
}

/** Box and Muller. */
function normal(uniform: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
}

/** Tommy Ettinger's mulberry32: 32 bits of state are plenty for test inputs. */
function mulberry32(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
