import type { Layer, Network } from '../../network/index.ts';

/** Layers that read one layer. */
export interface Consumers {
  /** As Keras made those calls (`layer._outbound_nodes`), as far as names tell; else in graph order. */
  readonly layers: readonly Layer[];
  /** Whether names tell the order of them all. */
  readonly isCertain: boolean;
}

/**
 * The order in which Keras called the layers that read each layer decides the order of exploration, and ONNX does not keep
 * it: tf2onnx sorts nodes by name. What is left is the counters in names: Keras counts the layers of each class, and
 * many models number all their layers.
 */
export function consumersOf(network: Network): ReadonlyMap<Layer, Consumers> {
  const readers = new Map<Layer, Layer[]>();
  for (const layer of network.layers) {
    for (const id of new Set(layer.calls.flatMap((call) => call.inputs))) {
      const inbound = network.layers[id]!;
      const list = readers.get(inbound) ?? [];
      list.push(layer);
      readers.set(inbound, list);
    }
  }
  const byCreation = creationOrder(network);
  const order = (list: Layer[]): Consumers => {
    if (list.length === 1) return { layers: list, isCertain: true };
    const isCertain = list.every((a) => list.every((b) => a === b || byCreation(a, b) !== 0));
    return { layers: list.sort((a, b) => byCreation(a, b) || a.id - b.id), isCertain };
  };
  return new Map([...readers].map(([layer, list]) => [layer, order(list)]));
}

/** Negative where the first layer was made before the second, 0 where their names do not tell. */
function creationOrder(network: Network): (a: Layer, b: Layer) => number {
  const counted = network.layers.map((layer) => counterOf(layer.name)).filter((counter) => counter.number > 0);
  const isGlobal = new Set(counted.map((counter) => counter.base)).size > 2 && new Set(counted.map((counter) => counter.number)).size === counted.length;
  return (a, b) => {
    const [first, second] = [counterOf(a.name), counterOf(b.name)];
    if (first.base === second.base) return first.number - second.number;
    return isGlobal && first.number > 0 && second.number > 0 ? first.number - second.number : 0;
  };
}

/** `conv2d`, `conv2d_1`, `conv2d_2`: the first has no number. */
function counterOf(name: string): { readonly base: string; readonly number: number } {
  const found = /^(.*?)_(\d+)$/.exec(name);
  return found === null ? { base: name, number: 0 } : { base: found[1]!, number: Number(found[2]) };
}
