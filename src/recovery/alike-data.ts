import { type DType, narrowed, narrowerOf, type Tensor, type TensorData, waysTo } from '../onnx/index.ts';

/** Elements of a dense tensor and of a pruned one, of one type. */
export interface AlikeData {
  readonly dense: TensorData;
  readonly pruned: TensorData;
  readonly dtype: DType;
  /** Whether one of them was rounded to it. */
  readonly isNarrowed: boolean;
}

/**
 * Two tensors' elements in the narrower of their types: once where that is the type of both, else for each of the ways in which
 * programs round to it. Nothing where neither type holds the other's values.
 */
export function* alikeData(dense: Tensor, pruned: Tensor): Generator<AlikeData> {
  const dtype = narrowerOf(dense.dtype, pruned.dtype);
  if (dtype === null) return;
  const [a, b] = [dense.read(), pruned.read()];
  const isNarrowed = dense.dtype !== pruned.dtype;
  for (let way = 0; way < (isNarrowed ? waysTo(dtype) : 1); way++)
    yield { dense: narrowed(a, dtype, way), pruned: narrowed(b, dtype, way), dtype, isNarrowed };
}
