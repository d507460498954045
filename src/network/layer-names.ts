import type { OnnxNode } from '../onnx/index.ts';
import type { SourceNames } from './names/source-name.ts';
import { baseOp } from './names/tensorflow.ts';
import { isTorchName } from './names/torch.ts';

/** What the names of all nodes tell of the layers that they belong to. */
export interface LayerNames {
  /** The layer that a node's name tells; null where it tells none. */
  layerOf(node: OnnxNode): string | null;
  /** Whether a node's name tells that the source has it: as one of a layer's own operators, or as a call in a module's forward(). */
  isNamed(node: OnnxNode): boolean;
  /** Whether a node is all that its source layer consists of. */
  isAlone(node: OnnxNode): boolean;
  /** Whether a nameless node leads, through nameless ones only, to nodes of a layer. */
  leadsTo(node: OnnxNode, layer: string): boolean;
}

/** @param nodes all nodes, in graph order */
export function layerNames(names: SourceNames, nodes: readonly OnnxNode[]): LayerNames {
  const counts = nodesPerLayer(nodes, names);
  const ahead = layersAhead(nodes, names);
  const layerOf = (node: OnnxNode): string | null => names.of(node)?.layer ?? null;
  return {
    layerOf,
    isNamed(node) {
      // Transposes of size-one axes are rewritten as reshapes, and keep their name.
      const source = names.of(node);
      return source === null ? isTorchName(node.name) : baseOp(source.op) !== 'transpose';
    },
    isAlone(node) {
      const layer = layerOf(node);
      return layer !== null && counts.get(layer) === 1;
    },
    leadsTo: (node, layer) => ahead.get(node)?.has(layer) ?? false,
  };
}

/** Makes names that are told from those in use by a number: `name`, `name#2`, ... */
export function numberedNames(): (name: string, used: ReadonlySet<string>) => string {
  const next = new Map<string, number>();
  return (name, used) => {
    if (!used.has(name)) return name;
    let n = next.get(name) ?? 2;
    while (used.has(`${name}#${n}`)) n++;
    next.set(name, n);
    return `${name}#${n}`;
  };
}

function nodesPerLayer(nodes: readonly OnnxNode[], names: SourceNames): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const node of nodes) {
    const layer = names.of(node)?.layer;
    if (layer !== undefined) counts.set(layer, (counts.get(layer) ?? 0) + 1);
  }
  return counts;
}

/** A nameless node that leads to more layers than this stands between layers, not inside one. */
const MAX_LAYERS_AHEAD = 64;

/** For each nameless node, the layers whose named nodes it reaches through nameless ones only. */
function layersAhead(nodes: readonly OnnxNode[], names: SourceNames): ReadonlyMap<OnnxNode, ReadonlySet<string>> {
  const readers = new Map<string, Set<string>>();
  const ahead = new Map<OnnxNode, ReadonlySet<string>>();
  const isNameless = (node: OnnxNode): boolean => names.of(node) === null;
  if (nodes.every(isNameless) || !nodes.some(isNameless)) return ahead;
  const addAll = (to: Set<string>, from: Iterable<string>): void => {
    for (const layer of from) if (to.size < MAX_LAYERS_AHEAD) to.add(layer);
  };
  for (const node of nodes.toReversed()) {
    const named = names.of(node)?.layer;
    const reached = new Set<string>();
    if (named !== undefined) reached.add(named);
    else {
      for (const name of node.outputs) addAll(reached, readers.get(name) ?? []);
      if (reached.size > 0 && reached.size < MAX_LAYERS_AHEAD) ahead.set(node, reached);
    }
    for (const name of node.inputs) {
      const known = readers.get(name) ?? new Set<string>();
      addAll(known, reached);
      readers.set(name, known);
    }
  }
  return ahead;
}
