import { bytesOf, type TensorData } from '../onnx/index.ts';
import type { Weight } from './types.ts';

/** Some of a weight's filters, which lie one behind another. */
export interface FilterBlock {
  /** The number of its first filter. */
  readonly first: number;
  /** These filters alone. */
  readonly weight: Weight;
}

/** Computes on filters while they are read for another purpose, so that it need not read them again. */
export interface Onlooker {
  /** How many bytes behind the elements of a block it writes to, where they lie in WebAssembly's memory. */
  room(block: Weight): number;
  /** @param data elements of a block of `weight`, in order; gone afterwards */
  see(weight: Weight, block: FilterBlock, data: TensorData): void;
}

/** What stays in a core's second cache while it is read and computed on. */
export const BLOCK_BYTES = 1024 * 1024;
/** Filters of a block are a multiple of these: what computes on several at a time has none left over before the last. */
const FILTERS_AT_A_TIME = 8;

/**
 * A weight in blocks that can be read one by one, so that what computes on filters needs no more memory than a block and finds it in
 * the cache. The filters are in order, and so are their bytes in the file.
 * @param bytesOfBlock how large a block may be
 * @returns one block of all filters where they do not lie one behind another, or the tensor is read as a whole alone
 */
export function filterBlocks(weight: Weight, bytesOfBlock = BLOCK_BYTES): readonly FilterBlock[] {
  const { tensor, outCount, outStride, rowScale } = weight;
  const { part } = tensor;
  const bytes = bytesOf(tensor.dtype, outStride);
  if (part === null || bytes === null || !areRowsOfFile(weight)) return [{ first: 0, weight }];
  const most = Math.max(1, Math.floor(bytesOfBlock / bytes / FILTERS_AT_A_TIME)) * FILTERS_AT_A_TIME;
  if (most >= outCount) return [{ first: 0, weight }];
  return Array.from({ length: Math.ceil(outCount / most) }, (_, k) => {
    const first = k * most;
    const count = Math.min(most, outCount - first);
    const own = {
      tensor: part(first * outStride, count * outStride),
      outCount: count,
      rowScale: rowScale?.subarray(first, first + count) ?? null,
    };
    return { first, weight: { ...weight, ...own } };
  });
}

/** Whether each filter is the next stretch of the tensor. */
function areRowsOfFile({ tensor, outCount, outStride, inCount, inStride, kernelOffsets }: Weight): boolean {
  const last = (inCount - 1) * inStride + kernelOffsets.reduce((most, offset) => Math.max(most, offset), 0);
  return outCount > 0 && outCount * outStride === tensor.elements && last < outStride;
}
