import type { Channels, Layer, Network } from '../network/index.ts';
import { FIXED_CHANNEL } from '../network/index.ts';
import type { Assignment } from './types.ts';

/** Where pruned channels lie in the dense network, as far as the layers that make them have been recovered. */
export interface ChannelCorrespondence {
  readonly dense: Network;
  readonly pruned: Network;
  /** Dense layer of the same name, by pruned layer id. */
  readonly partner: ReadonlyMap<number, Layer>;
  /** Dense filter of each pruned filter, by pruned layer id. */
  readonly assigned: Map<number, Assignment>;
}

/** Dense channel id of a pruned channel; null where its layer was not recovered. */
export function denseChannel(correspondence: ChannelCorrespondence, id: number): number | null {
  if (id === FIXED_CHANNEL) return FIXED_CHANNEL;
  const { pruned, partner, assigned } = correspondence;
  const owner = pruned.channelOwner[id]!;
  const layer = pruned.layers[owner]!;
  const filter = assigned.get(owner)?.[id - layer.firstChannel] ?? -1;
  const denseLayer = partner.get(owner);
  return filter < 0 || denseLayer === undefined ? null : denseLayer.firstChannel + filter;
}

/**
 * Position in `dense` of each position in `pruned`: the n-th occurrence of a channel (flattening repeats them) is the n-th
 * in the dense one. Null where a channel is unknown or does not occur there.
 */
export function correspondingPositions(correspondence: ChannelCorrespondence, dense: Channels | null, pruned: Channels | null): Int32Array | null {
  if (!(dense instanceof Int32Array) || !(pruned instanceof Int32Array)) return null;
  const next = new Map<number, number>();
  const following = new Int32Array(dense.length).fill(-1);
  for (let at = dense.length - 1; at >= 0; at--) {
    following[at] = next.get(dense[at]!) ?? -1;
    next.set(dense[at]!, at);
  }
  const positions = new Int32Array(pruned.length);
  for (const [at, id] of pruned.entries()) {
    const channel = denseChannel(correspondence, id);
    const position = channel === null ? undefined : next.get(channel);
    if (position === undefined || position < 0) return null;
    positions[at] = position;
    next.set(channel!, following[position]!);
  }
  return positions.length === keptPositions(correspondence, dense) ? positions : null;
}

/** Dense positions whose channel is kept somewhere: a consumer that lost a whole branch keeps too few. */
function keptPositions(correspondence: ChannelCorrespondence, dense: Int32Array): number {
  const kept = keptChannels(correspondence);
  let count = 0;
  for (const id of dense) if (id === FIXED_CHANNEL || kept[id] === 1) count++;
  return count;
}

function keptChannels({ dense, partner, assigned }: ChannelCorrespondence): Uint8Array {
  const kept = new Uint8Array(dense.channelOwner.length);
  for (const [owner, filters] of assigned) {
    const layer = partner.get(owner);
    if (layer !== undefined) for (const filter of filters) if (filter >= 0) kept[layer.firstChannel + filter] = 1;
  }
  return kept;
}
