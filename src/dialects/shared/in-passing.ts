import type { ReusableBuffer } from '../../bytes/index.ts';
import { type FilterBlock, filterBlocks, type Onlooker, type Weight } from '../../network/index.ts';
import type { Tensor, TensorData } from '../../onnx/index.ts';

/**
 * What is computed of a weight, some of its filters after the other.
 * @param before what it came to of the filters before the block; null before the first
 */
export type AddBlock<Sum> = (before: Sum | null, weight: Weight, block: FilterBlock, data: TensorData) => Sum;

/** How weights are summed up, and what those came to that were seen as a whole. */
export interface InPassing<Sum> {
  /** As long as there are the weights. */
  readonly seen: WeakMap<Weight, Sum>;
  /** Bytes that computing on a block writes to behind it. */
  readonly room: Onlooker['room'];
  readonly add: AddBlock<Sum>;
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

/** The same, reading the weight. */
export function byBlocks<Sum>(weight: Weight, { add }: Pick<InPassing<Sum>, 'add'>, buffer: ReusableBuffer): Sum {
  let sum: Sum | null = null;
  for (const block of filterBlocks(weight)) sum = add(sum, weight, block, block.weight.tensor.read(buffer));
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
