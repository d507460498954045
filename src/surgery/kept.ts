import { InputError } from '../errors/input-error.ts';
import { type ChannelMap, FIXED_CHANNEL, type Layer, type Network, type RetainedIndices } from '../network/index.ts';
import type { OnnxNode } from '../onnx/index.ts';

/** What is to be cut. */
export interface Cut {
  /** Filters that a prunable layer keeps; null for all of them. */
  retained(layer: string): RetainedIndices | null;
  /** How a pruner cuts where it is at fault; null to cut rightly. */
  readonly asPruner: PrunerFaults | null;
  /** Whether a channel of a table of embeddings goes, which no layer retains; those that are added to others go with them. */
  isGone?(id: number): boolean;
  /** What a number that scales an attention becomes; it stays where nothing is said. */
  scale?(found: HeadScale): number;
}

/** A number by which an attention scales its scores, written for heads of so many channels as they had. */
export interface HeadScale {
  readonly node: OnnxNode;
  /** The input that holds it. */
  readonly input: number;
  readonly value: number;
  /** What it is where the model computes it of the channels that are left. */
  readonly anew: number;
  readonly before: number;
  readonly after: number;
  /** Which product of queries and keys it scales, in graph order. */
  readonly product: number;
}

/** Faults of a real pruner that its model has, and that a copy of it must have too. */
export interface PrunerFaults {
  /** Input columns that it keeps of a layer, whatever reaches them; null where it has no way of its own. */
  columns(layer: string): RetainedIndices | null;
}

/** Which channels of a network stay. */
export interface KeptChannels {
  has(id: number): boolean;
  /** Positions that stay; null where all do. */
  positions(channels: Int32Array): readonly number[] | null;
  /**
   * Sizes of a tensor when it is cut; null for those that stay.
   * @throws InputError where what is left is no tensor: rows of different lengths, or nothing
   */
  sizes(tensor: string, map: ChannelMap): readonly (number | null)[];
}

/**
 * The channels that stay where each layer keeps the given filters.
 * @param cut as the caller asks for it
 * @throws InputError for lists that are no filters of the layer, and for layers that are tied and keep different ones
 */
export function keptChannels(network: Network, { retained, asPruner, isGone }: Cut): KeptChannels {
  for (const layer of network.prunable.values()) requireFilters(network, layer, retained(layer.name));
  const cut = cutChannels(network, retained, isGone);
  cutTables(network, cut);
  const attended = attendedIn(network);
  const known = new Map<Int32Array, readonly number[] | null>();
  const kept: KeptChannels = {
    has: (id) => id === FIXED_CHANNEL || cut[id] === 0,
    positions(channels) {
      const found = known.get(channels);
      if (found !== undefined) return found;
      const positions: number[] = [];
      for (let at = 0; at < channels.length; at++) if (kept.has(channels[at]!)) positions.push(at);
      const stay = positions.length === channels.length ? null : positions;
      known.set(channels, stay);
      return stay;
    },
    sizes(tensor, map) {
      const left = kept.positions(map.ids);
      const sizes = map.shape.map((): number | null => null);
      if (left === null) return sizes;
      const along = map.axes.length === 1 ? [left.length] : (evenSizes(map, left) ?? dealtOut(map, left, attended));
      if (typeof along === 'string') throw cannotCut(network, `tensor ${tensor}`, along);
      if (along.includes(0)) throw cannotCut(network, `tensor ${tensor}`, 'is left without any channel');
      for (const [k, axis] of map.axes.entries()) if (along[k] !== map.shape[axis]) sizes[axis] = along[k]!;
      return sizes;
    },
  };
  requireTied(network, kept, asPruner !== null);
  return kept;
}

/**
 * 1 for each channel that no layer retains; layers that keep all have none.
 * @param isGone of channels of tables of embeddings, which have no retention of their own
 */
export function cutChannels(
  { layers, prunable, channelOwner }: Network,
  retained: Cut['retained'],
  isGone: Cut['isGone'],
): Uint8Array {
  const cut = new Uint8Array(channelOwner.length);
  for (const { name, firstChannel, filters } of prunable.values()) {
    const list = retained(name);
    if (list === null) continue;
    cut.fill(1, firstChannel, firstChannel + filters);
    for (const filter of list) cut[firstChannel + filter] = 0;
  }
  for (const { kind, firstChannel, filters } of layers)
    for (let id = firstChannel; kind === 'embedding' && id < firstChannel + filters; id++)
      if (isGone?.(id)) cut[id] = 1;
  return cut;
}

