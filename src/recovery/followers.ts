import type { Follower, Layer, Network } from '../network/index.ts';
import { FIXED_CHANNEL } from '../network/index.ts';
import type { ChannelCorrespondence } from './correspondence.ts';
import type { Bits } from './match/bits.ts';
import { bitsOf } from './match/bits.ts';
import { ROUNDING } from './match/rounded.ts';

/** Followers of one network under keys that are the same in both: the dense layer whose channel comes first, and the role. */
export interface FollowerIndex {
  readonly byKey: ReadonlyMap<string, readonly Follower[]>;
  /** Elements that follow each channel, in graph order: what tells equal kernel rows apart. */
  fingerprint(layer: Layer, filter: number): string;
}

/** @param denseId id of the dense layer that a layer is; undefined for a layer that the dense network does not have */
export function indexFollowers(network: Network, denseId: (layer: number) => number | undefined): FollowerIndex {
  const byKey = new Map<string, Follower[]>();
  const byLayer = new Map<number, { readonly follower: Follower; readonly bits: () => Bits | null }[]>();
  const fingerprints = new Map<number, string>();
  for (const follower of network.followers) {
    const first = follower.channels.find((id) => id !== FIXED_CHANNEL);
    const owner = first === undefined ? undefined : network.channelOwner[first]!;
    const known = owner === undefined ? 'inputs' : (denseId(owner) ?? `other ${network.layers[owner]!.name}`);
    // Whether an added vector is its layer's bias may hang on names.
    const key = `${known} ${follower.role === 'shift' ? 'bias' : follower.role}`;
    const alike = byKey.get(key);
    if (alike === undefined) byKey.set(key, [follower]);
    else alike.push(follower);
    const entry = { follower, bits: once(() => bitsOf(follower.tensor.read())) };
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

/** A follower that does not hold what the dense one holds for the same channels, and the pruned layers it concerns. */
export interface FollowerDisagreement {
  /** Pruned layer ids; empty for elements that follow no layer's channels. */
  readonly owners: readonly number[];
  readonly tensor: string;
  readonly detail: string;
}

/** Layers (pruned ids) whose followers are not compared bit for bit. */
export interface Exceptions {
  /** Whether two programs folded BatchNorm into the layer, so that its bias may differ by rounding. */
  mayRound(owner: number): boolean;
  /** Whether nothing that follows the layer's channels is compared: its weights were changed as a whole. */
  isSkipped(owner: number): boolean;
}

/** Compares every follower of the pruned network with the dense one's elements for the same channels. */
export function compareFollowers(
  correspondence: ChannelCorrespondence,
  dense: FollowerIndex,
  pruned: FollowerIndex,
  exceptions: Exceptions,
): FollowerDisagreement[] {
  const found: FollowerDisagreement[] = [];
  const isOpen = (owners: readonly number[]): boolean =>
    owners.length > 0 &&
    (owners.every((owner) => !correspondence.assigned.has(owner)) || owners.some(exceptions.isSkipped));
  for (const [key, followers] of pruned.byKey) {
    const compare = (follower: Follower, partner: Follower): string | null => {
      const owners = ownersOf(correspondence.pruned, follower);
      const mayRound = owners.length > 0 && owners.every(exceptions.mayRound);
      return isOpen(owners) ? null : difference(correspondence, partner, follower, mayRound);
    };
    const { pairs, left } = pairFollowers(followers, dense.byKey.get(key) ?? [], compare);
    for (const [follower, partner] of pairs) {
      const owners = ownersOf(correspondence.pruned, follower);
      if (isOpen(owners)) continue;
      const detail = partner === null ? `the dense model has no such ${follower.role}` : compare(follower, partner);
      if (detail !== null) found.push({ owners, tensor: follower.tensor.name, detail });
    }
    left.forEach(addMissing);
  }
  for (const [key, followers] of dense.byKey) if (!pruned.byKey.has(key)) followers.forEach(addMissing);
  return found;

  function addMissing(follower: Follower): void {
    const ids = new Set(ownersOf(correspondence.dense, follower));
    const owners = [...correspondence.assigned.keys()].filter((owner) =>
      ids.has(correspondence.partner.get(owner)!.id),
    );
    if (owners.some(exceptions.isSkipped)) return;
    if (owners.length > 0 || ids.size === 0)
      found.push({ owners, tensor: follower.tensor.name, detail: `the pruned model has no such ${follower.role}` });
  }
}

interface FollowerPairs {
  readonly pairs: ReadonlyMap<Follower, Follower | null>;
  /** Dense followers that no pruned one is. */
  readonly left: readonly Follower[];
}

/**
 * Pairs the followers of one layer and role: those in one source layer, then those that fit, then what is left in order. A shared
 * layer that is exported as a kernel for each call has its bias as often.
 */
function pairFollowers(
  followers: readonly Follower[],
  all: readonly Follower[],
  compare: (follower: Follower, partner: Follower) => string | null,
): FollowerPairs {
  const pairs = new Map<Follower, Follower | null>();
  if (followers.length === 1 && all.length === 1) return { pairs: pairs.set(followers[0]!, all[0]!), left: [] };
  const left = new Set(all);
  const take = (choose: (follower: Follower) => Follower | undefined): void => {
    for (const follower of followers) {
      const partner = pairs.has(follower) ? undefined : choose(follower);
      if (partner === undefined) continue;
      pairs.set(follower, partner);
      left.delete(partner);
    }
  };
  const unused = (): Follower[] => [...left];
  take(({ layer }) => unused().find((partner) => partner.layer === layer));
  take((follower) => [...unused(), ...all].find((partner) => compare(follower, partner) === null));
  take(() => unused()[0]);
  for (const follower of followers) if (!pairs.has(follower)) pairs.set(follower, null);
  return { pairs, left: unused() };
}

function float32(bits: Uint32Array): Float32Array {
  return new Float32Array(bits.buffer, bits.byteOffset, bits.length);
}

function difference(
  correspondence: ChannelCorrespondence,
  dense: Follower,
  pruned: Follower,
  mayRound: boolean,
): string | null {
  const a = bitsOf(dense.tensor.read());
  const b = bitsOf(pruned.tensor.read());
  if (a === null || b === null || dense.tensor.dtype !== pruned.tensor.dtype)
    return `its type is ${pruned.tensor.dtype}, the dense one's ${dense.tensor.dtype}`;
  const positions = correspondence.positions(dense.channels, pruned.channels);
  if (positions === null) return keepsOthers(correspondence, dense, pruned, a, b);
  if (positions.every((position, at) => a[position * dense.stride] === b[at * pruned.stride])) return null;
  const isNear = dense.isComputed || (mayRound && dense.role === 'bias');
  if (isNear && areNear(a, dense, b, pruned, positions)) return null;
  return keepsOthers(correspondence, dense, pruned, a, b);
}

/**
 * Whether elements differ by no more than the rounding of what they were computed from: by another program, or by the same one
 * on vectors of another length (SIMD and scalar code paths).
 */
function areNear(a: Bits, dense: Follower, b: Bits, pruned: Follower, positions: Int32Array): boolean {
  if (!(a instanceof Uint32Array) || !(b instanceof Uint32Array)) return false;
  const [x, y] = [float32(a), float32(b)];
  const most = x.reduce((size, value) => Math.max(size, Math.abs(value)), 0);
  for (let at = 0; at < positions.length; at++) {
    const position = positions[at]!;
    const size = dense.terms?.[position] ?? pruned.terms?.[at] ?? most;
    if (!(Math.abs(x[position * dense.stride]! - y[at * pruned.stride]!) <= ROUNDING * size)) return false;
  }
  return true;
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
