import { type Layer, type Network, once, onceFor } from '../../network/index.ts';

/** Whether a layer counts as pruned (PrunedLayer.is_pruned); null for layers that decide nothing themselves. */
export type PrunedFlag = boolean | 'unknown' | null;

/** The layers that all calls of a layer read, in Keras's order (pruning.py `_get_inbound_layers`). */
export const inboundOf = onceFor(({ layers }: Network, { calls }: Layer): readonly Layer[] =>
  calls.flatMap(({ inputs }) => inputs.map((id) => layers[id]!)),
);

/**
 * Whether a layer counts as pruned: whether it or any of the nearest layers above that decide do (pruning.py `_is_layer_pruned`).
 * @param flags of layers that decide; null or missing for the others
 */
export function isLayerPruned(
  network: Network,
  layer: Layer,
  flags: ReadonlyMap<Layer, PrunedFlag>,
): boolean | 'unknown' {
  const seen = new Set<Layer>();
  const open = [layer];
  let isOpen = false;
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    if (seen.has(at)) continue;
    seen.add(at);
    const flag = flags.get(at) ?? null;
    if (flag === true) return true;
    if (flag === 'unknown') isOpen = true;
    if (flag === null) for (const inbound of inboundOf(network, at)) open.push(inbound);
  }
  return isOpen ? 'unknown' : false;
}

/** Whether a layer takes some of the channels that it reads, like a Slice of them; a Cropping2D takes all. */
export function takesChannels(network: Network, layer: Layer): boolean {
  const [before] = inboundOf(network, layer);
  return layer.kind === 'crop' && before !== undefined && widthOf(before) !== widthOf(layer);
}

/** The same for all layers of a network at once. */
export function prunedLayers(
  network: Network,
  flags: ReadonlyMap<Layer, PrunedFlag>,
): ReadonlyMap<Layer, boolean | 'unknown'> {
  const pruned = new Map<Layer, boolean | 'unknown'>();
  for (const layer of inboundFirst(network)) {
    const own = flags.get(layer) ?? null;
    // Only a circle has a layer behind one that reads it.
    const above = (): (boolean | 'unknown')[] =>
      inboundOf(network, layer).map((part) => pruned.get(part) ?? isLayerPruned(network, part, flags));
    pruned.set(layer, own ?? worst(above()));
  }
  return pruned;
}

function worst(above: readonly (boolean | 'unknown')[]): boolean | 'unknown' {
  if (above.includes(true)) return true;
  return above.includes('unknown') ? 'unknown' : false;
}

/** Channels of a layer's output in the dense model; null where they are not known. */
export function widthOf({ output: { shape, channelAxis } }: Layer): number | null {
  return shape === null || channelAxis === null ? null : (shape[channelAxis] ?? null);
}

/** Layers behind those that they read; where calls of a shared layer make a circle, behind those that came first. */
export const inboundFirst = once((network: Network): readonly Layer[] => {
  const ordered = new Set<Layer>();
  const entered = new Set<Layer>();
  for (const root of network.layers) {
    const open = [root];
    for (let at = open.at(-1); at !== undefined; at = open.at(-1)) {
      const isNew = !entered.has(at);
      entered.add(at);
      const before = isNew ? inboundOf(network, at).filter((layer) => !entered.has(layer)) : [];
      if (before.length > 0) for (const inbound of before.toReversed()) open.push(inbound);
      else {
        ordered.add(at);
        open.pop();
      }
    }
  }
  return [...ordered];
});
