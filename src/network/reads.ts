import type { OnnxGraph, OnnxNode } from '../onnx/index.ts';
import { once } from './once.ts';
import type { Network } from './types.ts';

/** Tensors that a node reads: its inputs, and what the branches of an If or the body of a Loop take from around them. */
export function readsOf(node: OnnxNode): readonly string[] {
  const graphs = graphsIn(node);
  return graphs.length === 0 ? node.inputs : [...node.inputs, ...graphs.flatMap((graph) => [...capturedBy(graph)])];
}

/** Graphs that run inside a node: mostly none, which is asked of each node again and again. */
export function graphsIn({ attributes }: OnnxNode): readonly OnnxGraph[] {
  const graphs: OnnxGraph[] = [];
  // Without an iterator, which makes an object for each attribute of each node.
  attributes.forEach((found) => {
    if (found.kind === 'graph') graphs.push(found.value);
    else if (found.kind === 'graphs') for (const graph of found.value) graphs.push(graph);
  });
  return graphs;
}

/** The node that makes each tensor. */
export function makersOf<N extends Pick<OnnxNode, 'outputs'>>(nodes: readonly N[]): ReadonlyMap<string, N> {
  const makers = new Map<string, N>();
  for (const node of nodes) for (const name of node.outputs) if (name !== '') makers.set(name, node);
  return makers;
}

/** The same of a network, which is asked for one layer after another. */
export const makersIn = once(({ nodes }: Network) => makersOf(nodes));

function* capturedBy(graph: OnnxGraph): Generator<string> {
  const own = new Set([
    ...graph.initializers.keys(),
    ...graph.sparseInitializers,
    ...graph.inputs.map(({ name }) => name),
  ]);
  for (const node of graph.nodes) for (const name of node.outputs) own.add(name);
  for (const node of graph.nodes) for (const name of readsOf(node)) if (!own.has(name)) yield name;
  for (const { name } of graph.outputs) if (!own.has(name)) yield name;
}
