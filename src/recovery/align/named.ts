import type { Network } from '../../network/index.ts';
import type { Recovery } from '../types.ts';

/** The pruned network with its layers called like the dense layers that they are. */
export function underDenseNames(pruned: Network, { correspondence }: Recovery): Network {
  return withNames(pruned, new Map([...correspondence.partner].map(([id, { name }]) => [id, name])));
}

/** A network with other names for layers, by id; those that would share a name are `name`, `name#2`, in graph order. */
export function withNames(network: Network, names: ReadonlyMap<number, string>): Network {
  if ([...names].every(([id, name]) => network.layers[id]!.name === name)) return network;
  const used = new Map<string, number>();
  const layers = network.layers.map((layer) => {
    const name = names.get(layer.id);
    if (name === undefined) return layer;
    const times = (used.get(name) ?? 0) + 1;
    used.set(name, times);
    return { ...layer, name: times === 1 ? name : `${name}#${times}` };
  });
  const prunable = [...network.prunable.values()].map(({ id }) => layers[id]!);
  return {
    ...network,
    layers,
    outputLayers: network.outputLayers.map(({ id }) => layers[id]!),
    prunable: new Map(prunable.map((layer) => [layer.name, layer])),
  };
}
