import { widenFloat16 } from '../tensor-files/index.ts';

/**
 * Elements as numbers to compare. Integers beyond 2^53 are rounded, so that the last bits of hashes are not compared; no
 * network computes such.
 */
export function numbersOf(type: string, data: unknown): ArrayLike<number> {
  if (type === 'float16') return halves(data);
  if (data instanceof BigInt64Array || data instanceof BigUint64Array) return Float64Array.from(data, Number);
  if (ArrayBuffer.isView(data) && !(data instanceof DataView)) return data as unknown as ArrayLike<number>;
  throw new Error(`${type} tensors are not compared`);
}

/** float16 comes as bits, or where Node has Float16Array, as that. */
function halves(data: unknown): ArrayLike<number> {
  if (!(data instanceof Uint16Array)) return data as ArrayLike<number>;
  return widenFloat16(data);
}
