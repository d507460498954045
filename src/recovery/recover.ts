import type { Layer, Network, RetainedIndices } from '../network/index.ts';
import { FIXED_CHANNEL } from '../network/index.ts';
import { assignRows } from './assign.ts';
import { type ChannelCorrespondence, correspond } from './columns.ts';
import { compareFollowers, type FollowerIndex, indexFollowers, list } from './followers.ts';
import { readKernel, rowGroups } from './kernel.ts';
import { lookUpByValue } from './lookup.ts';
import { nearestRow } from './rows.ts';
import { type Kernels, matchScaledRows } from './scaled-rows.ts';
import type { Assignment, Disagreement, KernelOutcome, LayerRecovery, Recovery } from './types.ts';

/** Which filters a caller would choose where dense rows are equal, by layer name: a hint that every other tensor is still held against. */
export type Preference = (layer: string) => RetainedIndices | null;

/**
 * Recovers which filters each layer of the pruned model really has, by the bits of its kernel rows over the input columns
 * that remain, and holds every other tensor that follows those channels against the dense model's.
 * @param prefer where several dense filters are equal in all that belongs to them, the ones to name
 */
export function recoverRetention(dense: Network, pruned: Network, prefer: Preference = () => null): Recovery {
  const correspondence = correspond(dense, pruned, partners(dense, pruned));
  const followers = { dense: indexFollowers(dense), pruned: indexFollowers(pruned) };
  const kernels = new Map<number, KernelOutcome>();
  const disagreements = new Map<number, Disagreement[]>();
  const elsewhere: Disagreement[] = [];
  const misplaced = new Map<string, readonly number[]>();
  const blame = (owner: number, disagreement: Disagreement): void => {
    const layer = pruned.layers[owner];
    if (layer === undefined || !dense.prunable.has(layer.name)) {
      elsewhere.push(disagreement);
      return;
    }
    disagreements.set(owner, [...(disagreements.get(owner) ?? []), disagreement]);
  };

  for (const layer of pruned.layers) {
    const denseLayer = correspondence.partner.get(layer.id);
    if (layer.weight === null || denseLayer === undefined) continue;
    const placed = placeLayer(correspondence, followers, denseLayer, layer, prefer(layer.name));
    kernels.set(layer.id, placed.outcome);
    if (placed.assigned !== null) correspondence.assign(layer, placed.assigned);
    if (placed.misplaced === null) continue;
    misplaced.set(layer.name, [...placed.misplaced]);
    for (const { owner, disagreement } of misplacedColumns(correspondence, denseLayer, layer, placed.misplaced))
      blame(owner, disagreement);
  }
  for (const { owners, tensor, detail } of compareFollowers(correspondence, followers.dense, followers.pruned)) {
    if (owners.length === 0) elsewhere.push({ tensor, consumer: null, detail });
    for (const owner of owners) blame(owner, { tensor, consumer: null, detail });
  }

  for (const name of pruned.prunable.keys()) {
    const layer = isFoldedCall(dense, name) ? pruned.prunable.get(name.replace(CALL_SUFFIX, '')) : undefined;
    if (layer === undefined) continue;
    // Which call's BatchNorm went into which kernel is not told.
    kernels.set(layer.id, {
      kind: 'unrecognized',
      detail: 'it is shared, and BatchNorm is folded into each of its calls',
    });
    disagreements.delete(layer.id);
  }
  const layers = new Map<string, LayerRecovery>();
  for (const name of dense.prunable.keys()) {
    const layer = pruned.prunable.get(name);
    const kernel = layer === undefined ? undefined : kernels.get(layer.id);
    layers.set(
      name,
      layer === undefined || kernel === undefined
        ? { name, kernel: { kind: 'missing' }, ...retention(undefined), disagreements: [] }
        : {
            name,
            kernel,
            ...retention(correspondence.assigned.get(layer.id)),
            disagreements: disagreements.get(layer.id) ?? [],
          },
    );
  }
  const isOther = (layer: Layer, { prunable }: Network): boolean =>
    layer.kind === 'conv-transpose' && prunable.get(layer.name) !== layer;
  const others = pruned.layers.filter((layer) => isOther(layer, pruned));
  for (const layer of others) {
    const outcome = kernels.get(layer.id);
    if (outcome === undefined)
      elsewhere.push({ tensor: layer.name, consumer: null, detail: 'the dense model has no such layer' });
    else if (outcome.kind !== 'exact')
      elsewhere.push({
        tensor: layer.name,
        consumer: null,
        detail: 'detail' in outcome ? outcome.detail : outcome.kind,
      });
    else if (
      correspondence.assigned.get(layer.id)?.some((filter, at) => filter !== at) ||
      layer.filters !== correspondence.partner.get(layer.id)?.filters
    ) {
      elsewhere.push({
        tensor: layer.name,
        consumer: null,
        detail: 'a transposed convolution keeps all its output channels, this one does not',
      });
    }
  }
  for (const layer of dense.layers) {
    if (isOther(layer, dense) && ![...correspondence.partner.values()].includes(layer))
      elsewhere.push({ tensor: layer.name, consumer: null, detail: 'the pruned model has no such layer' });
  }
  const extra = [...pruned.prunable.keys()].filter((name) => !dense.prunable.has(name) && !isFoldedCall(dense, name));
  return { layers, misplaced, extra, elsewhere };
}

