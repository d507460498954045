import type { OnnxNode } from '../../onnx/index.ts';
import type { Dim } from '../channels.ts';
import { onceByValue } from '../once.ts';
import { attribute } from '../walk.ts';
import type { NodeFacts, Settings } from './form.ts';

interface Window {
  readonly kernel: readonly number[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  /** Begins of all spatial axes, then their ends. */
  readonly pads: readonly number[];
  readonly autoPad: string;
  readonly ceil: boolean;
}

/** What most convolutions have, in one list for all. */
const zeros = onceByValue((count: number): readonly number[] => new Array<number>(count).fill(0));
const ones = onceByValue((count: number): readonly number[] => new Array<number>(count).fill(1));

function windowOf(node: OnnxNode, rank: number, kernel: readonly number[] | null): Window | null {
  const size = attribute(node, 'kernel_shape', 'ints') ?? kernel;
  if (size === null || size.length !== rank) return null;
  const pads = attribute(node, 'pads', 'ints') ?? zeros(2 * rank);
  return {
    kernel: size,
    strides: attribute(node, 'strides', 'ints') ?? ones(rank),
    dilations: attribute(node, 'dilations', 'ints') ?? ones(rank),
    pads: pads.length === 2 * rank ? pads : zeros(2 * rank).map((_, k) => pads[k] ?? 0),
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
    const { begin, end } = padsOf(window, k);
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
    const { begin, end } = padsOf(window, k);
    return positive(
      (size - 1) * stride + (window.kernel[k]! - 1) * window.dilations[k]! + 1 + (extra[k] ?? 0) - begin - end,
    );
  });
}

function padsOf({ autoPad, kernel, pads }: Window, axis: number): { readonly begin: number; readonly end: number } {
  return autoPad === 'VALID' ? { begin: 0, end: 0 } : { begin: pads[axis]!, end: pads[kernel.length + axis]! };
}

/** A size as it can be; attributes that are not valid (a stride of zero, too few of them) give none. */
function positive(size: number): Dim {
  return Number.isSafeInteger(size) && size > 0 ? size : null;
}

/**
 * Strides, dilations and padding of a node, defaults filled in. Padding that `auto_pad` asks for is computed where the sizes are
 * known, and is recognized by its name elsewhere.
 * @param weight the kernel's sizes, where a weight tells them
 */
export function windowSettings({ node, shape }: NodeFacts, weight: readonly number[] | null): Settings {
  const rank = (attribute(node, 'kernel_shape', 'ints') ?? weight)?.length ?? Math.max(0, (shape(0)?.length ?? 4) - 2);
  const window = windowOf(node, rank, weight);
  if (window === null) return { window: null };
  const { kernel, strides, dilations } = window;
  // A window of one element has nothing to spread.
  const spread = dilations.map((dilation, k) => (kernel[k] === 1 ? 1 : dilation));
  const settings = { kernel, strides, dilations: spread };
  if (!window.autoPad.startsWith('SAME')) {
    return { ...settings, pads: window.autoPad === 'VALID' ? zeros(2 * rank) : window.pads };
  }
  const sizes = shape(0)?.slice(2) ?? [];
  if (sizes.length !== rank || sizes.some((size) => size === null)) {
    const isNothing = kernel.every((size) => size === 1) && strides.every((stride) => stride === 1);
    return { ...settings, pads: isNothing ? zeros(2 * rank) : null };
  }
  const totals = kernel.map((size, k) => {
    const steps = Math.ceil(sizes[k]! / strides[k]!);
    return Math.max(0, (steps - 1) * strides[k]! + (size - 1) * dilations[k]! + 1 - sizes[k]!);
  });
  const [less, more] = [totals.map((total) => total >> 1), totals.map((total) => total - (total >> 1))];
  return { ...settings, pads: window.autoPad === 'SAME_UPPER' ? [...less, ...more] : [...more, ...less] };
}
