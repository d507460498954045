import { appendFileSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { writeModel } from '../files/index.ts';
import { moreOutputs, type OnnxModel } from '../onnx/index.ts';
import { zeroEdits } from '../surgery/index.ts';
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
  return writeModel(model, zeroEdits(model, mask.zeros), path).path;
}
