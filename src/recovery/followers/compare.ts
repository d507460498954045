import { FIXED_CHANNEL, type Follower, type Network } from '../../network/index.ts';
import { leastOf, type Tensor, toFloat64, unitOf } from '../../onnx/index.ts';
import { filterWords, without } from '../../prose/index.ts';
import type { ChannelCorrespondence } from '../correspondence.ts';
import { type Bits, bitsOf } from '../match/bits.ts';
import { ROUNDING } from '../match/rounded.ts';
import { type AlikeData, alikeData } from '../readings.ts';
import { unfollowed } from './followed.ts';
import { type FollowerIndex, ownersOf } from './index-followers.ts';
import { isNeutral } from './neutral.ts';

/** A follower that does not hold what the dense one holds for the same channels, and the pruned layers it concerns. */
export interface FollowerDisagreement {
  /** Pruned layer ids; empty for elements that follow no layer's channels. */
  readonly owners: readonly number[];
  readonly tensor: string;
  readonly detail: string;
  /** Whether it could not be compared, rather than differs. */
  readonly isOpen: boolean;
}

/** Layers (pruned ids) whose followers are not compared bit for bit. */
export interface Exceptions {
  /** Whether two programs folded BatchNorm into the layer, so that its bias may differ by rounding. */
  mayRound(owner: number): boolean;
  /** Whether nothing that follows the layer's channels is compared: its weights were changed as a whole. */
  isSkipped(owner: number): boolean;
  /** Whether a follower of these layers' channels may hold anything, or is compared in another way. */
  isFree(owners: readonly number[], follower: Follower): boolean;
  /** Channels (pruned ids) for which a tensor's elements are known to be what a mask leaves. */
  masked(tensor: Tensor): ReadonlySet<number>;
}

/** Compares every follower of the pruned network with the dense one's elements for the same channels. */
export function compareFollowers(
  correspondence: ChannelCorrespondence,
  dense: FollowerIndex,
  pruned: FollowerIndex,
  exceptions: Exceptions,
): readonly FollowerDisagreement[] {
  const found: FollowerDisagreement[] = [];
  const { assigned, partner } = correspondence;
  const isSkipped = (owners: readonly number[]): boolean =>
    owners.length > 0 && (owners.every((owner) => !assigned.has(owner)) || owners.some(exceptions.isSkipped));
  const compare = (follower: Follower, other: Follower): Difference | null => {
    const owners = ownersOf(correspondence.pruned, follower);
    if (isSkipped(owners) || exceptions.isFree(owners, follower)) return null;
    const unknown = owners.find((owner) => !assigned.has(owner));
    if (unknown !== undefined) {
      const { name } = correspondence.pruned.layers[unknown]!;
      return { detail: `it belongs to ${name} as well, whose filters could not be determined`, isOpen: true };
    }
    const mayRound = owners.length > 0 && owners.every(exceptions.mayRound);
    const detail = difference(correspondence, other, follower, mayRound, exceptions.masked(follower.tensor));
    return detail === null ? null : { detail, isOpen: false };
  };
  const lost = { dense: unfollowed(correspondence.dense), pruned: unfollowed(correspondence.pruned) };
  const absence = absenceOf(lost, correspondence);
  const isRewritten = rewritten(correspondence, dense, pruned);
  /** Whether its like may stand where neither model was followed, and this be another. */
  const mayBeOther = (follower: Follower, other: Follower, owners: readonly number[]): boolean =>
    follower.layer !== other.layer &&
    owners.some((owner) => lost.pruned.has(owner) && lost.dense.has(partner.get(owner)?.id ?? -1));
  for (const [key, followers] of pruned.byKey) {
    const { pairs, left } = pairFollowers(followers, dense.byKey.get(key) ?? [], compare);
    for (const [follower, other] of pairs) {
      const owners = ownersOf(correspondence.pruned, follower);
      if (isSkipped(owners) || exceptions.isFree(owners, follower)) continue;
      const ids = owners.flatMap((owner) => partner.get(owner)?.id ?? []);
      const outcome = other === null ? absence('dense', follower, ids) : compare(follower, other);
      const isOpen =
        outcome?.isOpen === true || owners.some(isRewritten) || (other !== null && mayBeOther(follower, other, owners));
      if (outcome !== null) found.push({ owners, tensor: nameOf(follower), ...outcome, isOpen });
    }
    left.forEach(addMissing);
  }
  for (const [key, followers] of dense.byKey) if (!pruned.byKey.has(key)) followers.forEach(addMissing);
  return found;

  function addMissing(follower: Follower): void {
    const ids = new Set(ownersOf(correspondence.dense, follower));
    const owners = [...assigned.keys()].filter((owner) => ids.has(partner.get(owner)!.id));
    if (owners.some(exceptions.isSkipped) || (owners.length === 0 && ids.size > 0)) return;
    const outcome = absence('pruned', follower, owners);
    const isOpen = outcome?.isOpen === true || owners.some(isRewritten);
    if (outcome !== null) found.push({ owners, tensor: nameOf(follower), ...outcome, isOpen });
  }
}

