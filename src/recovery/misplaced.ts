import { FIXED_CHANNEL, type Layer } from '../network/index.ts';
import { filterWords, without } from '../prose/index.ts';
import type { ChannelCorrespondence } from './correspondence.ts';
import { otherQueries } from './shared-heads.ts';
import type { Disagreement } from './types.ts';
import { readsHeadsLeft } from './unfollowed-heads.ts';

/** What is wrong with a layer's channels. */
export interface Blame {
  /** Pruned layer id whose channels are concerned; -1 for none. */
  readonly owner: number;
  readonly disagreement: Disagreement;
}

const NOBODY = -1;

function fixedPositions(columns: Int32Array): readonly number[] {
  return [...columns.keys()].filter((at) => columns[at] === FIXED_CHANNEL);
}

/** Which layers' channels a consumer keeps otherwise than those layers themselves. */
export function misplacedColumns(
  correspondence: ChannelCorrespondence,
  denseLayer: Layer,
  layer: Layer,
  found: Int32Array,
): readonly Blame[] {
  const about = { tensor: `input columns of ${denseLayer.name}`, consumer: denseLayer.name };
  const { dense, pruned } = correspondence;
  const [denseColumns, columns] = [denseLayer.calls[0]?.columns, layer.calls[0]?.columns];
  if (!(denseColumns instanceof Int32Array) || !(columns instanceof Int32Array)) return [];
  const isOfShared = columns.every(
    (id, at) => pruned.shared.has(id) && correspondence.denseChannel(id) === denseColumns[found[at]!],
  );
  if (isOfShared) {
    const owner = otherQueries(correspondence, denseLayer, layer, found);
    const detail = 'they are those of other heads than of the queries that are left';
    return owner === null ? [] : [{ owner, disagreement: { ...about, detail } }];
  }
  const keptBy = new Map<number, { readonly kept: number[]; readonly own: number[] }>();
  const misplaced: Blame[] = [];
  let isKnown = true;
  const fixed = { expected: fixedPositions(denseColumns), found: [] as number[] };
  for (const [at, id] of columns.entries()) {
    const denseId = denseColumns[found[at]!]!;
    if (id === FIXED_CHANNEL || denseId === FIXED_CHANNEL) {
      if (id !== denseId)
        return [
          { owner: NOBODY, disagreement: { ...about, detail: 'they mix channels of the model input and of a layer' } },
        ];
      fixed.found.push(fixed.expected.indexOf(found[at]!));
      continue;
    }
    const owner = pruned.channelOwner[id]!;
    const from = dense.layers[dense.channelOwner[denseId]!]!;
    const own = correspondence.assigned.get(owner);
    if (own === undefined) {
      isKnown = false;
      continue;
    }
    if (from.id !== correspondence.partner.get(owner)?.id) {
      misplaced.push({ owner, disagreement: { ...about, detail: `they were cut for the channels of ${from.name}` } });
      continue;
    }
    const entry = keptBy.get(owner) ?? { kept: [], own: [] };
    entry.kept.push(denseId - from.firstChannel);
    // Not all of a layer reaches each of its readers: of queries, keys and values in one, a projection reads the values.
    entry.own.push(own[id - pruned.layers[owner]!.firstChannel]!);
    keptBy.set(owner, entry);
  }
  for (const [owner, { kept, own }] of keptBy) {
    const unexpected = without([...new Set(kept)], own);
    const missing = without([...new Set(own)], kept);
    const detail =
      unexpected.length + missing.length > 0
        ? `they keep ${filterWords(unexpected, 8)} instead of ${filterWords(missing, 8)}`
        : 'they keep its filters in another order';
    if (kept.some((filter, at) => filter !== own[at])) misplaced.push({ owner, disagreement: { ...about, detail } });
  }
  if (misplaced.length === 0 && isKnown && keptBy.size > 0) {
    misplaced.push({
      owner: [...keptBy.keys()][0]!,
      disagreement: { ...about, detail: 'they are not the columns of the channels that reach it' },
    });
  }
  if (fixed.found.some((position, at) => position !== at)) {
    const detail = `it reads the channels of the model's input in the order ${filterWords(fixed.found, 8)}, the dense one in ascending order`;
    misplaced.push({
      owner: NOBODY,
      disagreement: { tensor: `the input of ${denseLayer.name}`, consumer: denseLayer.name, detail },
    });
  }
  return [...new Map(misplaced.map((entry) => [`${entry.owner} ${entry.disagreement.detail}`, entry])).values()];
}

/**
 * Whether the columns that a layer's values tell are those of all channels that are left of what reaches it in the dense model. Where its
 * own could not be followed nothing is wrong with them.
 */
export function areAsDense(
  { isGone }: ChannelCorrespondence,
  denseLayer: Layer,
  layer: Layer,
  found: Int32Array,
): boolean {
  const [before, after] = [denseLayer.calls[0]?.columns, layer.calls[0]?.columns];
  if (!(before instanceof Int32Array) || after instanceof Int32Array) return false;
  const left = [...before.keys()].filter((at) => before[at] === FIXED_CHANNEL || !isGone(before[at]!));
  return left.length === found.length && left.every((at, k) => at === found[k]);
}

/**
 * What is open of a layer's columns where it is not known which channels they read: those that are left may be others than the channels
 * that are, and in another order.
 */
export function unfollowedColumns(
  correspondence: ChannelCorrespondence,
  denseLayer: Layer,
  layer: Layer,
  found: Int32Array,
): Disagreement | null {
  const isKnown = [denseLayer, layer].every(({ calls }) => calls[0]?.columns instanceof Int32Array);
  if (isKnown) return null;
  const about = { tensor: `input columns of ${denseLayer.name}`, consumer: denseLayer.name };
  if (found.some((column, at) => at > 0 && column <= found[at - 1]!)) {
    const detail = 'they stand in another order than in the dense model, and which channels reach them is not known';
    return { ...about, detail };
  }
  const size = columnsOf(denseLayer);
  if (size === found.length) return null;
  if (size !== null && readsHeadsLeft(correspondence, denseLayer, layer, found, size)) return null;
  return { ...about, detail: 'they are not all of the dense ones, and which channels reach them is not known' };
}

function columnsOf({ weight, groups }: Layer): number | null {
  return weight === null || 'opaque' in weight ? null : weight.inCount * groups;
}
