import { biasFollower, type MaskedPart, type Network, type Weight } from '../network/index.ts';
import {
  constantTensor,
  type ModelEdits,
  type NewTensor,
  type OnnxModel,
  type Tensor,
  type TensorContent,
} from '../onnx/index.ts';
import { namer, nodeEdits } from './demands.ts';

/** For each stored tensor, its elements as flags: 1 becomes zero. */
export type Zeros = ReadonlyMap<Tensor, () => Uint8Array>;

/** Filters of a layer that are set to zero, and by which of its parts. */
export interface LayerZeros {
  readonly filters: readonly number[];
  readonly parts: readonly MaskedPart[];
}

/** The elements that hold the zeros of filters which are masked instead of cut. */
export function zerosOf(network: Network, layers: (layer: string) => LayerZeros | null): Zeros {
  const zeros = new Map<Tensor, () => Uint8Array>();
  for (const layer of network.prunable.values()) {
    const { weight, norms } = layer;
    const found = layers(layer.name);
    if (found === null || weight === null || 'opaque' in weight) continue;
    const gone = new Set(found.filters);
    const has = (part: MaskedPart): boolean => found.parts.includes(part);
    if (has('weight')) zeros.set(weight.tensor, () => zeroRows(weight, gone));
    const bias = biasFollower(network, layer);
    const [norm] = norms;
    const vectors = [
      ...(has('bias') && bias !== undefined ? [bias.tensor] : []),
      ...(has('bn') && norm != null ? [norm.scale, norm.shift] : []),
    ];
    for (const tensor of vectors)
      zeros.set(tensor, () => Uint8Array.from({ length: tensor.elements }, (_, k) => (gone.has(k) ? 1 : 0)));
  }
  return zeros;
}

function zeroRows(weight: Weight, rows: ReadonlySet<number>): Uint8Array {
  const flags = new Uint8Array(weight.tensor.elements);
  for (const row of rows)
    for (let column = 0; column < weight.inCount; column++)
      for (const offset of weight.kernelOffsets) flags[row * weight.outStride + column * weight.inStride + offset] = 1;
  return flags;
}

/** What is different in a model that has these elements at zero. A weight that nodes compute of others is replaced by a new one. */
export function zeroEdits(model: OnnxModel, zeros: Zeros): Pick<ModelEdits, 'tensors' | 'added' | 'nodes'> {
  const names = tensorNames(model);
  const tensors = new Map<string, TensorContent>();
  const added = new Map<string, NewTensor>();
  const nodes = nodeEdits();
  const unusedName = namer(model.graph);
  for (const [tensor, flags] of zeros) {
    const content = { dims: tensor.dims, chunks: () => [zeroed(model, tensor, flags())] };
    const stored = names.get(tensor);
    if (stored !== undefined) {
      tensors.set(stored, content);
      continue;
    }
    const name = unusedName(tensor.name);
    added.set(name, { ...content, dtype: tensor.dtype });
    for (const node of model.graph.nodes)
      for (const [k, read] of node.inputs.entries()) if (read === tensor.name) nodes.inputs(node, k, name);
  }
  return { tensors, added, nodes: nodes.all };
}

/** Names of initializers and of Constant nodes' outputs. */
function tensorNames({ graph }: OnnxModel): ReadonlyMap<Tensor, string> {
  const names = new Map<Tensor, string>();
  for (const [name, tensor] of graph.initializers) names.set(tensor, name);
  for (const node of graph.nodes) {
    const tensor = constantTensor(node);
    if (tensor !== null) names.set(tensor, node.outputs[0] ?? '');
  }
  return names;
}

function zeroed({ buffer }: OnnxModel, tensor: Tensor, flags: Uint8Array): Uint8Array {
  const { bytes } = tensor.read(buffer);
  const width = bytes.length / tensor.elements;
  for (let k = 0; k < flags.length; k++) if (flags[k] === 1) bytes.fill(0, k * width, (k + 1) * width);
  return bytes;
}
