import { bytesOf } from './dtype.ts';
import { externalLocations } from './element-sinks.ts';
import type { OnnxModel } from './model.ts';

/** Bytes of a model and of the data beside it that holds its tensors; what is missing counts for nothing. */
export function storedBytes(model: OnnxModel): number {
  const { size, beside } = model.source;
  return externalLocations(model).reduce((bytes, location) => bytes + (beside.size(location) ?? 0), size);
}

/** Bytes of the largest initializer. */
export function largestTensor({ graph }: OnnxModel): number {
  let largest = 0;
  for (const { dtype, elements } of graph.initializers.values())
    largest = Math.max(largest, bytesOf(dtype, elements) ?? 0);
  return largest;
}
