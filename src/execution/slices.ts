import type { TensorPair } from './protocol.ts';

/** A tensor as onnxruntime gives it. */
export interface Tensor {
  readonly type: string;
  readonly dims: readonly number[];
  readonly data: unknown;
}

/** Tensors as blocks of `inner` elements, one for each channel and each of `outer` repetitions. */
export interface Slices {
  readonly outer: number;
  readonly inner: number;
  readonly denseChannels: number;
  /** Dense channel of each pruned one. */
  readonly channels: ArrayLike<number>;
}

export function slicesOf({ axis, positions }: TensorPair, dims: readonly number[]): Slices {
  // Where channels are not followed they most often lie on axis 1.
  const at = axis ?? (dims.length > 1 ? 1 : 0);
  const size = dims[at] ?? 1;
  const count = (sizes: readonly number[]): number => sizes.reduce((n, one) => n * one, 1);
  return {
    outer: count(dims.slice(0, at)),
    inner: count(dims.slice(at + 1)),
    denseChannels: size,
    channels: positions ?? Int32Array.from({ length: size }, (_, channel) => channel),
  };
}

/** Largest finite magnitude in each channel that was kept. */
export function magnitudesOf(slices: Slices, dense: ArrayLike<number>): Float64Array {
  const { outer, inner, denseChannels } = slices;
  return Float64Array.from(slices.channels, (channel) => {
    let most = 0;
    for (let n = 0; n < outer; n++) {
      const start = (n * denseChannels + channel) * inner;
      for (let k = start; k < start + inner; k++) {
        const value = Math.abs(dense[k]!);
        if (value > most && value !== Number.POSITIVE_INFINITY) most = value;
      }
    }
    return most;
  });
}
