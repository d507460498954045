import type { FollowerRole, Layer, Network, Onlooker } from '../network/index.ts';
import { type Alignment, align } from './align/align.ts';
import { type AlikePair, bringAlike } from './align/alike.ts';
import type { FoldedReference } from './align/same-model.ts';
import { type Allowed, NOTHING_ELSE } from './allowed.ts';
import { type Compensations, compensationsIn } from './compensation.ts';
import type { ChannelCorrespondence } from './correspondence.ts';
import { compareFollowers } from './followers/compare.ts';
import { indexFollowers } from './followers/index-followers.ts';
import { exchangedInputs } from './inputs.ts';
import { ledAlike } from './leads.ts';
import { type Masks, masksOf } from './masks.ts';
import type { Followers } from './match/evidence.ts';
import { areAsDense, misplacedColumns, unfollowedColumns } from './misplaced.ts';
import { type Guides, type PlacedLayers, type Preference, placeLayers } from './placing.ts';
import { layerRecoveries, type PrunedOutcome, seenFrom } from './results.ts';
import { transposedOutcomes } from './transposed.ts';
import type { Disagreement, Recovery } from './types.ts';

/**
 * Recovers which filters each layer of the pruned model really has, by the bits of its kernel rows over the input columns
 * that remain, and compares every other tensor that follows those channels with the dense model's. Layers are recognized by their
 * names, else by the graph; where one model alone has its BatchNorm folded in, the other's is folded here.
 * @param prefer where several dense filters are equal in all that belongs to them, the ones to name
 * @param allowed what else may differ, because the pruner does more than to cut filters out
 * @param onlooker sees the dense weights that are read in blocks. What is preferred and allowed is asked for as late as can be, so that it
 * may be found out by what was seen
 * @param reference the dense model as its exporter folded it, whose weights the pruned ones are compared with
 */
export function recoverRetention(
  dense: Network,
  pruned: Network,
  prefer: Preference = () => null,
  reference: FoldedReference | null = null,
  allowed: Allowed = NOTHING_ELSE,
  onlooker: Onlooker | null = null,
): Recovery {
  const found = recoverFrom(reference?.network ?? dense, pruned, { prefer, allowed, onlooker });
  return reference === null ? found : seenFrom(dense, reference, found);
}

function recoverFrom(dense: Network, asRead: Network, guides: Guides): Recovery {
  const { allowed } = guides;
  const alignment = align(dense, asRead);
  const pruned = ledAlike(dense, asRead, alignment);
  const pair = bringAlike(dense, pruned, alignment);
  const followers = {
    dense: indexFollowers(pair.dense, (id) => id),
    pruned: indexFollowers(pair.pruned, (id) => pair.partner.get(id)?.id),
  };
  const { correspondence, placed } = placeLayers(pair, followers, guides);
  const changes = {
    masks: masksOf(dense, pair, placed),
    compensations: compensationsIn(dense, pair, correspondence, allowed),
    allowed,
  };
  const found = compareBelongings(correspondence, pair, placed, followers, changes);
  const transposed = transposedOutcomes(correspondence, found.outcomes, alignment.unplaced);
  const extra = extraLayers(pair, alignment);
  const hidden = extra.flatMap((layer): Disagreement[] => {
    const origin = hiddenOrigin(dense, layer);
    const detail = `the dense model has no such layer, but weights that were not followed (${origin?.op})`;
    return origin === undefined ? [] : [{ tensor: layer.name, consumer: null, detail }];
  });
  return {
    layers: layerRecoveries(pair, alignment, found.outcomes),
    misplaced: found.misplaced,
    extra: extra.filter((layer) => hiddenOrigin(dense, layer) === undefined).map(({ name }) => name),
    recognized: recognizedLayers(pruned, alignment),
    changed: changedLayers(dense, changes),
    correspondence: { ...correspondence, dense, pruned },
    elsewhere: [...found.elsewhere, ...exchangedInputs(correspondence), ...transposed.elsewhere],
    open: [...found.open, ...hidden, ...transposed.open],
  };
}

/** What a pruner did besides. */
interface Changes {
  readonly masks: Masks;
  readonly compensations: Compensations;
  readonly allowed: Allowed;
}

/** What the pruned model computes otherwise though nothing is wrong with it. */
function changedLayers({ prunable }: Network, { compensations, allowed }: Changes): ReadonlyMap<string, string> {
  const changed = new Map<string, string>();
  for (const name of compensations.layers) changed.set(name, 'what removed channels gave out is added to its bias');
  for (const { name, norms } of prunable.values())
    if (norms.some((norm) => norm !== null) && allowed.isRecalibrated(name))
      changed.set(name, "BatchNorm's statistics behind it were computed again");
  return changed;
}

