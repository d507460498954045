import type { Channels, Layer, Network } from '../network/index.ts';
import { FIXED_CHANNEL } from '../network/index.ts';

/** For each pruned filter, the dense filter it is; -1 where it is none. */
export type Assignment = Int32Array;

/**
 * Which layer and channel of the dense network each of the pruned one is, as far as it was recovered. Whoever compares the two
 * networks pairs by it, never by names.
 */
export interface ChannelCorrespondence {
  readonly dense: Network;
  readonly pruned: Network;
  /** Dense layer that each pruned layer with weights is, by pruned layer id. */
  readonly partner: ReadonlyMap<number, Layer>;
  /** The dense layer's call that each call of a pruned layer is, by pruned layer id. */
  readonly calls: ReadonlyMap<number, readonly number[]>;
  /** Dense filter of each pruned filter, by pruned layer id. */
  readonly assigned: ReadonlyMap<number, Assignment>;
  /** Whether no other dense filter has the same row as a pruned channel's, and what belongs to it: an equal one could stand for it. */
  isSure(id: number): boolean;
  /** Whether no pruned channel is this dense one, though its layer was recovered. */
  isGone(id: number): boolean;
  /** Dense channel id of a pruned channel; null where its layer was not recovered. */
  denseChannel(id: number): number | null;
  /**
   * Position in `dense` of each position in `pruned`: the n-th occurrence of a channel (flattening repeats them) is the
   * n-th in the dense one. Null where a channel is unknown, does not occur there, or one that is kept is left out.
   */
  positions(dense: Channels | null, pruned: Channels | null): Int32Array | null;
}

/** A correspondence to which layers' filters are added as they are found. */
export interface OpenCorrespondence extends ChannelCorrespondence {
  /** @param unsure pruned filters that other dense filters could be as well */
  assign(layer: Layer, filters: Assignment, unsure?: Iterable<number>): void;
}

/** The layers that a correspondence is about. */
export type LayerPairs = Pick<ChannelCorrespondence, 'dense' | 'pruned' | 'partner' | 'calls'>;

const UNKNOWN = -2;

/** A correspondence that knows no channels yet. */
export function correspond({ dense, pruned, partner, calls }: LayerPairs): OpenCorrespondence {
  const assigned = new Map<number, Assignment>();
  const unsureOnes = new Set<number>();
  // Dense layers of which some filters are known.
  const recovered = new Set<number>();
  const denseOf = new Int32Array(pruned.channelOwner.length).fill(UNKNOWN);
  const kept = new Uint8Array(dense.channelOwner.length);
  // BatchNorm's four vectors and the next kernel read the same channels.
  const known = new Map<Int32Array, { readonly dense: Int32Array; readonly positions: Int32Array }>();

  const place = placing(denseOf, kept);

  return {
    dense,
    pruned,
    partner,
    calls,
    assigned,
    assign(layer, filters, unsure = []) {
      assigned.set(layer.id, filters);
      for (const filter of unsure) unsureOnes.add(layer.firstChannel + filter);
      const denseLayer = partner.get(layer.id);
      if (denseLayer === undefined) return;
      for (let k = 0; k < filters.length; k++) {
        const filter = filters[k]!;
        if (filter < 0) continue;
        denseOf[layer.firstChannel + k] = denseLayer.firstChannel + filter;
        kept[denseLayer.firstChannel + filter] = 1;
      }
      recovered.add(denseLayer.id);
    },
    isSure: (id) => !unsureOnes.has(id),
    isGone: (id) => kept[id] === 0 && recovered.has(dense.channelOwner[id]!),
    denseChannel(id) {
      if (id === FIXED_CHANNEL) return FIXED_CHANNEL;
      const channel = denseOf[id]!;
      return channel === UNKNOWN ? null : channel;
    },
    positions(from, to) {
      if (!(from instanceof Int32Array) || !(to instanceof Int32Array)) return null;
      const cached = known.get(to);
      if (cached?.dense === from) return cached.positions;
      const positions = place(from, to);
      if (positions !== null) known.set(to, { dense: from, positions });
      return positions;
    },
  };
}

/**
 * Where the dense channels of pruned ones lie in a list of dense ones; null where one is not known, or others were kept.
 * @param denseOf dense channel of each pruned one
 * @param kept 1 for each dense channel that was kept
 */
function placing(denseOf: Int32Array, kept: Uint8Array): (from: Int32Array, to: Int32Array) => Int32Array | null {
  // First position of each dense channel in the list at hand, FIXED_CHANNEL at the end; all -1 between two lists.
  const next = new Int32Array(kept.length + 1).fill(-1);
  const fixed = kept.length;
  const placed = (from: Int32Array, to: Int32Array): Int32Array | null => {
    const following = new Int32Array(from.length);
    let count = 0;
    for (let at = from.length - 1; at >= 0; at--) {
      const id = from[at]!;
      const slot = id === FIXED_CHANNEL ? fixed : id;
      following[at] = next[slot]!;
      next[slot] = at;
      if (slot === fixed || kept[id] === 1) count++;
    }
    // A consumer that lost a whole branch keeps too few.
    if (count !== to.length) return null;
    const positions = new Int32Array(to.length);
    for (let at = 0; at < to.length; at++) {
      const id = to[at]!;
      const channel = id === FIXED_CHANNEL ? FIXED_CHANNEL : denseOf[id]!;
      const slot = channel === FIXED_CHANNEL ? fixed : channel;
      const position = channel === UNKNOWN ? -1 : next[slot]!;
      if (position < 0) return null;
      positions[at] = position;
      next[slot] = following[position]!;
    }
    return positions;
  };
  return (from, to) => {
    const positions = placed(from, to);
    for (let at = 0; at < from.length; at++) next[from[at] === FIXED_CHANNEL ? fixed : from[at]!] = -1;
    return positions;
  };
}
