import { describe, expect, it } from 'vitest';
import { reshapeView, type TensorView, transposeView, viewOf } from '../../src/network/tensor-view.ts';
import type { Tensor } from '../../src/onnx/index.ts';

const view = (...dims: readonly number[]): TensorView => viewOf({ dims } as unknown as Tensor);
const shapeOf = (found: TensorView | null) => found && { dims: found.dims, strides: found.strides };

describe('a constant behind layout nodes', () => {
  it('is stored row by row', () => {
    expect(shapeOf(view(2, 3, 4))).toEqual({ dims: [2, 3, 4], strides: [12, 4, 1] });
  });

  it('is read by other strides behind a Transpose, and twice transposed is itself', () => {
    const turned = transposeView(view(2, 3, 4), [2, 0, 1]);
    expect(shapeOf(turned)).toEqual({ dims: [4, 2, 3], strides: [1, 12, 4] });
    expect(shapeOf(transposeView(turned, [1, 2, 0]))).toEqual(shapeOf(view(2, 3, 4)));
  });

  it('may have any other shape of as many elements where it lies in order', () => {
    expect(shapeOf(reshapeView(view(2, 3, 4), [6, 4]))).toEqual({ dims: [6, 4], strides: [4, 1] });
    expect(shapeOf(reshapeView(view(6), [1, 6, 1]))).toEqual({ dims: [1, 6, 1], strides: [6, 1, 1] });
    expect(reshapeView(view(2, 3), [2, 2])).toBeNull();
  });

  it('may gain and lose axes of one where it does not, and nothing else', () => {
    const turned = transposeView(view(2, 3), [1, 0]);
    expect(shapeOf(reshapeView(turned, [3, 1, 2]))).toEqual({ dims: [3, 1, 2], strides: [1, 1, 3] });
    expect(shapeOf(reshapeView(reshapeView(turned, [3, 1, 2])!, [3, 2]))).toEqual({ dims: [3, 2], strides: [1, 3] });
    for (const dims of [[6], [2, 3], [3, 2, 2]]) expect(reshapeView(turned, dims)).toBeNull();
  });
});
