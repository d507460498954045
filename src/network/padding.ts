import type { OnnxNode } from '../onnx/index.ts';
import type { Setting } from './operation-types.ts';
import type { Network } from './types.ts';
import { attribute } from './walk.ts';

/** The window of a convolution or pooling node, defaults filled in. */
export interface Padding {
  /** Null where only the weight tells it. */
  readonly kernel: readonly number[] | null;
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  /** All begins, then all ends; SAME_UPPER or SAME_LOWER where the input's size, and so the padding, is not known. */
  readonly pads: readonly number[] | string;
  /** Spatial sizes of the input; null where any is not known. */
  readonly input: readonly number[] | null;
}

export function paddingOf(network: Network, node: OnnxNode): Padding {
  const kernel = attribute(node, 'kernel_shape', 'ints');
  const written = attribute(node, 'pads', 'ints');
  const input = spatialSizes(network, node.inputs[0] ?? '');
  const rank = kernel?.length ?? attribute(node, 'strides', 'ints')?.length ?? input?.length ?? 2;
  const strides = attribute(node, 'strides', 'ints') ?? new Array<number>(rank).fill(1);
  const dilations = attribute(node, 'dilations', 'ints') ?? new Array<number>(rank).fill(1);
  const autoPad = attribute(node, 'auto_pad', 'string') ?? 'NOTSET';
  const window = { kernel, strides, dilations, input };
  if (autoPad === 'VALID') return { ...window, pads: new Array<number>(2 * rank).fill(0) };
  if (!autoPad.startsWith('SAME')) return { ...window, pads: written ?? new Array<number>(2 * rank).fill(0) };
  if (kernel === null || input === null) return { ...window, pads: autoPad };
  const totals = kernel.map((size, k) => {
    const stride = strides[k] ?? 1;
    const steps = Math.ceil(input[k]! / stride);
    return Math.max(0, (steps - 1) * stride + (size - 1) * (dilations[k] ?? 1) + 1 - input[k]!);
  });
  const [less, more] = [totals.map((total) => total >> 1), totals.map((total) => total - (total >> 1))];
  return { ...window, pads: autoPad === 'SAME_UPPER' ? [...less, ...more] : [...more, ...less] };
}

function spatialSizes(network: Network, name: string): readonly number[] | null {
  const channels = network.tensors.get(name)?.channels ?? null;
  if (channels === null || !('shape' in channels)) return null;
  const sizes = channels.shape.slice(2);
  return sizes.length > 0 && sizes.every((size) => size !== null) ? (sizes as readonly number[]) : null;
}

/** What a Pad node adds to the spatial axes, as a convolution's `pads` would; a text where it pads other axes. */
export function paddingOfPad(network: Network, node: OnnxNode, pads: readonly number[]): readonly number[] | string {
  const rank = pads.length / 2;
  const channels = network.tensors.get(node.inputs[0] ?? '')?.channels ?? null;
  const known = channels !== null && 'axes' in channels && channels.axes.length === 1 ? channels.axes[0]! : null;
  const isPadded = (axis: number): boolean => pads[axis] !== 0 || pads[rank + axis] !== 0;
  // Of an input image, padding itself tells where the channels are: they are not padded.
  const channelAxis = known ?? (isPadded(1) && !isPadded(rank - 1) ? rank - 1 : 1);
  if (isPadded(0) || isPadded(channelAxis)) return 'of channels';
  const spatial = Array.from({ length: rank }, (_, axis) => axis).filter((axis) => axis > 0 && axis !== channelAxis);
  return [...spatial.map((axis) => pads[axis]!), ...spatial.map((axis) => pads[rank + axis]!)];
}

/** The window with further padding around its input; null where either is not known. */
export function withPadding(padding: Padding, added: Setting | undefined): Padding | null {
  const { pads } = padding;
  if (typeof pads === 'string' || typeof added !== 'object' || added.length !== pads.length) return null;
  return { ...padding, pads: pads.map((pad, k) => pad + added[k]!) };
}
