import { FIXED_CHANNEL, type Follower, type Layer, type Network, onceFor, ownersAmong } from '../../network/index.ts';
import { type DType, isFloat, narrowed, narrowerOf, type Tensor, toFloat64 } from '../../onnx/index.ts';
import { bitsOf } from '../match/bits.ts';
import { roughly } from '../match/rounded.ts';

/** Followers of one network under keys that are the same in both: the dense layer whose channel comes first, and the role. */
export interface FollowerIndex {
  readonly byKey: ReadonlyMap<string, readonly Follower[]>;
  /** Keys of the followers that follow a layer's channels, in graph order. */
  keysOf(layer: Layer): readonly string[];
  /**
   * Reads what follows a layer's channels under these keys: the elements of one filter, as text.
   * @param mayRound whether a bias may differ from the other model's by rounding
   */
  elements(layer: Layer, keys: readonly SharedKey[], mayRound: boolean): (filter: number) => string;
}

/** A key under which both models have as many followers, so that their elements can be compared one by one. */
export interface SharedKey {
  readonly key: string;
  /** The narrowest of their types, in which elements are compared; null where it is the type of all. */
  readonly as: DType | null;
}

/** @param denseId id of the dense layer that a layer is; undefined for a layer that the dense network does not have */
export function indexFollowers(network: Network, denseId: (layer: number) => number | undefined): FollowerIndex {
  const byKey = new Map<string, Follower[]>();
  const keysOf = new Map<number, Set<string>>();
  const seen = new Map<Tensor, Follower[]>();
  for (const follower of network.followers) {
    // A module that is called again on the same channels, with all that belongs to it: exporters leave that out or not.
    const others = seen.get(follower.tensor) ?? [];
    if (others.some((other) => isSame(other, follower))) continue;
    seen.set(follower.tensor, [...others, follower]);
    const first = follower.channels.find((id) => id !== FIXED_CHANNEL);
    const owner = first === undefined ? undefined : network.channelOwner[first]!;
    const known = owner === undefined ? 'inputs' : (denseId(owner) ?? `other ${network.layers[owner]!.name}`);
    // Whether an added vector is its layer's bias may hang on names.
    const key = `${known} ${follower.role === 'shift' ? 'bias' : follower.role}`;
    add(byKey, key, follower);
    for (const id of ownersOf(network, follower)) keysOf.set(id, (keysOf.get(id) ?? new Set<string>()).add(key));
  }
  const readers = new Map<string, Map<Follower, ElementReader>>();
  const readerOf = (follower: Follower, as: DType | null, mayRound: boolean): ElementReader => {
    const isNear = follower.isComputed || (mayRound && follower.role === 'bias');
    const kind = `${isNear} ${as}`;
    const known = readers.get(kind) ?? new Map<Follower, ElementReader>();
    readers.set(kind, known);
    const reader = known.get(follower) ?? elementReader(follower, isNear, as);
    known.set(follower, reader);
    return reader;
  };
  return {
    byKey,
    keysOf: ({ id }) => [...(keysOf.get(id) ?? [])],
    elements({ firstChannel }, keys, mayRound) {
      const own = keys.flatMap(({ key, as }) => byKey.get(key)!.map((follower) => readerOf(follower, as, mayRound)));
      return (filter) => {
        let text = '';
        for (const reader of own) text += `${reader(firstChannel + filter)},`;
        return text;
      };
    },
  };
}

type ElementReader = (channel: number) => string;

function isSame(a: Follower, b: Follower): boolean {
  return (
    a.role === b.role &&
    a.stride === b.stride &&
    a.channels.length === b.channels.length &&
    a.channels.every((id, k) => id === b.channels[k])
  );
}

/** The keys under which both models have as many followers. */
export function sharedKeys(
  dense: { readonly index: FollowerIndex; readonly layer: Layer },
  pruned: { readonly index: FollowerIndex; readonly layer: Layer },
): readonly SharedKey[] {
  return dense.index.keysOf(dense.layer).flatMap((key) => {
    const [a, b] = [dense.index.byKey.get(key)!, pruned.index.byKey.get(key) ?? []];
    return a.length === b.length ? [{ key, as: narrowestOf([...a, ...b]) }] : [];
  });
}

function narrowestOf(followers: readonly Follower[]): DType | null {
  const types = followers.map(({ tensor }) => tensor.dtype);
  const [first] = types;
  if (types.every((dtype) => dtype === first)) return null;
  return types.reduce<DType | null>((least, dtype) => (least === null ? null : narrowerOf(least, dtype)), first!);
}

function add<K, V>(lists: Map<K, V[]>, key: K, value: V): void {
  const known = lists.get(key);
  if (known === undefined) lists.set(key, [value]);
  else known.push(value);
}

/** Reads a follower once, and finds the first element of any channel. */
function elementReader({ tensor, channels, stride }: Follower, isNear: boolean, as: DType | null): ElementReader {
  const textOf = elementTexts(tensor, isNear, as);
  const first = channels[0] ?? 0;
  // Mostly a layer's own channels, in their order.
  const areInOrder = channels.every((id, at) => id === first + at);
  const places = new Map<number, number>();
  for (let at = 0; at < (areInOrder ? 0 : channels.length); at++)
    if (!places.has(channels[at]!)) places.set(channels[at]!, at);
  return (channel) => {
    const at = areInOrder ? channel - first : places.get(channel);
    return at === undefined || at < 0 || at >= channels.length ? '' : textOf(at * stride);
  };
}

/** Beyond these, converters bring what float16 hardly holds to bounds of their own. */
const [SMALL, LARGE] = [2 ** -23, 1e4];

function elementTexts(tensor: Tensor, isNear: boolean, as: DType | null): (at: number) => string {
  const data = as === null ? tensor.read() : narrowed(tensor.read(), as);
  const bits = bitsOf(data);
  const values = (isNear || as !== null) && isFloat(data.dtype) ? toFloat64(data) : null;
  if (values === null) return (at) => String(bits?.[at]);
  return (at) => {
    const value = values[at]!;
    if (as === 'float16' && Math.abs(value) <= SMALL) return '0';
    const bounded = as === 'float16' ? Math.max(-LARGE, Math.min(LARGE, value)) : value;
    return isNear ? roughly(bounded, data.dtype) : String(bounded);
  };
}

/** Layers whose channels a follower follows, in the order of its elements. */
export function ownersOf(network: Network, { channels }: Pick<Follower, 'channels'>): readonly number[] {
  return ownersIn(network, channels);
}

/** The vectors of a BatchNorm share a list of channels, and each is asked about several times. */
const ownersIn = onceFor(({ channelOwner }: Network, channels: Follower['channels']) =>
  ownersAmong(channelOwner, channels),
);
