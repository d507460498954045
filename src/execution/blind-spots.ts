import { type ChannelMap, FIXED_CHANNEL, type Network } from '../network/index.ts';
import type { OnnxNode } from '../onnx/index.ts';
import { carriesCut, type Mask } from './mask.ts';

/** Operators that mix channels but keep them, and the axes over which they do. */
const MIXING: Readonly<Record<string, (node: OnnxNode, rank: number, opset: number) => readonly number[]>> = {
  Softmax: softmaxAxes,
  LogSoftmax: softmaxAxes,
  Hardmax: softmaxAxes,
  LRN: () => [1],
  LpNormalization: (node, rank) => [axisOf(node, -1, rank)],
  LayerNormalization: (node, rank) => from(axisOf(node, -1, rank), rank),
  MeanVarianceNormalization: (node) => listed(node, 'axes') ?? [0, 2, 3],
};

/** Operators that read no values, only the size of what they are given. */
const SIZES = new Set(['Shape', 'Size']);

/** What the pruner itself got wrong though it retained what it should: the run that is checked is not to blame. */
export interface Excuses {
  /** Layers whose input columns it cut for other channels than reach them. */
  readonly misplaced: ReadonlySet<string>;
  /** Whether it may have joined channels of which different ones were cut. */
  readonly couplings: boolean;
}

/**
 * Where a masked dense model need not compute what a pruned one does, though nothing is wrong: operators through which a
 * channel that was cut changes those that were kept (a softmax over channels), those through which channels cannot be
 * followed, and what the pruner itself got wrong. Tensors that depend on one are listed, each with the reason.
 */
export function blindTensors(dense: Network, mask: Mask, excuses: Excuses): ReadonlyMap<string, string> {
  const blind = new Map<string, string>();
  const unmasked = new Map([...mask.unmasked].map(([layer, why]) => [layer.id, `${layer.name}: ${why}`]));
  for (const { id, name } of dense.layers)
    if (excuses.misplaced.has(name))
      unmasked.set(id, `${name}: the pruner itself cut its input columns for other channels`);
  const opset = dense.model.opsets.get('') ?? 0;
  for (const node of dense.model.graph.nodes) {
    const inherited = node.inputs.map((name) => blind.get(name)).find((why) => why !== undefined);
    const why =
      inherited ??
      blindness(dense, mask, node, unmasked, opset) ??
      (excuses.couplings ? unequalCut(dense, mask, node) : undefined);
    if (why !== undefined) for (const name of node.outputs) blind.set(name, why);
  }
  return blind;
}

function blindness(
  dense: Network,
  mask: Mask,
  node: OnnxNode,
  unmasked: ReadonlyMap<number, string>,
  opset: number,
): string | undefined {
  const cutInputs = node.inputs.flatMap((name) => {
    const tensor = dense.tensors.get(name);
    return tensor !== undefined && carriesCut(tensor, mask.cut) ? [tensor.channels as ChannelMap] : [];
  });
  const output = dense.tensors.get(node.outputs[0] ?? '');
  if (cutInputs.length === 0 || output === undefined || SIZES.has(node.opType)) return undefined;
  const { weight, name } = dense.layers[output.layer]!;
  if (weight !== null && !('opaque' in weight) && node.inputs.length > 1 && isWeighted(node))
    return unmasked.get(output.layer);
  if (output.channels === null || 'opaque' in output.channels) return `${node.opType} of ${name}`;
  const axes = MIXING[node.opType];
  const mixes = (map: ChannelMap): boolean => {
    const over = axes?.(node, map.shape.length, opset) ?? [];
    return map.axes.some((axis) => over.includes(axis));
  };
  return cutInputs.some(mixes) ? `${node.opType} of ${name}` : undefined;
}

/** An element-wise operator on operands of which different channels were cut: the pruner joined what does not belong together. */
function unequalCut(dense: Network, mask: Mask, node: OnnxNode): string | undefined {
  const [first, ...others] = node.inputs.flatMap((name) => {
    const channels = dense.tensors.get(name)?.channels ?? null;
    return channels !== null && 'ids' in channels && channels.ids.length > 1 ? [channels.ids] : [];
  });
  const isCut = (id: number): boolean => id !== FIXED_CHANNEL && mask.cut[id] === 1;
  const isUnequal = others.some(
    (ids) => ids.length === first!.length && ids.some((id, at) => isCut(id) !== isCut(first![at]!)),
  );
  return isUnequal && node.opType !== 'Concat'
    ? `${node.opType} joins channels of which the pruner itself cut different ones`
    : undefined;
}

function isWeighted({ opType }: OnnxNode): boolean {
  return ['Conv', 'ConvTranspose', 'MatMul', 'Gemm'].includes(opType);
}

/** Before ai.onnx 13 everything from the axis on is one dimension. */
function softmaxAxes(node: OnnxNode, rank: number, opset: number): readonly number[] {
  return opset < 13 ? from(axisOf(node, 1, rank), rank) : [axisOf(node, -1, rank)];
}

function axisOf(node: OnnxNode, fallback: number, rank: number): number {
  const given = node.attributes.get('axis');
  const axis = given?.kind === 'int' ? given.value : fallback;
  return axis < 0 ? axis + rank : axis;
}

function listed(node: OnnxNode, name: string): readonly number[] | null {
  const given = node.attributes.get(name);
  return given?.kind === 'ints' ? given.value : null;
}

function from(axis: number, rank: number): readonly number[] {
  return Array.from({ length: Math.max(0, rank - axis) }, (_, k) => axis + k);
}
