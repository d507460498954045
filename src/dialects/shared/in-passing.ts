import type { ReusableBuffer } from '../../bytes/index.ts';
import { type FilterBlock, filterBlocks, type Onlooker, type Weight } from '../../network/index.ts';
import type { Tensor, TensorData } from '../../onnx/index.ts';

/** How weights are summed up, and what they came to. */
export interface InPassing<Sum> {
  /** Of weights that were seen as a whole, as long as there are these. */
  readonly seen: WeakMap<Weight, Sum>;
  /** Bytes that computing on a block writes to behind it. */
  readonly room: Onlooker['room'];
  /**
   * What is computed of a weight, some of its filters after the other.
   * @param before what it came to of the filters before the block; null before the first
   */
  add(before: Sum | null, weight: Weight, block: FilterBlock, data: TensorData): Sum;
}

/**
 * Computes on weights while others read them.
 * @param wanted the weights that will be asked for. A copy of one, which others compare, is known by its tensor
 */
export function lookingOn<Sum>(wanted: ReadonlySet<Weight>, { seen, room, add }: InPassing<Sum>): Onlooker {
  const byTensor = new Map<Tensor, Weight>([...wanted].map((weight) => [weight.tensor, weight]));
  let open: { readonly weight: Weight; readonly sum: Sum; readonly end: number } | null = null;
  return {
    room,
    see(read, block, data) {
      const weight = byTensor.get(read.tensor);
      if (weight === undefined || seen.has(weight) || !areLaidAlike(weight, read)) return;
      const before = open?.weight === weight && open.end === block.first ? open.sum : null;
      if (before === null && block.first > 0) return;
      const end = block.first + block.weight.outCount;
      open = { weight, end, sum: add(before, weight, blockOf(weight, block), data) };
      if (end < weight.outCount) return;
      seen.set(weight, open.sum);
      open = null;
    },
  };
}

/** What a weight comes to, which is read if it was not seen. */
export function summedUp<Sum>(weight: Weight, { seen, add }: InPassing<Sum>, buffer: ReusableBuffer): Sum {
  const before = seen.get(weight);
  if (before !== undefined) return before;
  let sum: Sum | null = null;
  for (const block of filterBlocks(weight)) sum = add(sum, weight, block, block.weight.tensor.read(buffer));
  seen.set(weight, sum!);
  return sum!;
}

function areLaidAlike(one: Weight, other: Weight): boolean {
  return (
    one.outCount === other.outCount &&
    one.outStride === other.outStride &&
    one.inCount === other.inCount &&
    one.inStride === other.inStride
  );
}

/** The filters of a block with the factors that the weight has, whatever those of the copy are that was read. */
function blockOf(weight: Weight, { first, weight: { tensor, outCount } }: FilterBlock): FilterBlock {
  const rowScale = weight.rowScale?.subarray(first, first + outCount) ?? null;
  return { first, weight: { ...weight, tensor, outCount, rowScale } };
}
