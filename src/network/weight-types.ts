import type { DType } from '../onnx/index.ts';
import type { Network } from './types.ts';

/** The types in which a network's layers have their weights. */
export function weightTypes({ layers }: Network): ReadonlySet<DType> {
  return new Set(layers.flatMap(({ weight }) => (weight === null || 'opaque' in weight ? [] : [weight.tensor.dtype])));
}
