import { makersOf, type Network } from '../network/index.ts';
import type { NodeEdit, OnnxNode } from '../onnx/index.ts';

/** What nobody reads any more. */
export interface Unread {
  readonly nodes: ReadonlySet<OnnxNode>;
  /** Names of initializers. */
  readonly tensors: ReadonlySet<string>;
}

/**
 * Constants that nodes read no longer, since they are given others: stored ones, and the nodes that made them of those (the recurrence weights of
 * both directions, laid one behind another). A copy that kept them would be larger than it need be.
 */
export function unreadConstants(network: Network, edits: ReadonlyMap<OnnxNode, NodeEdit>): Unread {
  const { graph } = network.model;
  const reads = new Map([...network.readers].map(([name, readers]) => [name, readers.length]));
  const makers = makersOf(graph.nodes);
  const declared = new Set(graph.inputs.map(({ name }) => name));
  const unread: { nodes: Set<OnnxNode>; tensors: Set<string> } = { nodes: new Set(), tensors: new Set() };
  const lost = [...edits].flatMap(([node, { inputs }]) => [...(inputs?.keys() ?? [])].map((k) => node.inputs[k] ?? ''));
  for (let name = lost.pop(); name !== undefined; name = lost.pop()) {
    const left = (reads.get(name) ?? 0) - 1;
    reads.set(name, left);
    if (left !== 0 || !network.constants.has(name)) continue;
    const maker = makers.get(name);
    if (maker === undefined) {
      if (graph.initializers.has(name) && !declared.has(name)) unread.tensors.add(name);
    } else if (maker.outputs.every((output) => (reads.get(output) ?? 0) === 0)) {
      unread.nodes.add(maker);
      lost.push(...maker.inputs);
    }
  }
  return unread;
}
