import type { FilterBlock, Onlooker, Weight } from '../../../network/index.ts';
import type { TensorData } from '../../../onnx/index.ts';
import type { Stat } from './importance.ts';

/** Norms of weights that were read for another purpose, as long as there are the weights. */
const SEEN = new WeakMap<Weight, Stat>();

/** The norms of a weight that was seen as a whole; null where it was not. */
export function seenNorms(weight: Weight): Stat | null {
  return SEEN.get(weight) ?? null;
}

/**
 * Measures weights while others read them.
 * @param wanted the weights whose norms will be asked for
 * @param room bytes that measuring a block writes to behind it
 * @param measure measures a block's filters by its elements
 */
export function measuring(
  wanted: ReadonlySet<Weight>,
  room: Onlooker['room'],
  measure: (block: Weight, data: TensorData) => Stat,
): Onlooker {
  let open: { readonly weight: Weight; readonly stat: Stat; readonly end: number } | null = null;
  return {
    room,
    see(weight, block, data) {
      if (!wanted.has(weight) || SEEN.has(weight)) return;
      const before = open?.weight === weight && open.end === block.first ? open.stat : null;
      if (before === null && block.first > 0) return;
      const end = block.first + block.weight.outCount;
      open = { weight, end, stat: withBlock(before, weight, block, measure(block.weight, data)) };
      if (end < weight.outCount) return;
      SEEN.set(weight, open.stat);
      open = null;
    },
  };
}

/** Puts what was measured of a block in its place among all filters. */
export function withBlock(stat: Stat | null, { outCount }: Weight, { first }: FilterBlock, part: Stat): Stat {
  const { values, error } = part;
  const all = stat ?? {
    values: values instanceof Float32Array ? new Float32Array(outCount) : new Float64Array(outCount),
    error,
  };
  all.values.set(values, first);
  return all;
}
