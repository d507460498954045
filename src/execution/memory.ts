import { freemem } from 'node:os';
import type { Network } from '../network/index.ts';
import { storedBytes } from '../onnx/index.ts';
import { bytesOfType } from '../tensor-files/index.ts';
import type { Case } from './protocol.ts';

/**
 * What onnxruntime takes of memory for a model, in parts of its file: the parsed file, the tensors made of it, and weights
 * that are packed anew for the processor.
 */
const COPIES = 3;

export interface Budget {
  readonly fitting: readonly Case[];
  readonly tooLarge: readonly Case[];
  /** Bytes that the smallest case takes, and the largest of those that fit. */
  readonly needed: number;
  readonly largest: number;
}

/** The cases that fit into memory, and those that do not, by an estimate that rather is too high. */
export function fittingCases(
  dense: Network,
  pruned: Network,
  cases: readonly Case[],
  available: number = availableMemory(),
): Budget {
  const models = COPIES * (storedBytes(dense.model) + storedBytes(pruned.model));
  const needs = (one: Case): number => models + 2 * activationBytes(dense, one);
  const fitting = cases.filter((one) => needs(one) <= available);
  return {
    fitting,
    tooLarge: cases.filter((one) => needs(one) > available),
    needed: Math.min(...cases.map(needs)),
    largest: Math.max(0, ...fitting.map(needs)),
  };
}

/** Respects the limit of a container, where Node can tell it. */
export function availableMemory(): number {
  return process.availableMemory?.() ?? freemem();
}

/** Inputs, and the outputs of all layers as float32. A size that the model leaves open beside the batch counts as one. */
function activationBytes(network: Network, { feeds }: Case): number {
  const batch = feeds[0]?.dims[0] ?? 1;
  const count = (dims: readonly (number | null)[]): number =>
    dims.reduce<number>((n, size, axis) => n * (size ?? (axis === 0 ? batch : 1)), 1);
  const inputs = feeds.reduce((bytes, { dims, type }) => bytes + count(dims) * bytesOfType(type), 0);
  return network.layers.reduce((bytes, { output }) => bytes + 4 * count(output.shape ?? []), inputs);
}
