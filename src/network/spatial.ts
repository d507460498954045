import type { OnnxNode } from '../onnx/index.ts';
import type { Dim } from './channels.ts';
import { attribute } from './walk.ts';

interface Window {
  readonly kernel: readonly number[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  /** begin, end for each spatial axis. */
  readonly pads: readonly (readonly [number, number])[];
  readonly autoPad: string;
  readonly ceil: boolean;
}

function windowOf(node: OnnxNode, rank: number, kernel: readonly number[] | null): Window | null {
  const size = attribute(node, 'kernel_shape', 'ints') ?? kernel;
  if (size === null || size.length !== rank) return null;
  const pads = attribute(node, 'pads', 'ints') ?? new Array<number>(2 * rank).fill(0);
  return {
    kernel: size,
    strides: attribute(node, 'strides', 'ints') ?? new Array<number>(rank).fill(1),
    dilations: attribute(node, 'dilations', 'ints') ?? new Array<number>(rank).fill(1),
    pads: size.map((_, k) => [pads[k] ?? 0, pads[rank + k] ?? 0]),
    autoPad: attribute(node, 'auto_pad', 'string') ?? 'NOTSET',
    ceil: attribute(node, 'ceil_mode', 'int') === 1,
  };
}

/** Spatial sizes after Conv or a pooling operator (ai.onnx, output shape formulas); null where the input's is unknown. */
export function convSpatial(node: OnnxNode, shape: readonly Dim[] | null, kernel: readonly number[] | null): Dim[] {
  const rank =
    kernel?.length ?? attribute(node, 'kernel_shape', 'ints')?.length ?? Math.max(0, (shape?.length ?? 2) - 2);
  const window = windowOf(node, rank, kernel);
  return Array.from({ length: rank }, (_, k) => {
    const size = shape?.[k + 2] ?? null;
    if (size === null || window === null) return null;
    const stride = window.strides[k]!;
    const extent = (window.kernel[k]! - 1) * window.dilations[k]! + 1;
    if (window.autoPad.startsWith('SAME')) return positive(Math.ceil(size / stride));
    const [begin, end] = window.autoPad === 'VALID' ? [0, 0] : window.pads[k]!;
    const steps = (size + begin + end - extent) / stride;
    const count = (window.ceil ? Math.ceil(steps) : Math.floor(steps)) + 1;
    // A last window that would start in the padding behind the data is dropped (ai.onnx 22, AveragePool, ceil_mode).
    return positive(window.ceil && (count - 1) * stride >= size + begin ? count - 1 : count);
  });
}

/** Spatial sizes after ConvTranspose (ai.onnx). */
export function convTransposeSpatial(node: OnnxNode, shape: readonly Dim[] | null, kernel: readonly number[]): Dim[] {
  const given = attribute(node, 'output_shape', 'ints');
  if (given !== null && given.length >= kernel.length) return given.slice(-kernel.length).map(positive);
  const window = windowOf(node, kernel.length, kernel);
  const extra = attribute(node, 'output_padding', 'ints') ?? [];
  return kernel.map((_, k) => {
    const size = shape?.[k + 2] ?? null;
    if (size === null || window === null) return null;
    const stride = window.strides[k]!;
    if (window.autoPad.startsWith('SAME')) return positive(size * stride);
    const [begin, end] = window.autoPad === 'VALID' ? [0, 0] : window.pads[k]!;
    return positive(
      (size - 1) * stride + (window.kernel[k]! - 1) * window.dilations[k]! + 1 + (extra[k] ?? 0) - begin - end,
    );
  });
}

/** A size as it can be; attributes that are not valid (a stride of zero, too few of them) give none. */
function positive(size: number): Dim {
  return Number.isSafeInteger(size) && size > 0 ? size : null;
}
