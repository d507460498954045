import type { TensorData } from '../../onnx/index.ts';

/** Element bits: two values are the same weight only if their bits are, so -0, NaN payloads and denormals count. */
export type Bits = Uint16Array | Uint32Array | BigUint64Array;

/** The bits of a float tensor's elements; null for a type that holds no weights. */
export function bitsOf(data: TensorData): Bits | null {
  const { buffer, byteOffset, byteLength } = data.bytes;
  switch (data.dtype) {
    case 'float32':
      return new Uint32Array(buffer, byteOffset, byteLength / 4);
    case 'float16':
    case 'bfloat16':
      return new Uint16Array(buffer, byteOffset, byteLength / 2);
    case 'float64':
      return new BigUint64Array(buffer, byteOffset, byteLength / 8);
    default:
      return null;
  }
}
