import { isMadeUp } from './names.ts';
import type { Layer, Network } from './types.ts';

/** A pruned network whose nameless layers carry the names of the dense layers that they are. */
export interface Alignment {
  readonly pruned: Network;
  /** Layers that were told by their place in the graph: name in the pruned model, name in the dense one. */
  readonly renamed: ReadonlyMap<string, string>;
}

/**
 * Names the pruned model's layers like the dense model's where an exporter lost the name (`Conv__1790`): a layer is told
 * by its kind and by the named layers with weights that come before and after it, and only where exactly one layer of
 * each model fits.
 */
export function alignNames(dense: Network, pruned: Network): Alignment {
  const [before, after] = [neighboursOf(dense), neighboursOf(pruned)];
  const names = new Map<Layer, string>();
  for (const layer of weighted(pruned))
    if (isSamePlace(dense.prunable.get(layer.name), layer)) names.set(layer, layer.name);
  const renamed = new Map<string, string>();
  for (let isProgress = true; isProgress; ) {
    isProgress = false;
    const taken = new Set(names.values());
    const open = byPlace(
      weighted(dense).filter((layer) => !taken.has(layer.name)),
      before,
      (layer) => (taken.has(layer.name) ? layer.name : null),
    );
    // A layer with a name of its own that the dense model does not have is another layer, wherever it stands.
    const lost = byPlace(
      weighted(pruned).filter((layer) => !names.has(layer) && isMadeUp(layer.name)),
      after,
      (layer) => names.get(layer) ?? null,
    );
    for (const [place, layers] of lost) {
      const partners = open.get(place) ?? [];
      if (layers.length !== 1 || partners.length !== 1) continue;
      names.set(layers[0]!, partners[0]!.name);
      renamed.set(layers[0]!.name, partners[0]!.name);
      isProgress = true;
    }
  }
  return renamed.size === 0 ? { pruned, renamed } : { pruned: withNames(pruned, names), renamed };
}

interface Neighbours {
  readonly before: ReadonlySet<Layer>;
  readonly after: Set<Layer>;
}

function weighted(network: Network): readonly Layer[] {
  return network.layers.filter((layer) => layer.weight !== null);
}

function isSamePlace(dense: Layer | undefined, pruned: Layer): boolean {
  return dense !== undefined && (dense.kind === pruned.kind || pruned.filters === 1);
}

/** Nearest layers with weights before and after each layer with weights, through all others. */
function neighboursOf(network: Network): ReadonlyMap<Layer, Neighbours> {
  const reached = new Map<Layer, ReadonlySet<Layer>>();
  const neighbours = new Map<Layer, Neighbours>();
  for (const layer of network.layers) {
    const before = new Set<Layer>();
    for (const id of layer.calls.flatMap((call) => call.inputs))
      for (const source of reached.get(network.layers[id]!) ?? []) before.add(source);
    reached.set(layer, layer.weight === null ? before : new Set([layer]));
    if (layer.weight === null) continue;
    neighbours.set(layer, { before, after: new Set() });
    for (const source of before) neighbours.get(source)?.after.add(layer);
  }
  return neighbours;
}

function byPlace(
  layers: readonly Layer[],
  neighbours: ReadonlyMap<Layer, Neighbours>,
  nameOf: (layer: Layer) => string | null,
): ReadonlyMap<string, readonly Layer[]> {
  const places = new Map<string, Layer[]>();
  const shown = (set: ReadonlySet<Layer>): string =>
    JSON.stringify([...set].map((layer) => nameOf(layer) ?? '').sort());
  for (const layer of layers) {
    const around = neighbours.get(layer);
    // A layer with nothing named around it could be any.
    if (around === undefined || ![...around.before, ...around.after].some((other) => nameOf(other) !== null)) continue;
    // A depthwise conv that keeps one channel is exported as an ordinary one.
    const kind = layer.kind === 'depthwise' ? 'conv' : layer.kind;
    const place = `${kind} ${layer.weight !== null && 'kernelOffsets' in layer.weight ? layer.weight.kernelOffsets.length : 0} ${shown(around.before)} ${shown(around.after)}`;
    places.set(place, [...(places.get(place) ?? []), layer]);
  }
  return places;
}

function withNames(network: Network, names: ReadonlyMap<Layer, string>): Network {
  const renamed = new Map(
    network.layers.map((layer) => [layer, names.has(layer) ? { ...layer, name: names.get(layer)! } : layer]),
  );
  const current = (layer: Layer): Layer => renamed.get(layer)!;
  const prunable = [...network.prunable.values()].map(current);
  return {
    ...network,
    layers: network.layers.map(current),
    outputLayers: network.outputLayers.map(current),
    prunable: new Map(prunable.map((layer) => [layer.name, layer])),
  };
}
