import type { Layer, Onlooker, RetainedIndices } from '../network/index.ts';
import type { AlikePair } from './align/alike.ts';
import type { Allowed } from './allowed.ts';
import { type Assignment, correspond, type OpenCorrespondence } from './correspondence.ts';
import { chooseEqual } from './match/choose.ts';
import type { Followers } from './match/evidence.ts';
import { type Placed, placeLayer } from './match/place.ts';

/** Which filters a caller would choose where dense rows are equal, by layer name: a hint that every other tensor is still compared with. */
export type Preference = (layer: string) => RetainedIndices | null;

/** Where each pruned layer's filters come from, by id, and what that says of all channels. */
export interface PlacedLayers {
  readonly correspondence: OpenCorrespondence;
  readonly placed: ReadonlyMap<number, Placed>;
}

/** What guides the placing of layers, and who looks on. */
export interface Guides {
  readonly prefer: Preference;
  readonly allowed: Allowed;
  readonly onlooker: Onlooker | null;
}

type Chosen = ReadonlyMap<number, Assignment>;

/** Choices among equal rows lead to rows behind them, which lead to more choices: in so many rounds at most. */
const MAX_ROUNDS = 3;

/**
 * Places all layers in graph order. Where filters have equal rows, the first choice is made by what follows them, and mended
 * once the layers behind, which read their channels, are known.
 */
export function placeLayers(pair: AlikePair, followers: Followers, guides: Guides): PlacedLayers {
  const known = new Map<Layer, ReadonlySet<number>>();
  const preferred = (dense: Layer): ReadonlySet<number> => {
    const set = known.get(dense) ?? new Set(guides.prefer(dense.name) ?? []);
    known.set(dense, set);
    return set;
  };
  let found = placeAll(pair, followers, guides, new Map(), true);
  for (let round = 1; round <= MAX_ROUNDS; round++) {
    const { correspondence, placed } = found;
    const chosen = chooseEqual(correspondence, { placed, followers, preferred });
    const isPartial = [...placed.values()].some((layer) => layer.isPartial === true);
    if (!isPartial && (chosen === null || isAsChosen(chosen, placed))) return found;
    found = placeAll(pair, followers, guides, chosen ?? new Map(), round < MAX_ROUNDS);
  }
  return found;
}

function isAsChosen(chosen: Chosen, placed: PlacedLayers['placed']): boolean {
  return [...chosen].every(([id, filters]) => {
    const assigned = placed.get(id)!.assigned;
    return filters.every((filter, p) => filter < 0 || assigned?.[p] === filter);
  });
}

function placeAll(
  pair: AlikePair,
  followers: Followers,
  { prefer, allowed, onlooker }: Guides,
  chosen: Chosen,
  mayBePartial: boolean,
): PlacedLayers {
  const correspondence = correspond(pair);
  const placed = new Map<number, Placed>();
  for (const layer of pair.pruned.layers) {
    const dense = pair.partner.get(layer.id);
    if (layer.weight === null || dense === undefined) continue;
    const found = placeLayer(correspondence, {
      dense,
      pruned: layer,
      followers,
      onlooker,
      get preferred() {
        return prefer(dense.name);
      },
      chosen: chosen.get(layer.id) ?? null,
      mayBePartial,
      mayRound: pair.mayRound.has(layer.id),
      get mayScale() {
        return allowed.isRecalibrated(dense.name);
      },
    });
    placed.set(layer.id, found);
    if (found.assigned === null) continue;
    correspondence.assign(
      layer,
      found.assigned,
      found.equal?.flatMap(({ members }) => members),
    );
  }
  return { correspondence, placed };
}
