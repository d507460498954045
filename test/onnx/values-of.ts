import type { TensorData } from '../../src/onnx/index.ts';

/** Every element as its bits, so that NaN and -0 compare: an integer, low bytes first. */
export function valuesOf({ bytes, dtype }: TensorData): bigint[] {
  const width = WIDTHS[dtype] ?? 1;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: bytes.byteLength / width }, (_, i) => {
    let value = 0n;
    for (let k = width - 1; k >= 0; k--) value = (value << 8n) | BigInt(view.getUint8(i * width + k));
    return value;
  });
}

/** Bytes of one element, written out again rather than taken from what is tested. */
const WIDTHS: Readonly<Record<string, number>> = {
  float32: 4,
  int32: 4,
  uint32: 4,
  float64: 8,
  int64: 8,
  uint64: 8,
  complex64: 8,
  complex128: 16,
  float16: 2,
  bfloat16: 2,
  int16: 2,
  uint16: 2,
};
