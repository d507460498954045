import { type Network, ownersAmong } from '../../network/index.ts';

/**
 * Layers whose channels go where they are not followed, by id, and into which operator: what belongs to them there is not
 * missing, but not seen.
 */
export function unfollowed({ model, tensors, layers, channelOwner }: Network): ReadonlyMap<number, string> {
  const lost = new Map<number, string>();
  const lose = (names: readonly string[], into: string): void => {
    for (const name of names) {
      const channels = tensors.get(name)?.channels ?? null;
      if (channels === null || 'opaque' in channels) continue;
      for (const owner of ownersAmong(channelOwner, channels.ids)) if (!lost.has(owner)) lost.set(owner, into);
    }
  };
  for (const { inputs, outputs } of model.graph.nodes) {
    for (const name of outputs) {
      const channels = tensors.get(name)?.channels ?? null;
      if (channels !== null && 'opaque' in channels) lose(inputs, channels.opaque);
    }
  }
  // Of a MatMul on an operand of unknown rank not even the axis of its own channels is known.
  for (const { layer, channels } of tensors.values())
    if (channels !== null && 'opaque' in channels && layers[layer]!.weight !== null && !lost.has(layer))
      lost.set(layer, channels.opaque);
  for (const { calls } of layers)
    for (const { columns, reads } of calls) if (columns !== null && 'opaque' in columns) lose(reads, columns.opaque);
  return lost;
}
