import type { Network, UnseenWeight } from '../network/index.ts';
import type { Tensor } from '../onnx/index.ts';

/** Weights of two models that nobody looked at, and how much of each model was seen. */
export interface Unseen {
  readonly dense: readonly UnseenWeight[];
  readonly pruned: readonly UnseenWeight[];
  /** Of all parameters, between 0 and 1. */
  readonly seenOfDense: number;
  readonly seenOfPruned: number;
}

/** Weights that are read by what is not understood. One that both models have bit for bit, read by the same operator, was compared by that. */
export function unseenWeights(dense: Network, pruned: Network): Unseen {
  const unpaired = [...dense.unseen];
  const changed = pruned.unseen.filter((weight) => {
    const at = unpaired.findIndex((other) => other.op === weight.op && isEqual(other.tensor, weight.tensor));
    if (at >= 0) unpaired.splice(at, 1);
    return at < 0;
  });
  return {
    dense: unpaired,
    pruned: changed,
    seenOfDense: shareSeen(dense, unpaired),
    seenOfPruned: shareSeen(pruned, changed),
  };
}

function shareSeen({ parameters }: Network, unseen: readonly UnseenWeight[]): number {
  return parameters === 0 ? 1 : 1 - unseen.reduce((n, { tensor }) => n + tensor.elements, 0) / parameters;
}

function isEqual(a: Tensor, b: Tensor): boolean {
  if (a.dtype !== b.dtype || a.dims.join() !== b.dims.join()) return false;
  const [left, right] = [a.read().bytes, b.read().bytes];
  return left.length === right.length && left.every((byte, at) => byte === right[at]);
}
