import { type ChannelMap, type Layer, makersIn, type Network, type NetworkNode } from '../network/index.ts';
import type { ChannelCorrespondence } from './correspondence.ts';

/** An attention of which only the ends were followed. */
interface Attention {
  readonly heads: number;
  /** Channels of the values, by heads where these do not share them all. */
  readonly values: Int32Array;
  /** What decides on each head: queries, or their parts, and keys where there are as many. */
  readonly deciding: readonly ChannelMap[];
}

/**
 * Whether the columns of a layer behind an attention are those of the values, and of the heads of queries, that are left. Rotary positions turn
 * queries and keys by tables of tokens and channels, behind which no channel is followed, but a head stays the same head.
 * @param found dense column of each column
 * @param size dense columns
 * @returns false too where that cannot be said
 */
export function readsHeadsLeft(
  { dense, pruned, denseChannel }: ChannelCorrespondence,
  denseLayer: Layer,
  layer: Layer,
  found: Int32Array,
  size: number,
): boolean {
  const [before, after] = [attentionBehind(dense, denseLayer), attentionBehind(pruned, layer)];
  if (before === null || after === null) return false;
  const [whole, left] = [columnsOf(before, size), columnsOf(after, found.length)];
  if (whole === null || left === null) return false;
  if (found.some((column, at) => denseChannel(left[at]!) !== whole[column])) return false;
  return after.deciding.every(({ ids }) =>
    ids.every((id, at) => {
      const own = denseChannel(id);
      const origin = before.deciding.find((map) => own !== null && map.ids.includes(own));
      if (origin === undefined) return false;
      const head = partOf(origin.ids.indexOf(own!), origin.ids.length, before.heads);
      const first = partOf(at, ids.length, after.heads) * (found.length / after.heads);
      const columns = found.subarray(first, first + found.length / after.heads);
      return columns.every((column) => partOf(column, size, before.heads) === head);
    }),
  );
}

/** Of values that all heads share, each head reads the same. */
function columnsOf({ heads, values }: Attention, size: number): Int32Array | null {
  if (values.length === size) return values;
  return values.length * heads === size
    ? Int32Array.from({ length: size }, (_, at) => values[at % values.length]!)
    : null;
}

/** Which of so many equal parts of a range a position lies in. */
function partOf(at: number, size: number, parts: number): number {
  return Math.floor((at * parts) / size);
}

function attentionBehind(network: Network, { calls }: Layer): Attention | null {
  const product = productBehind(network, calls.length === 1 ? calls[0]!.reads : []);
  const [scores, read] = product === null ? [] : computed(network, product);
  const values = read === undefined ? null : mapOf(network, read);
  if (scores === undefined || values === null || mapOf(network, scores) !== null) return null;
  const maps = mapsBehind(network, scores);
  const heads = Math.max(0, ...maps.map(headsOf));
  return heads === 0 ? null : { heads, values: values.ids, deciding: maps.filter((map) => headsOf(map) === heads) };
}

/** The product of two tensors that a layer reads, behind what only lays it out. */
function productBehind(network: Network, [read, ...others]: readonly string[]): NetworkNode | null {
  if (others.length > 0) return null;
  const makers = makersIn(network);
  for (let node = makers.get(read ?? ''); node !== undefined; ) {
    const operands = computed(network, node);
    if (operands.length === 2) return node.role === 'weights' ? node : null;
    if (node.role !== 'layout') return null;
    node = makers.get(operands[0] ?? '');
  }
  return null;
}

/** The last known channels on all ways to a tensor, but those that several heads share: they decide on none of these alone. */
function mapsBehind(network: Network, tensor: string): readonly ChannelMap[] {
  const makers = makersIn(network);
  const [open, seen, maps] = [[tensor], new Set<string>(), new Set<ChannelMap>()];
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    if (seen.has(name)) continue;
    seen.add(name);
    const map = mapOf(network, name);
    if (map === null) open.push(...computed(network, makers.get(name)));
    else maps.add(map);
  }
  return [...maps].filter(({ ids }) => new Set(ids).size === ids.length);
}

function computed({ tensors }: Network, node: NetworkNode | undefined): readonly string[] {
  return node?.inputs.filter((name) => tensors.has(name)) ?? [];
}

function mapOf({ tensors }: Network, name: string): ChannelMap | null {
  const channels = tensors.get(name)?.channels ?? null;
  return channels === null || 'opaque' in channels ? null : channels;
}

/** Along the last axis that has channels lie those of one head. */
function headsOf({ shape, axes, ids }: ChannelMap): number {
  const size = shape[axes.at(-1) ?? -1];
  return typeof size === 'number' ? ids.length / size : 1;
}
