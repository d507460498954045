import { type Elements, type ElementType, narrowToFloat16, zeroElements } from '../tensor-files/index.ts';

/** Standard normal floats, or 0 and 1 for integers and booleans: the same for the same seed on every machine. */
export function noise(type: ElementType, count: number, seed: number): Elements {
  const uniform = mulberry32(seed);
  const elements = zeroElements(type, count);
  if (elements instanceof BigInt64Array || elements instanceof BigUint64Array) {
    for (let k = 0; k < count; k++) elements[k] = uniform() < 0.5 ? 0n : 1n;
    return elements;
  }
  const isFloat = type === 'float32' || type === 'float64' || type === 'float16';
  for (let k = 0; k < count; k++) {
    const value = isFloat ? normal(uniform) : uniform() < 0.5 ? 0 : 1;
    elements[k] = type === 'float16' ? narrowToFloat16(value) : value;
  }
  return elements;
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
