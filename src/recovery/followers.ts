import type { Follower, Layer, Network } from '../network/index.ts';
import { FIXED_CHANNEL } from '../network/index.ts';
import type { Bits } from './bits.ts';
import { bitsOf } from './bits.ts';
import type { ChannelCorrespondence } from './columns.ts';

/** Followers of one network under keys that are the same in both: the layer whose channel comes first, and the role. */
export interface FollowerIndex {
  readonly byKey: ReadonlyMap<string, Follower>;
  /** Elements that follow each channel, in graph order: what tells equal kernel rows apart. */
  fingerprint(layer: Layer, filter: number): string;
}

export function indexFollowers(network: Network): FollowerIndex {
  const byKey = new Map<string, Follower>();
  const byLayer = new Map<number, { readonly follower: Follower; readonly bits: () => Bits | null }[]>();
  const fingerprints = new Map<number, string>();
  for (const follower of network.followers) {
    const first = follower.channels.find((id) => id !== FIXED_CHANNEL);
    const owner = first === undefined ? 'inputs' : network.layers[network.channelOwner[first]!]!.name;
    let n = 1;
    while (byKey.has(`${owner} ${follower.role} ${n}`)) n++;
    byKey.set(`${owner} ${follower.role} ${n}`, follower);
    const entry = { follower, bits: once(() => readBits(network, follower)) };
    for (const id of ownersOf(network, follower)) {
      const list = byLayer.get(id) ?? [];
      list.push(entry);
      byLayer.set(id, list);
    }
  }
  return {
    byKey,
    fingerprint(layer, filter) {
      const channel = layer.firstChannel + filter;
      const known = fingerprints.get(channel);
      if (known !== undefined) return known;
      const entries = byLayer.get(layer.id) ?? [];
      const made = entries
        .map(({ follower, bits }) => String(bits()?.[follower.channels.indexOf(channel) * follower.stride]))
        .join();
      fingerprints.set(channel, made);
      return made;
    },
  };
}

/** Most layers have no equal rows, so that their followers are not read to tell them apart. */
function once<T>(read: () => T): () => T {
  let known: { readonly value: T } | null = null;
  return () => {
    known ??= { value: read() };
    return known.value;
  };
}

function readBits(network: Network, follower: Follower): Bits | null {
  return bitsOf(network.file.readTensor(follower.tensor));
}

/** A follower that does not hold what the dense one holds for the same channels, and the pruned layers it concerns. */
export interface FollowerDisagreement {
  /** Pruned layer ids; empty for elements that follow no layer's channels. */
  readonly owners: readonly number[];
  readonly tensor: string;
  readonly detail: string;
}

/** Compares every follower of the pruned network with the dense one's elements for the same channels. */
export function compareFollowers(
  correspondence: ChannelCorrespondence,
  dense: FollowerIndex,
  pruned: FollowerIndex,
): FollowerDisagreement[] {
  const found: FollowerDisagreement[] = [];
  for (const [key, follower] of pruned.byKey) {
    const partner = dense.byKey.get(key);
    const owners = ownersOf(correspondence.pruned, follower);
    if (owners.length > 0 && owners.every((owner) => !correspondence.assigned.has(owner))) continue;
    if (partner === undefined) {
      found.push({ owners, tensor: follower.tensor.name, detail: `the dense model has no such ${follower.role}` });
      continue;
    }
    const detail = difference(correspondence, partner, follower);
    if (detail !== null) found.push({ owners, tensor: follower.tensor.name, detail });
  }
  for (const [key, follower] of dense.byKey) {
    if (pruned.byKey.has(key)) continue;
    const names = new Set(
      ownersOf(correspondence.dense, follower).map((owner) => correspondence.dense.layers[owner]!.name),
    );
    const owners = [...correspondence.assigned.keys()].filter((owner) =>
      names.has(correspondence.pruned.layers[owner]!.name),
    );
    if (owners.length > 0 || names.size === 0)
      found.push({ owners, tensor: follower.tensor.name, detail: `the pruned model has no such ${follower.role}` });
  }
  return found;
}

