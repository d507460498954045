import { writeModel } from '../files/index.ts';
import { constantTensor, type OnnxModel, type Tensor, type TensorContent } from '../onnx/index.ts';
import type { Mask } from './mask.ts';

/** Writes a copy of a model with more outputs: tensors of its graph, to look inside. */
export function writeWithOutputs(model: OnnxModel, outputs: readonly string[], path: string): string {
  return writeModel(model, { outputs }, path).path;
}

/** Writes the dense model with the mask's elements at zero, and nothing else changed. */
export function writeMasked(model: OnnxModel, mask: Mask, outputs: readonly string[], path: string): string {
  const names = tensorNames(model);
  const tensors = new Map<string, TensorContent>();
  for (const [tensor, zeros] of mask.zeros) {
    const name = names.get(tensor);
    if (name === undefined) throw new Error(`${tensor.name} is no weight of ${model.name}`);
    tensors.set(name, { dims: tensor.dims, chunks: () => [masked(model, tensor, zeros())] });
  }
  return writeModel(model, { tensors, outputs }, path).path;
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

function masked({ buffer }: OnnxModel, tensor: Tensor, zeros: Uint8Array): Uint8Array {
  const { bytes } = tensor.read(buffer);
  const width = bytes.length / tensor.elements;
  for (let k = 0; k < zeros.length; k++) if (zeros[k] === 1) bytes.fill(0, k * width, (k + 1) * width);
  return bytes;
}
