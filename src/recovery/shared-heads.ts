import { type ChannelMap, type HeadsSite, type Layer, makersIn, type Network } from '../network/index.ts';
import type { ChannelCorrespondence } from './correspondence.ts';

/** The heads that a layer reads, of which several have the same values. */
interface Heads {
  /** Columns of each. */
  readonly size: number;
  /** Channels of the queries of each. */
  readonly queries: readonly Int32Array[];
}

/**
 * The pruned layer whose queries have other heads left than a layer reads: values that several heads share say nothing of which of these a
 * column belongs to, but attention goes by the queries.
 * @param found dense column of each column
 * @returns its id; null where all heads are the same, or that cannot be said
 */
export function otherQueries(
  { dense, pruned, denseChannel }: ChannelCorrespondence,
  denseLayer: Layer,
  layer: Layer,
  found: Int32Array,
): number | null {
  const [before, after] = [headsOf(dense, denseLayer), headsOf(pruned, layer)];
  if (before === null || after === null) return null;
  for (const [head, queries] of after.queries.entries()) {
    const own = queries.length === 0 ? null : denseChannel(queries[0]!);
    const columns = found.subarray(head * after.size, (head + 1) * after.size);
    const isSame = own === null || columns.every((at) => before.queries[Math.floor(at / before.size)]?.includes(own));
    if (!isSame) return pruned.channelOwner[queries[0]!]!;
  }
  return null;
}

function headsOf(network: Network, layer: Layer): Heads | null {
  const columns = layer.calls[0]?.columns;
  if (!(columns instanceof Int32Array)) return null;
  for (const site of network.sites) {
    if (site.kind !== 'heads' || site.operands.length !== 1) continue;
    const values = network.tensors.get(site.node.outputs[0] ?? '')?.channels ?? null;
    if (values === null || 'opaque' in values || columns.length % values.ids.length !== 0) continue;
    if (columns.some((id, at) => id !== values.ids[at % values.ids.length])) continue;
    const queries = queriesBehind(network, site);
    const size = queries?.axes.length === 0 ? 0 : (queries?.shape[queries.axes.at(-1)!] ?? 0);
    const count = queries === null || size === 0 ? 0 : queries.ids.length / size;
    if (queries === null || !Number.isInteger(count) || columns.length % count !== 0) continue;
    return {
      size: columns.length / count,
      queries: Array.from({ length: count }, (_, head) => queries.ids.subarray(head * size, (head + 1) * size)),
    };
  }
  return null;
}

/** The queries that decide what an attention takes of its values: behind what carries no channels, up to the product with the keys. */
function queriesBehind(network: Network, { node }: HeadsSite): ChannelMap | null {
  const { sites, tensors } = network;
  const makers = makersIn(network);
  const products = new Map(
    sites.flatMap((site) => (site.kind === 'heads' && site.operands.length > 1 ? [[site.node, site] as const] : [])),
  );
  const open = [...node.inputs];
  const seen = new Set<string>();
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    const made = makers.get(name);
    if (made === undefined || seen.has(name) || tensors.get(name)?.channels !== null) continue;
    seen.add(name);
    const product = products.get(made.handle);
    if (product !== undefined) return product.operands.find(({ ids }) => new Set(ids).size === ids.length) ?? null;
    open.push(...made.inputs);
  }
  return null;
}