const CALL_SUFFIX = /#\d+$/;

/** A shared layer whose calls have a BatchNorm each is folded into a kernel for each call: `name`, `name#2`. */
function isFoldedCall(dense: Network, name: string): boolean {
  const shared = CALL_SUFFIX.test(name) ? dense.prunable.get(name.replace(CALL_SUFFIX, '')) : undefined;
  return shared !== undefined && shared.calls.length > 1;
}

/** Layers with weights of the same name and kind. */
export function partners(dense: Network, pruned: Network): ReadonlyMap<number, Layer> {
  const byName = new Map(dense.layers.filter((layer) => layer.weight !== null).map((layer) => [layer.name, layer]));
  const pairs = new Map<number, Layer>();
  for (const layer of pruned.layers) {
    const partner = layer.weight === null ? undefined : byName.get(layer.name);
    if (partner !== undefined && isSameKind(partner, layer)) pairs.set(layer.id, partner);
  }
  return pairs;
}

/**
 * A depthwise conv that keeps one channel is exported as an ordinary conv of one input and one output, and a grouped conv
 * that keeps one input channel in each group is a depthwise one.
 */
function isSameKind(dense: Layer, pruned: Layer): boolean {
  return (
    dense.kind === pruned.kind ||
    (dense.kind === 'depthwise' && pruned.kind === 'conv' && pruned.filters === 1) ||
    (dense.kind === 'conv' && pruned.kind === 'depthwise' && dense.groups === pruned.groups)
  );
}

/** A few altered filters are worth naming; comparing each row of a retrained layer with every dense one is not. */
const MAX_NEAREST = 16;

interface Placed {
  readonly outcome: KernelOutcome;
  readonly assigned: Assignment | null;
  /** Dense input columns, where they are not those of the channels that reach the layer. */
  readonly misplaced: Int32Array | null;
}

interface Followers {
  readonly dense: FollowerIndex;
  readonly pruned: FollowerIndex;
}

