import type { Tensor } from '../onnx/index.ts';
import { rowMajorStrides } from './strided.ts';

/**
 * A constant as the graph sees it: a stored tensor behind any Identity, Cast, Transpose or Reshape that stands around it,
 * as sizes and strides over the stored elements (row-major, in elements).
 */
export interface TensorView {
  readonly tensor: Tensor;
  readonly dims: readonly number[];
  readonly strides: readonly number[];
}

/** The tensor as it is stored. */
export function viewOf(tensor: Tensor): TensorView {
  return { tensor, dims: tensor.dims, strides: rowMajorStrides(tensor.dims) };
}

/** The view behind a Transpose node. */
export function transposeView(view: TensorView, perm: readonly number[]): TensorView {
  return {
    tensor: view.tensor,
    dims: perm.map((axis) => view.dims[axis]!),
    strides: perm.map((axis) => view.strides[axis]!),
  };
}

/** The view behind a Reshape, Squeeze or Unsqueeze node; null where the elements would have to move. */
export function reshapeView(view: TensorView, dims: readonly number[]): TensorView | null {
  const count = (sizes: readonly number[]): number => sizes.reduce((n, size) => n * size, 1);
  if (count(dims) !== count(view.dims)) return null;
  const squeezed = view.dims.map((size, axis) => ({ size, stride: view.strides[axis]! })).filter((d) => d.size !== 1);
  const wanted = dims.filter((size) => size !== 1);
  const contiguous = squeezed.every((d, k) => d.stride === squeezed.slice(k + 1).reduce((n, e) => n * e.size, 1));
  if (contiguous) return { tensor: view.tensor, dims, strides: rowMajorStrides(dims) };
  if (wanted.length !== squeezed.length || wanted.some((size, k) => size !== squeezed[k]!.size)) return null;
  let next = 0;
  const strides = dims.map((size) => (size === 1 ? 1 : squeezed[next++]!.stride));
  return { tensor: view.tensor, dims, strides };
}
