import { disjointSets, FIXED_CHANNEL, type Layer, type Network } from '../../network/index.ts';
import type { Assignment, ChannelCorrespondence } from '../correspondence.ts';
import { type FollowerIndex, sharedKeys } from '../followers/index-followers.ts';
import { columnKeys } from './column-keys.ts';
import type { Placed } from './place.ts';
import { windowsOf } from './windows.ts';

/** What was found of the layers so far, by pruned layer id, and what follows their channels. */
export interface Found {
  readonly placed: ReadonlyMap<number, Placed>;
  readonly followers: { readonly dense: FollowerIndex; readonly pruned: FollowerIndex };
  /** Which filters of a dense layer to name where nothing tells. */
  preferred(dense: Layer): ReadonlySet<number>;
}

/**
 * Tells filters with equal rows apart by everything that belongs to them: what follows their channels, the columns that are
 * read of them, and all of that of the channels which element-wise operations and depthwise convolutions tie to theirs.
 * @returns the dense filter of each pruned one, -1 where there was no choice, by pruned layer id; null where no row is equal
 */
export function chooseEqual(
  correspondence: ChannelCorrespondence,
  found: Found,
): ReadonlyMap<number, Assignment> | null {
  const unsure = unsureChannels(correspondence, found.placed);
  if (unsure.pruned.size === 0) return null;
  const tied = { dense: tiedChannels(correspondence.dense), pruned: tiedChannels(correspondence.pruned) };
  let roots: Both<readonly (readonly number[])[]> = {
    dense: membersOf(tied.dense, unsure.dense, correspondence.dense),
    pruned: membersOf(tied.pruned, unsure.pruned, correspondence.pruned),
  };
  const chosen = new Map<number, Assignment>();
  // Pruners keep the order; where that does not fit, what belongs to the filters decides alone.
  for (const isOrdered of [true, false]) {
    const keys = keysOf(correspondence, found, roots, isOrdered);
    const free = grouped(roots.dense, (members) => keyOf(members, keys.dense));
    const wanted = grouped(roots.pruned, (members) => keyOf(members, keys.pruned));
    const taken = new Set<readonly number[]>();
    for (const [key, prunedRoots] of wanted) {
      const picked = pick(free.get(key) ?? [], prunedRoots.length, (id) => isWanted(correspondence, found, id));
      for (const [k, denseMembers] of picked.entries()) {
        pair(correspondence, prunedRoots[k]!, denseMembers, chosen);
        taken.add(prunedRoots[k]!).add(denseMembers);
      }
    }
    roots = {
      dense: roots.dense.filter((members) => !taken.has(members)),
      pruned: roots.pruned.filter((members) => !taken.has(members)),
    };
  }
  return chosen;
}

/** So many sets of tied channels, preferred ones first, in ascending order. */
function pick(
  sets: readonly (readonly number[])[],
  count: number,
  isPreferred: (id: number) => boolean,
): readonly (readonly number[])[] {
  const preferred = sets.filter((members) => members.every(isPreferred));
  const others = preferred.length < count ? sets.filter((members) => !members.every(isPreferred)) : [];
  return [...preferred, ...others].slice(0, count).sort((a, b) => a[0]! - b[0]!);
}

interface Both<T> {
  readonly dense: T;
  readonly pruned: T;
}

/** Channels whose kernel row is also another filter's. */
function unsureChannels(
  { pruned, partner }: ChannelCorrespondence,
  placed: Found['placed'],
): Both<ReadonlySet<number>> {
  const unsure = { dense: new Set<number>(), pruned: new Set<number>() };
  for (const [id, { equal = [] }] of placed) {
    for (const { members, rows } of equal) {
      for (const p of members) unsure.pruned.add(pruned.layers[id]!.firstChannel + p);
      for (const row of rows) unsure.dense.add(partner.get(id)!.firstChannel + row);
    }
  }
  return unsure;
}

/** The representative of each channel among those that are tied to it. */
function tiedChannels({ channelOwner, couplings }: Network): Int32Array {
  const ties = disjointSets(channelOwner.length);
  for (const { operands } of couplings) {
    const [first, ...others] = operands;
    for (const other of others) {
      for (let at = 0; at < other.length; at++) {
        const id = other[at]!;
        const lead = first![at]!;
        if (id !== FIXED_CHANNEL && lead !== FIXED_CHANNEL) ties.join(lead, id);
      }
    }
  }
  return Int32Array.from({ length: channelOwner.length }, (_, id) => ties.rootOf(id));
}

