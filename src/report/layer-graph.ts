import type { Layer, Network } from '../network/index.ts';

/** Layers with weights and what joins them, in the order of the graph. */
export interface LayerGraph {
  readonly nodes: readonly LayerNode[];
  /** Pairs of positions in `nodes`: from, to, from, to. */
  readonly edges: readonly number[];
}

export interface LayerNode {
  readonly name: string;
  readonly op: string;
  /** Whether the pruner may cut it. */
  readonly isPrunable: boolean;
}

/** Nobody reads a picture of more; a hostile graph could ask for the square of its layers. */
const MOST_EDGES = 20_000;

/** The network without what only passes channels on; null where it is too large to be drawn. */
export function layerGraph({ layers, prunable }: Network): LayerGraph | null {
  const nodes: LayerNode[] = [];
  const edges: number[] = [];
  /** The nodes that a layer's result comes from. */
  const sources = new Map<number, readonly number[]>();
  let passed = 0;
  for (const layer of layers) {
    const read = [...new Set(layer.calls.flatMap(({ inputs }) => inputs.flatMap((input) => sources.get(input) ?? [])))];
    const isPrunable = prunable.get(layer.name) === layer;
    if (!isPrunable && !isJoint(layer, read.length)) {
      sources.set(layer.id, read);
      passed += read.length;
    } else {
      const id = nodes.push({ name: layer.name, op: layer.op, isPrunable }) - 1;
      for (const from of read) edges.push(from, id);
      sources.set(layer.id, [id]);
    }
    if (edges.length > 2 * MOST_EDGES || passed > 2 * MOST_EDGES) return null;
  }
  return { nodes, edges };
}

function isJoint({ kind, weight }: Layer, inputs: number): boolean {
  return kind === 'input' || weight !== null || inputs > 1;
}