/** Nobody says what tables of embeddings keep: they lose the channels of the layers that are added to what is looked up. */
function cutTables({ layers, couplings, channelOwner }: Network, cut: Uint8Array): void {
  const isTable = (id: number): boolean => id !== FIXED_CHANNEL && layers[channelOwner[id]!]!.kind === 'embedding';
  const tied = couplings.filter(({ operands }) => operands.some((ids) => ids.length > 0 && isTable(ids[0]!)));
  // A table may be tied to another one, so that what goes is known one by one.
  for (let round = 0; round < tied.length; round++) {
    let isChanged = false;
    for (const { operands } of tied) {
      const [first] = operands;
      for (let at = 0; at < first!.length; at++) {
        const ids = operands.map((operand) => operand[at]!);
        if (!ids.some((id) => id !== FIXED_CHANNEL && cut[id] === 1)) continue;
        for (const id of ids) {
          if (!isTable(id) || cut[id] === 1) continue;
          cut[id] = 1;
          isChanged = true;
        }
      }
    }
    if (!isChanged) return;
  }
}

function requireFilters(network: Network, layer: Layer, list: RetainedIndices | null): void {
  if (list === null) return;
  const isAscending = list.every((filter, k) => Number.isInteger(filter) && filter > (k === 0 ? -1 : list[k - 1]!));
  if (isAscending && list.length > 0 && list.at(-1)! < layer.filters) return;
  throw cannotCut(
    network,
    layer.name,
    `has filters 0 to ${layer.filters - 1}, and must keep some of them, in ascending order`,
  );
}

/** @param inNumber whether as many channels will do, as for pruners that add one filter to another */
function requireTied(network: Network, kept: KeptChannels, inNumber: boolean): void {
  for (const { layer, op, operands } of network.couplings) {
    const [first, ...rest] = operands;
    for (const other of rest) {
      if (inNumber && kept.positions(other)?.length === kept.positions(first!)?.length) continue;
      const at = other.findIndex((id, k) => kept.has(id) !== kept.has(first![k]!));
      if (at < 0) continue;
      const names = [first![at]!, other[at]!].map((id) => ownerOf(network, id)).join(' and ');
      throw cannotCut(network, layer, `${op} ties ${names}, which keep different channels`);
    }
  }
}

export function ownerOf(network: Network, id: number): string {
  return id === FIXED_CHANNEL ? 'an input' : network.layers[network.channelOwner[id]!]!.name;
}

/** Ids of what heads are made of: queries, keys and values. */
export function attendedIn({ sites }: Network): ReadonlySet<number> {
  return new Set(sites.flatMap((site) => (site.kind === 'heads' ? site.operands.flatMap(({ ids }) => [...ids]) : [])));
}

/** Channels over several axes that are left as a block: as many in every row, though not the same ones. */
export function evenSizes({ axes, shape }: ChannelMap, left: readonly number[]): readonly number[] | null {
  const sizes = axes.map((axis) => shape[axis] ?? 1);
  const along: number[] = [];
  let places: readonly number[] = left;
  for (let k = sizes.length - 1; k >= 0; k--) {
    const rows = new Map<number, number>();
    for (const place of places) {
      const row = Math.floor(place / sizes[k]!);
      rows.set(row, (rows.get(row) ?? 0) + 1);
    }
    const [length = 0] = rows.values();
    if ([...rows.values()].some((other) => other !== length)) return null;
    along.unshift(length);
    places = [...rows.keys()];
  }
  return along;
}

/**
 * Heads that lose different channels: a model has as many heads as before, and deals out to them what is left, one channel after
 * another. So are models of pruners that are not told the heads.
 * @returns sizes, or a sentence that says why there are none
 */
function dealtOut(
  { axes, shape, ids }: ChannelMap,
  left: readonly number[],
  attended: ReadonlySet<number>,
): readonly number[] | string {
  if (!ids.every((id) => attended.has(id))) return 'is left with rows of different lengths';
  const before = axes.slice(0, -1).map((axis) => shape[axis] ?? 1);
  const heads = before.reduce((n, size) => n * size, 1);
  const length = left.length / heads;
  return Number.isInteger(length)
    ? [...before, length]
    : `is left with ${left.length} channels, which ${heads} heads cannot share: prune as many channels of each head, or keep a multiple of their number`;
}

/** What the user reads where a model cannot be cut as asked. */
export function cannotCut(network: Network, key: string, problem: string): InputError {
  return new InputError(`cannot be cut: ${problem}`, { file: network.model.name, key });
}