/** Members of each set of tied channels that holds an unsure one, ascending. */
function membersOf(tied: Int32Array, unsure: ReadonlySet<number>, { channelOwner }: Network): readonly number[][] {
  const members = new Map<number, number[]>([...unsure].map((id) => [tied[id]!, []]));
  for (let id = 0; id < channelOwner.length; id++) members.get(tied[id]!)?.push(id);
  return [...members.values()].sort((a, b) => a[0]! - b[0]!);
}

/** What is known of each channel, by id: equal where a pruned channel could be a dense one. */
function keysOf(
  correspondence: ChannelCorrespondence,
  { placed, followers }: Found,
  roots: Both<readonly (readonly number[])[]>,
  isOrdered: boolean,
): Both<ReadonlyMap<number, readonly string[]>> {
  const asked = { dense: new Set(roots.dense.flat()), pruned: new Set(roots.pruned.flat()) };
  const keys = { dense: new Map<number, string[]>(), pruned: new Map<number, string[]>() };
  const add = (side: 'dense' | 'pruned', id: number, key: string): void => {
    if (!asked[side].has(id)) return;
    const known = keys[side].get(id);
    if (known === undefined) keys[side].set(id, [key]);
    else known.push(key);
  };
  for (const [id, { matches = null, outcome }] of placed) {
    const [layer, dense] = [correspondence.pruned.layers[id]!, correspondence.partner.get(id)!];
    if (matches === null) continue;
    const windows = isOrdered ? windowsOf(matches) : null;
    const shared = sharedKeys({ index: followers.dense, layer: dense }, { index: followers.pruned, layer });
    const addAll = (side: 'dense' | 'pruned', of: Layer): void => {
      const elements = followers[side].elements(of, shared, outcome.kind === 'rounded');
      for (let k = 0; k < of.filters; k++)
        if (asked[side].has(of.firstChannel + k))
          add(side, of.firstChannel + k, `${dense.id} ${matches[side][k]} ${windows?.[side][k] ?? 0} ${elements(k)}`);
    };
    addAll('pruned', layer);
    addAll('dense', dense);
  }
  for (const { side, channel, key } of columnKeys(correspondence, placed, asked)) add(side, channel, key);
  return keys;
}

function keyOf(members: readonly number[], keys: ReadonlyMap<number, readonly string[]>): string {
  return members
    .flatMap((id) => keys.get(id) ?? [])
    .sort()
    .join('|');
}

function grouped(
  roots: readonly (readonly number[])[],
  keyOfRoot: (members: readonly number[]) => string,
): ReadonlyMap<string, (readonly number[])[]> {
  const groups = new Map<string, (readonly number[])[]>();
  for (const members of roots) {
    const key = keyOfRoot(members);
    const known = groups.get(key);
    if (known === undefined) groups.set(key, [members]);
    else known.push(members);
  }
  return groups;
}

function isWanted({ dense }: ChannelCorrespondence, found: Found, id: number): boolean {
  const layer = dense.layers[dense.channelOwner[id]!]!;
  return found.preferred(layer).has(id - layer.firstChannel);
}

/** Writes down that channels which are tied together are dense ones which are: each layer's to its own. */
function pair(
  { dense, pruned, partner }: ChannelCorrespondence,
  prunedMembers: readonly number[],
  denseMembers: readonly number[],
  chosen: Map<number, Assignment>,
): void {
  const open = [...denseMembers];
  for (const id of prunedMembers) {
    const layer = pruned.layers[pruned.channelOwner[id]!]!;
    const denseLayer = partner.get(layer.id);
    const at = open.findIndex((other) => dense.channelOwner[other] === denseLayer?.id);
    if (denseLayer === undefined || at < 0) continue;
    const [other] = open.splice(at, 1);
    const known = chosen.get(layer.id) ?? new Int32Array(layer.filters).fill(-1);
    known[id - layer.firstChannel] = other! - denseLayer.firstChannel;
    chosen.set(layer.id, known);
  }
}