function placeLayer(
  correspondence: ChannelCorrespondence,
  followers: Followers,
  denseLayer: Layer,
  layer: Layer,
  preferred: RetainedIndices | null,
): Placed {
  const fail = (detail: string): Placed => ({
    outcome: { kind: 'unrecognized', detail },
    assigned: null,
    misplaced: null,
  });
  const kernels = {
    dense: readKernel(correspondence.dense, denseLayer),
    pruned: readKernel(correspondence.pruned, layer),
  };
  if (kernels.dense === null || kernels.pruned === null) return fail('its weight is computed at run time');
  if (kernels.dense.dtype !== kernels.pruned.dtype)
    return fail(`its weights are ${kernels.pruned.dtype}, the dense ones ${kernels.dense.dtype}`);
  if (kernels.dense.weight.kernelOffsets.length !== kernels.pruned.weight.kernelOffsets.length)
    return fail('its kernel has another size than the dense one');
  const both: Kernels = {
    dense: kernels.dense,
    pruned: kernels.pruned,
    rescaled: (steps) => readKernel(correspondence.dense, denseLayer, steps),
  };

  const place = (columns: Int32Array, tolerance: Tolerance) =>
    placeRows(both, columns, tolerance, followers, denseLayer, layer, preferred);
  const columns = columnsOf(correspondence, denseLayer, layer);
  const asWired = columns === null ? null : place(columns, 'few');
  if (asWired !== null) return { ...asWired, misplaced: null };
  // No row fits the channels that reach the layer: its own values may tell which columns it kept.
  const found = lookUpByValue(both.dense, both.pruned);
  const isTold = found !== null && !found.rows.includes(-1) && !found.columns.includes(-1);
  const asFound = isTold ? place(found.columns, 'few') : null;
  if (asFound !== null) return { ...asFound, misplaced: found!.columns };
  const altered = columns === null ? null : place(columns, 'many');
  if (altered !== null) return { ...altered, misplaced: null };
  return fail(
    layer.folding.state !== denseLayer.folding.state
      ? `BatchNorm is ${layer.folding.state === 'folded' ? 'folded into it' : 'not folded into it'}, unlike the dense layer`
      : 'none of its filters is a dense filter',
  );
}

/** How many filters may differ from every dense filter before their columns are doubted. */
type Tolerance = 'few' | 'many';

function columnsOf(correspondence: ChannelCorrespondence, denseLayer: Layer, layer: Layer): Int32Array | null {
  if (denseLayer.kind === 'depthwise' && denseLayer.groups === denseLayer.filters) return Int32Array.of(0);
  for (const [k, call] of layer.calls.entries()) {
    const columns = correspondence.positions(denseLayer.calls[k]?.columns ?? null, call.columns);
    if (columns !== null) return columns;
  }
  return null;
}

/** @returns null where no row at all is recognized over these columns */
function placeRows(
  kernels: Kernels,
  columns: Int32Array,
  tolerance: Tolerance,
  followers: Followers,
  denseLayer: Layer,
  layer: Layer,
  preferred: RetainedIndices | null,
): Omit<Placed, 'misplaced'> | null {
  const groups = rowGroups(kernels.dense, kernels.pruned, columns);
  if (groups === null) return null;
  const matches = matchScaledRows(kernels, groups);
  const filters = matches.first.length;
  const unmatched = unmatchedIn(matches.first);
  if (tolerance === 'few' && unmatched.length * 2 > filters) return null;
  const nearest = new Map(
    unmatched.slice(0, MAX_NEAREST).map((p) => {
      const group = groups.find((g) => p >= g.first && p < g.end)!;
      return [p, nearestRow(kernels.dense, kernels.pruned, group, p)];
    }),
  );
  const unknown = unmatched.filter((p) => (nearest.get(p) ?? null) === null);
  if (unknown.length * 2 > filters) return null;
  for (const p of unmatched) matches.first[p] = nearest.get(p)?.filter ?? -1;
  const assigned = assignRows(matches, {
    preferred,
    isSame: (filter, p) => followers.dense.fingerprint(denseLayer, filter) === followers.pruned.fingerprint(layer, p),
  });
  if (unmatched.length === 0) return { outcome: { kind: 'exact' }, assigned };
  const first = unmatched[0]!;
  const near = nearest.get(first) ?? null;
  const size = groups[0]!.offsets.length;
  const detail =
    near === null
      ? `${unmatched.length} of its ${filters} filters are no dense filter, the first is its filter ${first}`
      : `its filter ${first} is dense filter ${near.filter} but for ${near.differing} of ${size} values${unmatched.length > 1 ? `, and ${unmatched.length - 1} more filters differ` : ''}`;
  return { outcome: { kind: 'altered', detail }, assigned };
}

