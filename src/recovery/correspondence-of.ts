import type { Layer, Network } from '../network/index.ts';
import { type ChannelCorrespondence, correspond } from './columns.ts';
import type { Recovery } from './types.ts';

export type { ChannelCorrespondence } from './columns.ts';

/** Where pruned channels lie in the dense network, by what was recovered. */
export function correspondenceOf(dense: Network, pruned: Network, { pairs }: Recovery): ChannelCorrespondence {
  const byName = new Map(dense.layers.filter((layer) => layer.weight !== null).map((layer) => [layer.name, layer]));
  const partner = new Map<number, Layer>();
  for (const [id, pair] of pairs) {
    const layer = byName.get(pair.dense);
    if (layer !== undefined) partner.set(id, layer);
  }
  const correspondence = correspond(dense, pruned, partner);
  for (const layer of pruned.layers) {
    const order = pairs.get(layer.id)?.order ?? null;
    if (order !== null && !order.includes(-1)) correspondence.assign(layer, order);
  }
  return correspondence;
}
