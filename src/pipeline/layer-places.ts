import { lazily, type Network } from '../network/index.ts';

interface LayerPlace {
  readonly location: string | null;
  readonly offset: number;
  readonly layer: string;
}

/**
 * Which layer's weights lie at a place of a model's file, or of a file beside it.
 * @returns null before the first of them
 */
export function layerPlaces(network: Network): (location: string | null, position: number) => string | null {
  const places = lazily(() => placesOf(network));
  return (location, position) =>
    places().findLast((place) => place.location === location && place.offset <= position)?.layer ?? null;
}

function placesOf({ prunable, model }: Network): readonly LayerPlace[] {
  return [...prunable.values()]
    .flatMap(({ name, weight }): readonly LayerPlace[] => {
      if (weight === null || 'opaque' in weight) return [];
      const storage = model.graph.initializers.get(weight.tensor.name)?.storage;
      if (storage?.kind === 'raw') return [{ location: null, offset: storage.offset, layer: name }];
      if (storage?.kind !== 'external') return [];
      return [{ location: storage.location, offset: storage.offset, layer: name }];
    })
    .sort((a, b) => a.offset - b.offset);
}