/** Relative error of float32 arithmetic that the exporter did on vectors of different lengths (SIMD and scalar code paths). */
const COMPUTED_ERROR = 2 ** -20;

function isSameValue(a: Bits, i: number, b: Bits, j: number, isComputed: boolean, scale: number): boolean {
  if (a[i] === b[j]) return true;
  if (!isComputed || !(a instanceof Uint32Array) || !(b instanceof Uint32Array)) return false;
  return Math.abs(float32(a)[i]! - float32(b)[j]!) <= COMPUTED_ERROR * scale;
}

function float32(bits: Uint32Array): Float32Array {
  return new Float32Array(bits.buffer, bits.byteOffset, bits.length);
}

function difference(correspondence: ChannelCorrespondence, dense: Follower, pruned: Follower): string | null {
  const a = readBits(correspondence.dense, dense);
  const b = readBits(correspondence.pruned, pruned);
  if (a === null || b === null || dense.tensor.dtype !== pruned.tensor.dtype)
    return `its type is ${pruned.tensor.dtype}, the dense one's ${dense.tensor.dtype}`;
  const positions = correspondence.positions(dense.channels, pruned.channels);
  if (positions === null) return keepsOthers(correspondence, dense, pruned, a, b);
  const scale =
    dense.isComputed && a instanceof Uint32Array
      ? float32(a).reduce((most, value) => Math.max(most, Math.abs(value)), 0)
      : 0;
  for (let at = 0; at < positions.length; at++) {
    const position = positions[at]!;
    if (isSameValue(a, position * dense.stride, b, at * pruned.stride, dense.isComputed, scale)) continue;
    return keepsOthers(correspondence, dense, pruned, a, b);
  }
  return null;
}

/** Which filters the follower was cut for, where its values tell; else the first value that differs. */
function keepsOthers(
  correspondence: ChannelCorrespondence,
  dense: Follower,
  pruned: Follower,
  a: Bits,
  b: Bits,
): string {
  const layer =
    ownersOf(correspondence.pruned, pruned).length === 1
      ? correspondence.partner.get(ownersOf(correspondence.pruned, pruned)[0]!)
      : undefined;
  const kept: number[] = [];
  if (layer !== undefined) {
    const places = new Map<number | bigint, number>();
    for (const [at, id] of dense.channels.entries())
      places.set(a[at * dense.stride]!, places.has(a[at * dense.stride]!) ? -1 : id - layer.firstChannel);
    for (let at = 0; at < pruned.channels.length; at++) kept.push(places.get(b[at * pruned.stride]!) ?? -1);
    const own = Array.from(pruned.channels, (id) => correspondence.denseChannel(id)).map((id) =>
      id === null ? -1 : id - layer.firstChannel,
    );
    if (!kept.includes(-1)) {
      const missing = own.filter((filter) => !kept.includes(filter));
      const unexpected = kept.filter((filter) => !own.includes(filter));
      if (missing.length + unexpected.length > 0) return `it keeps ${list(unexpected)} instead of ${list(missing)}`;
      return 'it keeps the same filters in another order';
    }
  }
  const first = pruned.channels.findIndex((id, at) => {
    const channel = correspondence.denseChannel(id);
    const position = channel === null ? -1 : dense.channels.indexOf(channel);
    return position < 0 || a[position * dense.stride] !== b[at * pruned.stride];
  });
  return first < 0 ? 'it belongs to other channels' : `its value ${first} is not the dense one's`;
}

/** Layers whose channels a follower follows, in the order of its elements. */
function ownersOf(network: Network, { channels }: Follower): readonly number[] {
  const owners = new Set<number>();
  let last = -1;
  for (let at = 0; at < channels.length; at++) {
    const id = channels[at]!;
    const owner = id === FIXED_CHANNEL ? last : network.channelOwner[id]!;
    if (owner !== last) owners.add(owner);
    last = owner;
  }
  return [...owners];
}

export function list(filters: readonly number[]): string {
  const shown = filters.slice(0, 8).join(', ');
  return filters.length > 8 ? `${shown} and ${filters.length - 8} more` : shown || 'none';
}
