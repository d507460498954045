import type { Network } from './types.ts';

/** What a model costs. */
export interface NetworkSize {
  readonly layers: number;
  /** Output channels of all prunable layers. */
  readonly filters: number;
  /** Elements of all weights and of all that follows their channels, as Keras counts them (moving statistics included). */
  readonly parameters: number;
  /** Multiply-accumulates for one sample; null where a spatial size is not known. */
  readonly macs: number | null;
}

export function sizeOf(network: Network): NetworkSize {
  let filters = 0;
  let parameters = 0;
  let macs: number | null = 0;
  for (const layer of network.layers) {
    if (network.prunable.get(layer.name) === layer) filters += layer.filters;
    const { weight } = layer;
    if (weight === null) continue;
    if ('opaque' in weight) {
      macs = null;
      continue;
    }
    const perPosition = weight.outCount * weight.inCount * weight.kernelOffsets.length;
    parameters += perPosition;
    for (const call of layer.calls)
      macs = macs === null || call.positions === null ? null : macs + call.positions * perPosition;
  }
  // A layer called twice has its bias and BatchNorm once.
  const tensors = new Map(network.followers.map((follower) => [follower.tensor, follower.tensor.elements]));
  for (const elements of tensors.values()) parameters += elements;
  return { layers: network.prunable.size, filters, parameters, macs };
}
