import type { OnnxNode } from '../onnx/index.ts';
import { makersOf, readsOf } from './reads.ts';

/**
 * Nodes behind those that they read. ONNX asks for that (onnx/docs/IR.md), but runtimes sort by themselves, so that converters leave
 * nodes that they add at the end. What reads itself stays where it is.
 */
export function inOrder(nodes: readonly OnnxNode[]): readonly OnnxNode[] {
  const makers = makersOf(nodes);
  if (isInOrder(nodes, makers)) return nodes;
  const ordered: OnnxNode[] = [];
  const entered = new Set<OnnxNode>();
  const done = new Set<OnnxNode>();
  for (const root of nodes) {
    const open = [root];
    for (let node = open.at(-1); node !== undefined; node = open.at(-1)) {
      const isNew = !entered.has(node);
      entered.add(node);
      const before = isNew ? readsOf(node).flatMap((name) => makers.get(name) ?? []) : [];
      const missing = before.filter((maker) => !entered.has(maker));
      if (missing.length > 0) open.push(...missing.toReversed());
      else {
        open.pop();
        if (!done.has(node)) ordered.push(node);
        done.add(node);
      }
    }
  }
  return ordered;
}

function isInOrder(nodes: readonly OnnxNode[], makers: ReadonlyMap<string, OnnxNode>): boolean {
  const made = new Set<string>();
  return nodes.every((node) => {
    const isReady = readsOf(node).every((name) => made.has(name) || !makers.has(name));
    for (const name of node.outputs) made.add(name);
    return isReady;
  });
}
