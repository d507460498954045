import { type Layer, type Network, once } from '../../../network/index.ts';
import { inboundOf } from '../graph.ts';

/** Layers that read one layer. */
export interface Consumers {
  /** In the order of Keras's `layer._outbound_nodes`, which decides the order of exploration. */
  readonly layers: readonly Layer[];
  /** False where counters in their names say that the model was made in another order than a loaded model is. */
  readonly isCertain: boolean;
}

/**
 * The layers that read each layer. TAO prunes a model that Keras loaded, and a loaded model is rebuilt in the order of
 * `model.layers`, which topology alone decides.
 */
export const consumersOf = once((network: Network): ReadonlyMap<Layer, Consumers> => {
  const rank = modelLayersRank(network);
  const readers = new Map<Layer, Set<Layer>>();
  for (const layer of network.layers) {
    for (const inbound of inboundOf(network, layer)) {
      readers.set(inbound, (readers.get(inbound) ?? new Set()).add(layer));
    }
  }
  const order = (set: ReadonlySet<Layer>): Consumers => {
    const layers = [...set].sort((a, b) => rank.get(a)! - rank.get(b)!);
    return { layers, isCertain: layers.every((layer, k) => k === 0 || !madeBefore(layer, layers[k - 1]!)) };
  };
  return new Map([...readers].map(([layer, set]) => [layer, order(set)]));
});

/**
 * Position of each layer in Keras's `model.layers`: by depth (longest path to an output), deepest first, then by first
 * visit of a depth-first walk from the outputs (keras/src/engine/functional.py, `_map_graph_network`).
 */
function modelLayersRank(network: Network): ReadonlyMap<Layer, number> {
  const visited = new Map<Layer, number>();
  const finished: Layer[] = [];
  const stack: { readonly layer: Layer; readonly inputs: readonly Layer[]; next: number }[] = [];
  const enter = (layer: Layer): void => {
    if (visited.has(layer)) return;
    visited.set(layer, visited.size);
    stack.push({ layer, inputs: inboundOf(network, layer), next: 0 });
  };
  for (const output of [...network.outputLayers, ...network.layers.toReversed()]) {
    enter(output);
    while (stack.length > 0) {
      const top = stack.at(-1)!;
      const input = top.inputs[top.next++];
      if (input !== undefined) enter(input);
      else finished.push(stack.pop()!.layer);
    }
  }
  const depth = new Map<Layer, number>();
  for (const layer of finished.toReversed()) {
    const own = depth.get(layer) ?? 0;
    depth.set(layer, own);
    for (const inbound of inboundOf(network, layer)) depth.set(inbound, Math.max(depth.get(inbound) ?? 0, own + 1));
  }
  const sorted = [...network.layers].sort((a, b) => depth.get(b)! - depth.get(a)! || visited.get(a)! - visited.get(b)!);
  return new Map(sorted.map((layer, k) => [layer, k]));
}

/** Whether counters tell that a layer was made before another: `dw`, `dw_1`, `dw_2` in Keras's own naming. */
function madeBefore(layer: Layer, other: Layer): boolean {
  const [a, b] = [counterOf(layer.name), counterOf(other.name)];
  return a.base === b.base && a.number < b.number;
}

function counterOf(name: string): { readonly base: string; readonly number: number } {
  const found = /^(.*?)_(\d+)$/.exec(name);
  return found === null ? { base: name, number: 0 } : { base: found[1]!, number: Number(found[2]) };
}
