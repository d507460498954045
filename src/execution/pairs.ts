import type { ChannelMap, Layer, Network, NetworkNode, NetworkTensor } from '../network/index.ts';
import type { ChannelCorrespondence } from '../recovery/index.ts';
import type { TensorPair } from './protocol.ts';

/** A pair with the layer that makes it, for messages. */
export interface NamedPair extends TensorPair {
  readonly layer: string;
}

/** The graph's outputs, by name where both models have the same, else by their order. Null where they are not as many. */
export function outputPairs({ dense, pruned, ...rest }: ChannelCorrespondence): readonly NamedPair[] | null {
  const [before, after] = [dense, pruned].map(({ model }) => model.graph.outputs.map(({ name }) => name)) as [
    string[],
    string[],
  ];
  if (before.length !== after.length) return null;
  const isSameSet = new Set([...before, ...after]).size === before.length;
  return after.map((name, k) => pairOf({ dense, pruned, ...rest }, isSameSet ? name : before[k]!, name));
}

/**
 * Results of layers that both models have and compute by the same operators, in the order in which the pruned model
 * computes them, and what a saturating activation reads. Where the operators differ, exporters may have cut the graph into
 * layers at different places, and what is compared instead are the layers behind.
 */
export function layerPairs(correspondence: ChannelCorrespondence): readonly NamedPair[] {
  const [before, after] = [partsOf(correspondence.dense), partsOf(correspondence.pruned)];
  const names = [...after].flatMap(([key, pruned]) => {
    const dense = before.get(key);
    return dense === undefined ? [] : comparable(dense, pruned);
  });
  return names
    .filter(([dense, pruned]) => !isMoved(correspondence, dense, pruned))
    .map(([dense, pruned]) => pairOf(correspondence, dense, pruned));
}

/** A node of a layer, and the tensor that it makes. */
interface Part {
  readonly node: NetworkNode;
  readonly tensor: string;
}

interface LayerParts {
  readonly layer: Layer;
  readonly call: number;
  readonly parts: Part[];
}

/** By layer name and call, in graph order of their last nodes. */
function partsOf(network: Network): ReadonlyMap<string, LayerParts> {
  const found = new Map<string, LayerParts>();
  for (const node of network.nodes) {
    const tensor = node.outputs[0] ?? '';
    const made = network.tensors.get(tensor);
    if (made === undefined) continue;
    const layer = network.layers[made.layer]!;
    const key = `${layer.name} ${made.call}`;
    const known = found.get(key) ?? { layer, call: made.call, parts: [] };
    known.parts.push({ node, tensor });
    found.delete(key);
    found.set(key, known);
  }
  return found;
}

/** Names of tensors to compare, dense and pruned. */
function comparable(dense: LayerParts, pruned: LayerParts): readonly (readonly [dense: string, pruned: string])[] {
  if (pruned.layer.folding.state === 'folded' && dense.layer.norms.some((norm) => norm !== null)) {
    // A convolution with BatchNorm folded in computes what the BatchNorm behind the dense one does.
    const norm = dense.layer.norms[dense.call] ?? null;
    return norm === null || pruned.parts.length > 1 ? [] : [[norm.output, pruned.parts[0]!.tensor]];
  }
  const [a, b] = [computing(dense.parts), computing(pruned.parts)];
  if (a.length !== b.length || a.some(({ node }, k) => node.op !== b[k]!.node.op)) return [];
  return a.flatMap(({ tensor }, k) =>
    k === a.length - 1 || a[k + 1]!.node.saturates ? [[tensor, b[k]!.tensor] as const] : [],
  );
}

/** Without layout, unless a layer is nothing else. */
function computing(parts: readonly Part[]): readonly Part[] {
  const found = parts.filter(({ node }) => node.role !== 'layout');
  return found.length > 0 ? found : parts;
}

function pairOf(correspondence: ChannelCorrespondence, dense: string, pruned: string): NamedPair {
  const [before, after] = [correspondence.dense.tensors.get(dense), correspondence.pruned.tensors.get(pruned)];
  const layer = after === undefined ? pruned : correspondence.pruned.layers[after.layer]!.name;
  return { layer, dense, pruned, ...placesOf(correspondence, before, after) };
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

function isMoved({ dense, pruned }: ChannelCorrespondence, before: string, after: string): boolean {
  const axes = [dense.tensors.get(before), pruned.tensors.get(after)].map((tensor) =>
    tensor?.channels != null && 'axes' in tensor.channels ? tensor.channels.axes.join() : null,
  );
  return axes[0] !== axes[1];
}

function soleAxis({ axes }: ChannelMap): number | null {
  return axes.length === 1 ? axes[0]! : null;
}