/**
 * Whether what follows a layer's channels is written in another form than in the dense model, a BatchNorm as a product and a sum, a
 * bias that is subtracted: then its vectors say nothing of one another.
 */
function rewritten(
  { dense, pruned, partner }: ChannelCorrespondence,
  before: FollowerIndex,
  after: FollowerIndex,
): (owner: number) => boolean {
  return (owner) => {
    const layer = partner.get(owner);
    if (layer === undefined) return false;
    const [a, b] = [before.keysOf(dense.layers[layer.id]!), after.keysOf(pruned.layers[owner]!)];
    const has = (keys: readonly string[], role: Follower['role']): boolean => keys.includes(`${layer.id} ${role}`);
    const isOneNormal = has(a, 'variance') !== has(b, 'variance') && has(a, 'scale') && has(b, 'scale');
    return isOneNormal || (a.some((key) => !b.includes(key)) && b.some((key) => !a.includes(key)));
  };
}

type Difference = Pick<FollowerDisagreement, 'detail' | 'isOpen'>;

type Side = 'dense' | 'pruned';

/** What it means that one model lacks a follower of the other: a difference only where it was followed to the end. */
function absenceOf(
  lost: Readonly<Record<Side, ReadonlyMap<number, string>>>,
  networks: Readonly<Record<Side, Network>>,
): (side: Side, follower: Follower, owners: readonly number[]) => Difference | null {
  const beside = { dense: besideComputed(networks.dense), pruned: besideComputed(networks.pruned) };
  return (side, follower, owners) => {
    if (isNeutral(follower)) return null;
    const own = owners.length === 0 ? [...lost[side].keys()] : owners;
    const into = own.map((owner) => lost[side].get(owner)).find((op) => op !== undefined);
    if (isOfPositions(follower) && own.some((owner) => beside[side].has(owner)))
      return { detail: `the ${side} model computes its ${follower.role} at run time`, isOpen: true };
    if (into === undefined) return { detail: `the ${side} model has no such ${follower.role}`, isOpen: false };
    return { detail: `the ${side} model was not followed behind ${into}, where its like may be`, isOpen: true };
  };
}

/**
 * Whether its elements are those of positions and not of filters: a detector's anchors, which another export computes. Of channels that
 * belong to no layer nobody knows which is which: each may be another.
 */
function isOfPositions({ channels }: Follower): boolean {
  return channels.length > 1 && channels[0] !== FIXED_CHANNEL && channels.every((id) => id === channels[0]);
}

/** Layers, by id, whose channels meet something that the model computes at run time. */
function besideComputed({ besideComputed: channels, channelOwner }: Network): ReadonlySet<number> {
  return new Set(Array.from(channels, (id) => channelOwner[id]!));
}

/** Constants that were computed have no name of their own. */
function nameOf({ tensor, layer, role }: Follower): string {
  return tensor.name || `${role} of ${layer}`;
}

interface FollowerPairs {
  readonly pairs: ReadonlyMap<Follower, Follower | null>;
  /** Dense followers that no pruned one is. */
  readonly left: readonly Follower[];
}

/**
 * Pairs the followers of one layer and role: as they stand where all fit, else those in one source layer (that fit, then others), then those that fit, then what is left in order. A shared
 * layer that is exported as a kernel for each call has its bias as often.
 */
function pairFollowers(
  followers: readonly Follower[],
  all: readonly Follower[],
  compare: (follower: Follower, partner: Follower) => Difference | null,
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
  if (followers.length === all.length && followers.every((follower, k) => compare(follower, all[k]!) === null)) {
    for (const [k, follower] of followers.entries()) pairs.set(follower, all[k]!);
    return { pairs, left: [] };
  }
  // A layer may have a bias of zeros beside its own.
  take((follower) =>
    unused().find((partner) => partner.layer === follower.layer && compare(follower, partner) === null),
  );
  take(({ layer }) => unused().find((partner) => partner.layer === layer));
  take((follower) => [...unused(), ...all].find((partner) => compare(follower, partner) === null));
  take(() => unused()[0]);
  for (const follower of followers) if (!pairs.has(follower)) pairs.set(follower, null);
  return { pairs, left: unused() };
}