interface Found {
  /** By pruned layer id. */
  readonly outcomes: ReadonlyMap<number, PrunedOutcome>;
  readonly misplaced: ReadonlyMap<string, readonly number[]>;
  readonly elsewhere: readonly Disagreement[];
  readonly open: readonly Disagreement[];
}

/** Compares all that belongs to the layers' channels: the columns that are read of them, and what follows them. */
function compareBelongings(
  correspondence: ChannelCorrespondence,
  { dense, pruned, partner, mayRound }: AlikePair,
  placed: PlacedLayers['placed'],
  followers: Followers,
  { masks, compensations, allowed }: Changes,
): Found {
  const lists = (): { readonly wrong: Disagreement[]; readonly open: Disagreement[] } => ({ wrong: [], open: [] });
  const byLayer = new Map([...placed.keys()].map((id) => [id, lists()]));
  const elsewhere = lists();
  const blame = (owner: number, disagreement: Disagreement, isOpen = false): void => {
    const name = partner.get(owner)?.name;
    const isPrunable = name !== undefined && dense.prunable.has(name);
    const list = isPrunable ? (byLayer.get(owner) ?? elsewhere) : elsewhere;
    (isOpen || hasOtherUnits(pruned.layers[owner], partner.get(owner)) ? list.open : list.wrong).push(disagreement);
  };
  const misplaced = new Map<string, readonly number[]>();
  for (const [id, { misplaced: columns }] of placed) {
    if (columns === null) continue;
    const denseLayer = partner.get(id)!;
    if (areAsDense(correspondence, denseLayer, pruned.layers[id]!, columns)) continue;
    misplaced.set(denseLayer.name, [...columns]);
    for (const { owner, disagreement } of misplacedColumns(correspondence, denseLayer, pruned.layers[id]!, columns))
      blame(owner, disagreement);
    const open = unfollowedColumns(correspondence, denseLayer, pruned.layers[id]!, columns);
    if (open !== null) blame(id, open, true);
  }
  const differing = compareFollowers(correspondence, followers.dense, followers.pruned, {
    mayRound: (owner) => mayRound.has(owner),
    isSkipped: (owner) => placed.get(owner)?.outcome.kind === 'nearest',
    masked: masks.masked,
    isFree: (owners, { role, tensor }) =>
      compensations.isCompared(tensor) || (owners.length > 0 && owners.every((owner) => isRecalibrated(owner, role))),
  });
  for (const { owner, disagreement, isOpen } of compensations.found) blame(owner, disagreement, isOpen);
  for (const { owners, tensor, detail, isOpen } of differing)
    for (const owner of owners.length === 0 ? [-1] : owners) blame(owner, { tensor, consumer: null, detail }, isOpen);
  const outcomes = new Map(
    [...placed].map(([id, { outcome, assigned }]) => {
      const { wrong, open } = byLayer.get(id)!;
      return [id, { kernel: outcome, assigned, zeroed: masks.ofLayer(id), disagreements: wrong, open }];
    }),
  );
  return { outcomes, misplaced, elsewhere: elsewhere.wrong, open: elsewhere.open };

  function isRecalibrated(owner: number, role: FollowerRole): boolean {
    const name = partner.get(owner)?.name;
    if (name === undefined || !allowed.isRecalibrated(name)) return false;
    // Folded, the statistics are part of the bias.
    return role === 'mean' || role === 'variance' || (role === 'bias' && mayRound.has(owner));
  }
}

/** Units of a recurrent layer are followed nowhere: where there are others, its vectors say nothing of one another. */
function hasOtherUnits(pruned: Layer | undefined, dense: Layer | undefined): boolean {
  return pruned?.kind === 'recurrent' && pruned.filters !== dense?.filters;
}

/** Layers with names of their own that the dense model does not have, or that are too many. */
function extraLayers({ dense, pruned }: AlikePair, { partners, unplaced }: Alignment): readonly Layer[] {
  const found = new Set([...partners.values()].map(({ layer }) => layer.id));
  const isWhole = [...dense.prunable.values()].every(({ id }) => found.has(id));
  const isExtra = ({ id }: Layer): boolean => !partners.has(id) && (isWhole || !unplaced.has(id));
  return [...pruned.prunable.values()].filter(isExtra);
}

/** The weight of the dense model that nobody looked at and that a layer may be cut from; undefined where there is none. */
function hiddenOrigin({ unseen }: Network, { weight }: Layer): Network['unseen'][number] | undefined {
  const size =
    weight !== null && 'tensor' in weight ? weight.outCount * weight.inCount * weight.kernelOffsets.length : 0;
  return unseen.find(({ tensor }) => tensor.elements >= size);
}

function recognizedLayers(pruned: Network, { partners }: Alignment): Recovery['recognized'] {
  return [...partners].flatMap(([id, { layer, by }]) =>
    by === 'name' ? [] : [{ pruned: pruned.layers[id]!.name, dense: layer.name, by }],
  );
}
