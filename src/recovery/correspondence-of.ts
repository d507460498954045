import type { Layer, Network } from '../network/index.ts';
import { type ChannelCorrespondence, correspond } from './columns.ts';
import { partners } from './recover.ts';
import type { Recovery } from './types.ts';

export type { ChannelCorrespondence } from './columns.ts';

/** Where pruned channels lie in the dense network, by what was recovered. */
export function correspondenceOf(dense: Network, pruned: Network, recovery: Recovery): ChannelCorrespondence {
  const found = partners(dense, pruned);
  const correspondence = correspond(dense, pruned, found);
  for (const layer of pruned.layers) {
    const partner = found.get(layer.id);
    const order = partner === undefined ? null : orderOf(layer, partner, recovery);
    if (order !== null) correspondence.assign(layer, order);
  }
  return correspondence;
}

/** A transposed convolution keeps all its output channels. */
function orderOf(layer: Layer, partner: Layer, recovery: Recovery): Int32Array | null {
  const order = recovery.layers.get(layer.name)?.order ?? null;
  if (order !== null) return Int32Array.from(order);
  return layer.kind === 'conv-transpose' && layer.filters === partner.filters
    ? Int32Array.from({ length: layer.filters }, (_, filter) => filter)
    : null;
}
