import { type Layer, lazily, type Onlooker, type RetainedIndices } from '../../network/index.ts';
import type { Assignment } from '../correspondence.ts';
import { type FollowerIndex, sharedKeys } from '../followers/index-followers.ts';
import type { Evidence } from './assign.ts';

export interface Followers {
  readonly dense: FollowerIndex;
  readonly pruned: FollowerIndex;
}

/** A pair of layers to place, and what is known of it. */
export interface PlacePair {
  readonly dense: Layer;
  readonly pruned: Layer;
  readonly followers: Followers;
  /** Who sees the dense weights while they are read, if anybody. */
  readonly onlooker: Onlooker | null;
  /** Filters to name where dense ones are equal. As `mayScale`, it may be found out when it is asked for, by reading other weights. */
  readonly preferred: RetainedIndices | null;
  /** What is known of filters with equal rows, as in `Evidence`. */
  readonly chosen: Assignment | null;
  /** Whether rows may be recognized by a part of the columns, for want of the others. */
  readonly mayBePartial: boolean;
  /** Whether values may differ by rounding: two programs folded BatchNorm into them. */
  readonly mayRound: boolean;
  /** Whether each filter may have a factor of its own: BatchNorm's statistics were computed again before it was folded in. */
  readonly mayScale: boolean;
}

/** What tells filters of a pair of layers apart beside their rows. @param chosen in place of what the pair knows */
export function evidenceOf(pair: PlacePair, chosen = pair.chosen): Evidence {
  const { followers, dense, pruned, mayRound } = pair;
  // Most layers have no equal rows, so that what would tell them apart is not read.
  const readers = lazily(() => {
    const keys = sharedKeys({ index: followers.dense, layer: dense }, { index: followers.pruned, layer: pruned });
    return {
      dense: followers.dense.elements(dense, keys, mayRound),
      pruned: followers.pruned.elements(pruned, keys, mayRound),
    };
  });
  return {
    get preferred() {
      return pair.preferred;
    },
    chosen,
    denseKey: (filter) => readers().dense(filter),
    prunedKey: (filter) => readers().pruned(filter),
  };
}

/** Rows recognized by what follows them, where that is different for each dense filter. */
export function rowsByFollowers(pair: PlacePair): Int32Array | null {
  const { denseKey, prunedKey } = evidenceOf(pair);
  const filters = new Map<string, number>();
  for (let filter = 0; filter < pair.dense.filters; filter++) {
    const key = denseKey(filter);
    filters.set(key, filters.has(key) ? -1 : filter);
  }
  const rows = Int32Array.from({ length: pair.pruned.filters }, (_, p) => filters.get(prunedKey(p)) ?? -1);
  return rows.includes(-1) ? null : rows;
}
