import type { Kernel } from './kernel.ts';

/** Bits of a type of two bytes, one of a bitmap for each. */
const BITMAP_WORDS = 2 ** 16 / 32;

/**
 * The dense row of each pruned row, whatever columns it kept: the only one in which all its values stand. In half precision every
 * value stands in many places, so that none tells alone where it is from. For ungrouped kernels of two bytes an element.
 * @returns null for other kernels, and where a row could be none or several
 */
export function rowsByContents(dense: Kernel, pruned: Kernel): Int32Array | null {
  const [before, after] = [dense.bits, pruned.bits];
  if (!(before instanceof Uint16Array && after instanceof Uint16Array) || dense.groups !== 1 || pruned.groups !== 1)
    return null;
  const found = new Int32Array(pruned.weight.outCount).fill(-1);
  for (let d = 0; d < dense.weight.outCount; d++) {
    const bitmap = new Uint32Array(BITMAP_WORDS);
    for (const at of elementsOf(dense, d)) bitmap[before[at]! >>> 5]! |= 1 << (before[at]! & 31);
    for (let p = 0; p < found.length; p++) {
      if (!isContained(bitmap, after, elementsOf(pruned, p))) continue;
      if (found[p] !== -1) return null;
      found[p] = d;
    }
  }
  return found.includes(-1) ? null : found;
}

function isContained(bitmap: Uint32Array, bits: Uint16Array, elements: Iterable<number>): boolean {
  for (const at of elements) if (((bitmap[bits[at]! >>> 5]! >>> (bits[at]! & 31)) & 1) === 0) return false;
  return true;
}

function* elementsOf({ weight }: Kernel, row: number): Generator<number> {
  const { outStride, inCount, inStride, kernelOffsets } = weight;
  for (let column = 0; column < inCount; column++)
    for (const k of kernelOffsets) yield row * outStride + column * inStride + k;
}
