import type { Layer, Network } from '../network/index.ts';
import { FIXED_CHANNEL } from '../network/index.ts';

/** A stretch of a layer's input that one layer makes: an operand of a concatenation, or the whole input. */
export interface Operand {
  readonly owner: Layer;
  /** Dense input column at which it begins. */
  readonly offset: number;
  /** Filter of the owner that each of its columns carries. */
  readonly filters: readonly number[];
}

/** The operands of a layer's input in order; null where it is not known, or not made by layers alone. */
export function operandsOf(network: Network, consumer: Layer): readonly Operand[] | null {
  const columns = consumer.calls[0]?.columns;
  if (!(columns instanceof Int32Array)) return null;
  const operands: { owner: Layer; offset: number; filters: number[] }[] = [];
  for (const [at, id] of columns.entries()) {
    if (id === FIXED_CHANNEL) return null;
    const owner = network.layers[network.channelOwner[id]!]!;
    let last = operands.at(-1);
    if (last?.owner !== owner) {
      last = { owner, offset: at, filters: [] };
      operands.push(last);
    }
    last.filters.push(id - owner.firstChannel);
  }
  return operands;
}

/** Where a layer's filters begin in the concatenated input of another. */
export interface Placement {
  readonly layer: string;
  readonly consumer: string;
  /** In the dense input, and in the pruned one. */
  readonly offsets: readonly number[];
}

/** @param keptBy how many filters a layer keeps */
export function placements(network: Network, keptBy: (layer: string) => number | null): readonly Placement[] {
  return [...network.prunable.values()].flatMap((consumer) => {
    const operands = operandsOf(network, consumer) ?? [];
    let pruned: number | null = 0;
    return operands.map(({ owner, offset }): Placement => {
      const offsets = [offset, ...(pruned === null ? [] : [pruned])].filter((one) => one > 0);
      const kept = keptBy(owner.name);
      pruned = pruned === null || kept === null ? null : pruned + kept;
      return { layer: owner.name, consumer: consumer.name, offsets };
    });
  });
}
