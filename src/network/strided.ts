/**
 * Offset of each position of a strided array, row-major.
 * @param first offset of the first position
 */
export function stridedOffsets(sizes: readonly number[], strides: readonly number[], first = 0): Int32Array {
  const offsets = new Int32Array(sizes.reduce((product, size) => product * size, 1));
  const index = new Array<number>(sizes.length).fill(0);
  let offset = first;
  for (let n = 0; n < offsets.length; n++) {
    offsets[n] = offset;
    for (let k = sizes.length - 1; k >= 0; k--) {
      offset += strides[k]!;
      index[k]!++;
      if (index[k]! < sizes[k]!) break;
      offset -= strides[k]! * sizes[k]!;
      index[k] = 0;
    }
  }
  return offsets;
}

/** Row-major strides, in elements. */
export function rowMajorStrides(sizes: readonly number[]): number[] {
  const strides = new Array<number>(sizes.length).fill(1);
  for (let k = sizes.length - 2; k >= 0; k--) strides[k] = strides[k + 1]! * sizes[k + 1]!;
  return strides;
}
