import { appendFileSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { writeModel } from '../files/index.ts';
import { constantTensor, moreOutputs, type OnnxModel, type Tensor, type TensorContent } from '../onnx/index.ts';
import type { Mask } from './mask.ts';
import type { Side } from './protocol.ts';

/** The models that are executed: copies that nobody else writes to, each written once. */
export interface ModelCopies {
  /** The dense model with the mask's elements at zero, and nothing else changed. */
  readonly dense: string;
  readonly pruned: string;
}

export function writeCopies(models: Readonly<Record<Side, OnnxModel>>, mask: Mask, folder: string): ModelCopies {
  return {
    dense: writeMasked(models.dense, mask, join(folder, 'dense.onnx')),
    pruned: writeModel(models.pruned, {}, join(folder, 'pruned.onnx')).path,
  };
}

/**
 * Makes tensors of a copy's graph outputs while something is done with it, to look inside. Nobody times it then: what is an output
 * cannot be fused with what reads it.
 */
export async function withOutputs<T>(
  path: string,
  model: OnnxModel,
  names: Iterable<string>,
  work: () => Promise<T>,
): Promise<T> {
  const { size } = statSync(path);
  appendFileSync(path, moreOutputs(model, names));
  try {
    return await work();
  } finally {
    truncateSync(path, size);
  }
}

/** Writes the dense model with the mask's elements at zero, and nothing else changed. */
export function writeMasked(model: OnnxModel, mask: Mask, path: string): string {
  const names = tensorNames(model);
  const tensors = new Map<string, TensorContent>();
  for (const [tensor, zeros] of mask.zeros) {
    const name = names.get(tensor);
    if (name === undefined) throw new Error(`${tensor.name} is no weight of ${model.name}`);
    tensors.set(name, { dims: tensor.dims, chunks: () => [masked(model, tensor, zeros())] });
  }
  return writeModel(model, { tensors }, path).path;
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
