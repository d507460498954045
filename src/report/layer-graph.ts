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
  const shown = layers.filter(isShown);
  const nodes = shown.map(({ name, op }, k) => ({ name, op, isPrunable: prunable.get(name) === shown[k] }));
  const at = new Map(shown.map(({ id }, k) => [id, k]));
  const sourceOf = sourcesOf(layers);
  const edges: number[] = [];
  for (const [k, layer] of shown.entries()) {
    // A layer may read one that is numbered later: one that several others share is numbered by its first call.
    for (const from of new Set(inputsOf(layer).flatMap((input) => at.get(sourceOf(input)) ?? []))) edges.push(from, k);
    if (edges.length > 2 * MOST_EDGES) return null;
  }
  return { nodes, edges };
}

function isShown(layer: Layer): boolean {
  return layer.kind === 'input' || layer.weight !== null || inputsOf(layer).length > 1;
}

function inputsOf({ calls }: Layer): readonly number[] {
  return [...new Set(calls.flatMap(({ inputs }) => inputs))];
}

/** The shown layer that a layer's channels come from: what is not shown reads one other. */
function sourcesOf(layers: readonly Layer[]): (id: number) => number {
  const byId = new Map(layers.map((layer) => [layer.id, layer]));
  const known = new Map<number, number>();
  return (id) => {
    const passed: number[] = [];
    let source = id;
    while (!known.has(source) && passed.length <= layers.length) {
      const layer = byId.get(source);
      const [input] = layer === undefined || isShown(layer) ? [] : inputsOf(layer);
      if (input === undefined) break;
      passed.push(source);
      source = input;
    }
    source = known.get(source) ?? source;
    for (const each of passed) known.set(each, source);
    return source;
  };
}
