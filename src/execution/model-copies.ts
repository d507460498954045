import { constantTensor, type OnnxFile, type OnnxTensor, type TensorContent, writeModel } from '../onnx/index.ts';
import type { Mask } from './mask.ts';

/** Writes a copy of a model with more outputs: tensors of its graph, to look inside. */
export function writeWithOutputs(file: OnnxFile, outputs: readonly string[], path: string): string {
  return writeModel(file, { outputs }, path).path;
}

/** Writes the dense model with the mask's elements at zero, and nothing else changed. */
export function writeMasked(file: OnnxFile, mask: Mask, outputs: readonly string[], path: string): string {
  const names = tensorNames(file);
  const tensors = new Map<string, TensorContent>();
  for (const [tensor, zeros] of mask.zeros) {
    const name = names.get(tensor);
    if (name === undefined) throw new Error(`${tensor.name} is no weight of ${file.model.path}`);
    tensors.set(name, { dims: tensor.dims, chunks: () => [masked(file, tensor, zeros())] });
  }
  return writeModel(file, { tensors, outputs }, path).path;
}

/** Names of initializers and of Constant nodes' outputs. */
function tensorNames({ model: { graph } }: OnnxFile): ReadonlyMap<OnnxTensor, string> {
  const names = new Map<OnnxTensor, string>();
  for (const [name, tensor] of graph.initializers) names.set(tensor, name);
  for (const node of graph.nodes) {
    const tensor = constantTensor(node);
    if (tensor !== null) names.set(tensor, node.outputs[0] ?? '');
  }
  return names;
}

function masked(file: OnnxFile, tensor: OnnxTensor, zeros: Uint8Array): Uint8Array {
  const { bytes } = file.readTensor(tensor, file.buffer);
  const width = bytes.length / tensor.elements;
  for (let k = 0; k < zeros.length; k++) if (zeros[k] === 1) bytes.fill(0, k * width, (k + 1) * width);
  return bytes;
}
