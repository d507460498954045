import { equalTensors } from '../comparison/index.ts';
import type { ChannelMap, Network, NetworkTensor } from '../network/index.ts';
import type { ChannelCorrespondence } from '../recovery/index.ts';
import type { TensorPair } from './protocol.ts';

/** A pair with the dense layer that makes it, for messages. */
export interface NamedPair extends TensorPair {
  readonly layer: string;
}

/** What is compared. */
export interface Pairs {
  /** The models' outputs, by name where both have the same, else by their order. Null where they are not as many. */
  readonly outputs: readonly NamedPair[] | null;
  /**
   * Results of layers that compute the same in both models, in the order in which the pruned model computes them. Sizes are left
   * out: they follow the channels that were cut.
   */
  readonly layers: readonly NamedPair[];
}

export function pairsOf(correspondence: ChannelCorrespondence): Pairs {
  const { dense, pruned } = correspondence;
  const saturated = saturatedTensors(dense);
  const pairOf = (before: string, after: string, layer: string | null = null): NamedPair => ({
    layer: layer ?? layerOf(dense, before),
    isInside: layer !== null,
    dense: before,
    pruned: after,
    saturates: saturated.has(before),
    ...placesOf(correspondence, dense.tensors.get(before), pruned.tensors.get(after)),
  });
  return { outputs: outputPairs(correspondence, pairOf), layers: layerPairs(correspondence, pairOf) };
}

type PairOf = (dense: string, pruned: string, layer?: string) => NamedPair;

function outputPairs({ dense, pruned }: ChannelCorrespondence, pairOf: PairOf): readonly NamedPair[] | null {
  const [before, after] = [namesOf(dense), namesOf(pruned)];
  if (before.length !== after.length) return null;
  const isSameSet = new Set([...before, ...after]).size === before.length;
  return after.map((name, k) => inOrder(pairOf(isSameSet ? name : before[k]!, name)));
}

/** Whoever reads an output knows its channels by their places: those that are left stand in the dense model's order. */
function inOrder(pair: NamedPair): NamedPair {
  return { ...pair, positions: pair.positions?.toSorted() ?? null };
}

function namesOf({ model }: Network): readonly string[] {
  return model.graph.outputs.map(({ name }) => name);
}

function layerPairs(correspondence: ChannelCorrespondence, pairOf: PairOf): readonly NamedPair[] {
  const { dense, pruned } = correspondence;
  return equalTensors(correspondence).flatMap((pair) => {
    const [before = '', after = ''] = [pair.dense.outputs[0], pair.pruned.outputs[0]];
    const isSize = pair.dense.role === 'sizes' || dense.isSized(before) || pruned.isSized(after);
    // What a node of a function makes is no tensor that the runtime could give out.
    const isInner = pair.dense.isInner || pair.pruned.isInner;
    return isSize || isInner || isMoved(correspondence, before, after) ? [] : [pairOf(before, after, pair.layer)];
  });
}

function layerOf({ tensors, layers }: Network, name: string): string {
  const tensor = tensors.get(name);
  return tensor === undefined ? name : layers[tensor.layer]!.name;
}

function saturatedTensors({ nodes }: Network): ReadonlySet<string> {
  return new Set(nodes.flatMap(({ saturates, outputs }) => (saturates ? outputs : [])));
}

function placesOf(
  correspondence: ChannelCorrespondence,
  dense: NetworkTensor | undefined,
  pruned: NetworkTensor | undefined,
): Pick<TensorPair, 'axis' | 'positions' | 'isKnown'> {
  const whole = { axis: null, positions: null };
  const [before, after] = [dense?.channels ?? null, pruned?.channels ?? null];
  if (before === null && after === null) return { ...whole, isKnown: true };
  if (before === null || after === null || 'opaque' in before || 'opaque' in after) return { ...whole, isKnown: false };
  const axis = soleAxis(before);
  const positions = correspondence.positions(before.ids, after.ids);
  if (axis === null || axis !== soleAxis(after) || positions === null)
    return { ...whole, isKnown: before.ids.length === after.ids.length && positions !== null };
  const isWhole = positions.length === before.ids.length && positions.every((position, at) => position === at);
  return { axis, positions: isWhole ? null : positions, isKnown: true };
}

/** Exporters push layout about: where the channels lie elsewhere, the layers behind are what is compared. */
function isMoved({ dense, pruned }: ChannelCorrespondence, before: string, after: string): boolean {
  const axes = [dense.tensors.get(before), pruned.tensors.get(after)].map((tensor) =>
    tensor?.channels != null && 'axes' in tensor.channels ? tensor.channels.axes.join() : null,
  );
  return axes[0] !== axes[1];
}

function soleAxis({ axes }: ChannelMap): number | null {
  return axes.length === 1 ? axes[0]! : null;
}