function difference(
  correspondence: ChannelCorrespondence,
  dense: Follower,
  pruned: Follower,
  mayRound: boolean,
  masked: ReadonlySet<number>,
): string | null {
  const read = alikeData(dense.tensor, pruned.tensor);
  const first = read.next().value;
  if (first === undefined) return `its type is ${pruned.tensor.dtype}, the dense one's ${dense.tensor.dtype}`;
  const [a, b] = [bitsOf(first.dense)!, bitsOf(first.pruned)!];
  const positions = correspondence.positions(dense.channels, pruned.channels);
  if (positions === null) return keepsOthers(correspondence, dense, pruned, a, b, null);
  const isMasked = (at: number): boolean => masked.has(pruned.channels[at]!);
  // A loop: of all that recovery compares, most elements pass here.
  const isSame = (x: Bits, y: Bits): boolean => {
    for (let at = 0; at < positions.length; at++)
      if (x[positions[at]! * dense.stride] !== y[at * pruned.stride] && !isMasked(at)) return false;
    return true;
  };
  if (isSame(a, b) || [...read].some((data) => isSame(bitsOf(data.dense)!, bitsOf(data.pruned)!))) return null;
  const isNear = dense.isComputed || (mayRound && dense.role === 'bias');
  if (isNear && areNear(first, dense, pruned, positions, isMasked)) return null;
  return keepsOthers(correspondence, dense, pruned, a, b, positions, isMasked);
}

/**
 * Whether elements differ by no more than the rounding of what they were computed from: by another program, or by the same one
 * on vectors of another length (SIMD and scalar code paths).
 */
function areNear(
  data: AlikeData,
  dense: Follower,
  pruned: Follower,
  positions: Int32Array,
  isMasked: (at: number) => boolean,
): boolean {
  const [x, y] = [toFloat64(data.dense), toFloat64(data.pruned)];
  const most = x.reduce((size, value) => Math.max(size, Math.abs(value)), 0);
  const [rounding, tiny] = [ROUNDING * unitOf(data.reading.dtype), 2 * leastOf(data.reading.dtype)];
  for (let at = 0; at < positions.length; at++) {
    if (isMasked(at)) continue;
    const position = positions[at]!;
    const size = dense.terms?.[position] ?? pruned.terms?.[at] ?? most;
    if (!(Math.abs(x[position * dense.stride]! - y[at * pruned.stride]!) <= Math.max(rounding * size, tiny)))
      return false;
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
  positions: Int32Array | null,
  isMasked: (at: number) => boolean = () => false,
): string {
  const layer =
    ownersOf(correspondence.pruned, pruned).length === 1
      ? correspondence.partner.get(ownersOf(correspondence.pruned, pruned)[0]!)
      : undefined;
  const kept: number[] = [];
  if (layer !== undefined && !isOfPositions(pruned)) {
    const places = new Map<number | bigint, number>();
    for (const [at, id] of dense.channels.entries())
      places.set(a[at * dense.stride]!, places.has(a[at * dense.stride]!) ? -1 : id - layer.firstChannel);
    for (let at = 0; at < pruned.channels.length; at++) kept.push(places.get(b[at * pruned.stride]!) ?? -1);
    const own = Array.from(pruned.channels, (id) => correspondence.denseChannel(id)).map((id) =>
      id === null ? -1 : id - layer.firstChannel,
    );
    if (!kept.includes(-1) && !own.includes(-1)) {
      const missing = without(own, kept);
      const unexpected = without(kept, own);
      if (missing.length + unexpected.length > 0)
        return `it keeps ${filterWords(unexpected, 8)} instead of ${filterWords(missing, 8)}`;
      return 'it keeps the same filters in another order';
    }
  }
  const places = new Map(Array.from(dense.channels, (id, at) => [id, at] as const).reverse());
  const first = pruned.channels.findIndex((id, at) => {
    if (isMasked(at)) return false;
    const channel = correspondence.denseChannel(id);
    const position = positions?.[at] ?? (channel === null ? -1 : (places.get(channel) ?? -1));
    return position < 0 || a[position * dense.stride] !== b[at * pruned.stride];
  });
  return first < 0 ? 'it belongs to other channels' : `its value ${first} is not the dense one's`;
}