interface Blame {
  /** Pruned layer id whose channels are concerned. */
  readonly owner: number;
  readonly disagreement: Disagreement;
}

/** Which layers' channels a consumer keeps otherwise than those layers themselves. */
function misplacedColumns(
  correspondence: ChannelCorrespondence,
  denseLayer: Layer,
  layer: Layer,
  found: Int32Array,
): readonly Blame[] {
  const about = { tensor: `input columns of ${layer.name}`, consumer: layer.name };
  const { dense, pruned } = correspondence;
  const [denseColumns, columns] = [denseLayer.calls[0]?.columns, layer.calls[0]?.columns];
  if (!(denseColumns instanceof Int32Array) || !(columns instanceof Int32Array)) return [];
  const keptBy = new Map<number, { readonly kept: number[]; readonly own: Assignment }>();
  const misplaced: Blame[] = [];
  for (const [at, id] of columns.entries()) {
    const denseId = denseColumns[found[at]!]!;
    if (id === FIXED_CHANNEL || denseId === FIXED_CHANNEL) {
      if (id !== denseId)
        return [
          { owner: -1, disagreement: { ...about, detail: 'they mix channels of the model input and of a layer' } },
        ];
      continue;
    }
    const owner = pruned.channelOwner[id]!;
    const from = dense.layers[dense.channelOwner[denseId]!]!;
    const own = correspondence.assigned.get(owner);
    if (own === undefined) continue;
    if (from.name !== pruned.layers[owner]!.name) {
      misplaced.push({ owner, disagreement: { ...about, detail: `they were cut for the channels of ${from.name}` } });
      continue;
    }
    const entry = keptBy.get(owner) ?? { kept: [], own };
    entry.kept.push(denseId - from.firstChannel);
    keptBy.set(owner, entry);
  }
  for (const [owner, { kept, own }] of keptBy) {
    const unexpected = [...new Set(kept)].filter((filter) => !own.includes(filter));
    const missing = [...own].filter((filter) => !kept.includes(filter));
    const detail =
      unexpected.length + missing.length > 0
        ? `they keep ${list(unexpected)} instead of ${list(missing)}`
        : 'they keep its filters in another order';
    const isSame = unexpected.length + missing.length === 0 && String(kept.slice(0, own.length)) === String([...own]);
    if (!isSame) misplaced.push({ owner, disagreement: { ...about, detail } });
  }
  if (misplaced.length === 0 && keptBy.size > 0) {
    misplaced.push({
      owner: [...keptBy.keys()][0]!,
      disagreement: { ...about, detail: 'they are not the columns of the channels that reach it' },
    });
  }
  return [...new Map(misplaced.map((entry) => [`${entry.owner} ${entry.disagreement.detail}`, entry])).values()];
}

function unmatchedIn(first: Int32Array): number[] {
  const unmatched: number[] = [];
  for (let p = 0; p < first.length; p++) if (first[p] === -1) unmatched.push(p);
  return unmatched;
}

function retention(
  assigned: Assignment | undefined,
): Pick<LayerRecovery, 'actual' | 'order' | 'isPermuted' | 'duplicated'> {
  if (assigned === undefined || assigned.includes(-1))
    return { actual: null, order: null, isPermuted: false, duplicated: [] };
  const filters = Array.from(assigned);
  if (assigned.every((filter, at) => at === 0 || filter > assigned[at - 1]!))
    return { actual: filters, order: filters, isPermuted: false, duplicated: [] };
  const ordered = assigned.slice().sort();
  const sorted = [...new Set(ordered)];
  const duplicated = [...new Set(ordered.filter((filter, at) => filter === ordered[at - 1]))];
  return {
    actual: sorted,
    order: filters,
    isPermuted: assigned.some((filter, at) => at > 0 && filter < assigned[at - 1]!),
    duplicated,
  };
}
