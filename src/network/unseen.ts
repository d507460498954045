import { functionKey, isFloat, type OnnxGraph, type OnnxNode, type Tensor } from '../onnx/index.ts';
import { numbersOf } from './constants.ts';
import { nodeName } from './graph-parts.ts';
import { operatorOf } from './operators/index.ts';
import { graphsIn } from './reads.ts';
import type { Layer, NamedConstant, UnseenWeight } from './types.ts';
import type { Walk } from './walk.ts';

/** What a network makes of its floating-point constants. */
export interface Accounted {
  readonly unseen: readonly UnseenWeight[];
  /** Elements of all of them. */
  readonly parameters: number;
}

/**
 * Accounts for every floating-point constant of several elements: it is a layer's weight, it follows channels, a node computes
 * another constant of it, or a known operator reads it as a setting of its own. What is left is unseen: whatever its values
 * are, no list of filters would tell.
 */
export function accountFor(
  walk: Walk,
  layers: readonly Layer[],
  constants: ReadonlyMap<string, NamedConstant>,
): Accounted {
  const owned = ownedTensors(walk, layers);
  const elements = new Map<string, number>();
  const unseen = new Map<string, UnseenWeight>();
  for (const node of walk.model.graph.nodes) {
    for (const tensor of graphsIn(node).flatMap(floatsIn)) addUnseen(unseen, elements, tensor.name, tensor, node);
    const called = walk.model.functions.get(functionKey(node));
    for (const tensor of constantsIn(called?.nodes ?? [])) addUnseen(unseen, elements, tensor.name, tensor, node);
    for (let k = 0; k < node.inputs.length; k++) {
      const constant = constants.get(node.inputs[k]!);
      if (constant === undefined || !isWeight(constant.view.tensor)) continue;
      const { tensor } = constant.view;
      if (constant.isStored) elements.set(constant.root, tensor.elements);
      if (owned.has(tensor) || isUnderstood(walk, node) || isState(walk, node, k)) continue;
      addUnseen(unseen, elements, constant.root, tensor, node);
    }
  }
  return { unseen: [...unseen.values()], parameters: [...elements.values()].reduce((n, count) => n + count, 0) };
}

function addUnseen(
  unseen: Map<string, UnseenWeight>,
  elements: Map<string, number>,
  name: string,
  tensor: Tensor,
  node: OnnxNode,
): void {
  const op = node.domain === '' ? node.opType : `${node.domain}.${node.opType}`;
  elements.set(name, tensor.elements);
  if (!unseen.has(name)) unseen.set(name, { tensor, op, node: nodeName(node) });
}

/** A scalar is a setting. */
function isWeight({ dtype, elements }: Tensor): boolean {
  return isFloat(dtype) && elements > 1;
}

function ownedTensors(walk: Walk, layers: readonly Layer[]): ReadonlySet<Tensor> {
  const weights = layers.flatMap(({ weight }) => (weight === null || 'opaque' in weight ? [] : [weight.tensor]));
  return new Set([...weights, ...walk.followers.map(({ tensor }) => tensor)]);
}

/** Whether what a node makes of its operands is known: another constant, or a tensor of which no channel is lost here. */
function isUnderstood(walk: Walk, node: OnnxNode): boolean {
  const operator = operatorOf(node);
  if (operator === undefined || operator.role === 'weights') return false;
  const made = walk.values.get(node.outputs[0] ?? '');
  if (made === undefined || made.kind !== 'fixed' || made.from !== null) return true;
  // Computed from constants alone, but not computed here.
  return walk.numbers.get(node.outputs[0] ?? '') != null;
}

function isState(walk: Walk, node: OnnxNode, k: number): boolean {
  const isOne = operatorOf(node)?.states?.includes(k) ?? false;
  return isOne && (numbersOf(walk, node.inputs[k])?.data.every((value) => value === 0) ?? false);
}

/** Constants of a graph that runs inside a node. */
function floatsIn({ initializers, nodes }: OnnxGraph): Tensor[] {
  return [...[...initializers.values()].filter(isWeight), ...constantsIn(nodes)];
}

function constantsIn(nodes: readonly OnnxNode[]): Tensor[] {
  return nodes.flatMap(({ attributes }) =>
    [...attributes.values()].flatMap((found) => {
      if (found.kind === 'tensor') return isWeight(found.value) ? [found.value] : [];
      return found.kind === 'graph'
        ? floatsIn(found.value)
        : found.kind === 'graphs'
          ? found.value.flatMap(floatsIn)
          : [];
    }),
  );
}
