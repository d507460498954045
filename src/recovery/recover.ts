import type { Layer, Network, RetainedIndices } from '../network/index.ts';
import { type Alignment, align } from './align/align.ts';
import { type AlikePair, bringAlike } from './align/alike.ts';
import type { FoldedReference } from './align/same-model.ts';
import { correspond, type OpenCorrespondence } from './correspondence.ts';
import { compareFollowers, indexFollowers } from './followers.ts';
import { placeLayer } from './match/place.ts';
import { misplacedColumns } from './misplaced.ts';
import { layerRecoveries, type PrunedOutcome, seenFrom } from './results.ts';
import { transposedOutcomes } from './transposed.ts';
import type { Disagreement, Recovery } from './types.ts';

/** Which filters a caller would choose where dense rows are equal, by layer name: a hint that every other tensor is still compared with. */
export type Preference = (layer: string) => RetainedIndices | null;

/**
 * Recovers which filters each layer of the pruned model really has, by the bits of its kernel rows over the input columns
 * that remain, and compares every other tensor that follows those channels with the dense model's. Layers are told by their
 * names, else by the graph; where one model alone has its BatchNorm folded in, the other's is folded here.
 * @param prefer where several dense filters are equal in all that belongs to them, the ones to name
 * @param reference the dense model as its exporter folded it, whose weights the pruned ones are compared with
 */
export function recoverRetention(
  dense: Network,
  pruned: Network,
  prefer: Preference = () => null,
  reference: FoldedReference | null = null,
): Recovery {
  const found = recoverFrom(reference?.network ?? dense, pruned, prefer);
  return reference === null ? found : seenFrom(dense, reference, found);
}

function recoverFrom(dense: Network, pruned: Network, prefer: Preference): Recovery {
  const alignment = align(dense, pruned);
  const pair = bringAlike(dense, pruned, alignment);
  const correspondence = correspond(pair);
  const found = placeLayers(correspondence, pair, prefer);
  const transposed = transposedOutcomes(correspondence, found.outcomes, alignment.unplaced);
  return {
    layers: layerRecoveries(pair, alignment, found.outcomes),
    misplaced: found.misplaced,
    extra: extraLayers(pair, alignment),
    told: toldLayers(pruned, alignment),
    correspondence: { ...correspondence, dense, pruned },
    elsewhere: [...found.elsewhere, ...transposed.elsewhere],
    open: transposed.open,
  };
}

interface Found {
  /** By pruned layer id. */
  readonly outcomes: ReadonlyMap<number, PrunedOutcome>;
  readonly misplaced: ReadonlyMap<string, readonly number[]>;
  readonly elsewhere: readonly Disagreement[];
}

function placeLayers(correspondence: OpenCorrespondence, pair: AlikePair, prefer: Preference): Found {
  const { partner, mayRound } = pair;
  const followers = {
    dense: indexFollowers(pair.dense, (id) => id),
    pruned: indexFollowers(pair.pruned, (id) => partner.get(id)?.id),
  };
  const outcomes = new Map<number, PrunedOutcome & { readonly disagreements: Disagreement[] }>();
  const elsewhere: Disagreement[] = [];
  const misplaced = new Map<string, readonly number[]>();
  const blame = (owner: number, disagreement: Disagreement): void => {
    const name = partner.get(owner)?.name;
    const isPrunable = name !== undefined && pair.dense.prunable.has(name);
    (isPrunable ? (outcomes.get(owner)?.disagreements ?? elsewhere) : elsewhere).push(disagreement);
  };

  for (const layer of pair.pruned.layers) {
    const denseLayer = partner.get(layer.id);
    if (layer.weight === null || denseLayer === undefined) continue;
    const placed = placeLayer(correspondence, {
      dense: denseLayer,
      pruned: layer,
      followers,
      preferred: prefer(denseLayer.name),
      mayRound: mayRound.has(layer.id),
    });
    outcomes.set(layer.id, { kernel: placed.outcome, assigned: placed.assigned, disagreements: [] });
    if (placed.assigned !== null) correspondence.assign(layer, placed.assigned);
    if (placed.misplaced === null) continue;
    misplaced.set(denseLayer.name, [...placed.misplaced]);
    for (const { owner, disagreement } of misplacedColumns(correspondence, denseLayer, layer, placed.misplaced))
      blame(owner, disagreement);
  }
  const differing = compareFollowers(correspondence, followers.dense, followers.pruned, {
    mayRound: (owner) => mayRound.has(owner),
    isSkipped: (owner) => outcomes.get(owner)?.kernel.kind === 'nearest',
  });
  for (const { owners, tensor, detail } of differing) {
    if (owners.length === 0) elsewhere.push({ tensor, consumer: null, detail });
    for (const owner of owners) blame(owner, { tensor, consumer: null, detail });
  }
  return { outcomes, misplaced, elsewhere };
}

/** Layers with names of their own that the dense model does not have, or that are too many. */
function extraLayers({ dense, pruned }: AlikePair, { partners, unplaced }: Alignment): readonly string[] {
  const found = new Set([...partners.values()].map(({ layer }) => layer.id));
  const isWhole = [...dense.prunable.values()].every(({ id }) => found.has(id));
  const isExtra = ({ id }: Layer): boolean => !partners.has(id) && (isWhole || !unplaced.has(id));
  return [...pruned.prunable.values()].filter(isExtra).map(({ name }) => name);
}

function toldLayers(pruned: Network, { partners }: Alignment): Recovery['told'] {
  return [...partners].flatMap(([id, { layer, by }]) =>
    by === 'name' ? [] : [{ pruned: pruned.layers[id]!.name, dense: layer.name, by }],
  );
}
