import { type Layer, type LayerKind, type LayerSort, type Network, once } from '../../network/index.ts';
import { inboundFirst, inboundOf, widthOf } from './graph.ts';

/** Whether the pruner ranks a layer's filters: a SeparableConv2D passes (`_explore`). */
export function isPrunable({ kind, halfOf }: Layer): boolean {
  return halfOf === null && (kind === 'conv' || kind === 'depthwise' || kind === 'dense');
}

/** Keras layers that take several tensors element by element and whose parents are pruned alike. */
const MERGING: ReadonlySet<LayerSort | null> = new Set<LayerSort>([
  ...(['sum', 'difference', 'product', 'quotient', 'maximum', 'mean'] as const),
]);

export function isMerging({ kind, sort }: Layer): boolean {
  return kind === 'elementwise' && MERGING.has(sort);
}

/** EfficientDet's layer, which differs between the pruners. */
export function isFusion({ sort }: Layer): boolean {
  return sort === 'weighted-sum';
}

/** Keras layers that the pruner has no rule for. */
const UNKNOWN: Partial<Readonly<Record<LayerSort, KerasClass>>> = {
  prelu: 'PReLU',
  minimum: 'Minimum',
  'global-maximum': 'GlobalMaxPooling2D',
};

export type KerasClass = 'PReLU' | 'Minimum' | 'GlobalMaxPooling2D';

/** The class of a layer that the pruner does not know; null for one that it does. */
export function unknownClass({ kind, sort }: Layer): KerasClass | null {
  // Of one tensor and a number it is part of a function.
  const isOther = kind === 'opaque' || (sort === 'minimum' && kind !== 'elementwise');
  return isOther || sort === null ? null : (UNKNOWN[sort] ?? null);
}

/** `data_format` of a layer, or of what it reads; null behind a Reshape or Permute (`_get_data_format`). */
export type DataFormat = 'channels_first' | 'channels_last' | null;

const HAS_FORMAT: ReadonlySet<LayerKind> = new Set<LayerKind>([
  ...(['conv', 'depthwise', 'conv-transpose', 'pool', 'global-pool', 'pad', 'upsample', 'flatten'] as const),
]);
const LOSES_FORMAT: ReadonlySet<LayerKind> = new Set<LayerKind>(['input', 'reshape', 'permute']);

/** The data format at each layer; a layer is missing where it cannot be determined. */
export const dataFormats = once((network: Network): ReadonlyMap<Layer, DataFormat> => {
  const formats = new Map<Layer, DataFormat>();
  for (const layer of inboundFirst(network)) {
    const format = formatOf(network, layer, formats);
    if (format !== undefined) formats.set(layer, format);
  }
  return formats;
});

function formatOf(
  { dataFormat, layers }: Network,
  layer: Layer,
  formats: ReadonlyMap<Layer, DataFormat>,
): DataFormat | undefined {
  if (LOSES_FORMAT.has(layer.kind)) return null;
  if (HAS_FORMAT.has(layer.kind)) return dataFormat ?? undefined;
  const [first, ...others] = layer.calls.flatMap((call) => call.inputs.map((id) => formats.get(layers[id]!)));
  return others.every((other) => other === first) ? first : undefined;
}

/** The axis of a Concat as Keras counts it: ONNX may lay a channels_last tensor out with its channels first. */
export function concatAxis({ dataFormat }: Network, { joins, output }: Layer): number | null {
  if (joins === null) return null;
  const { shape, channelAxis } = output;
  const isTurned = dataFormat === 'channels_last' && shape?.length === 4 && channelAxis === 1;
  return isTurned ? (([0, 3, 1, 2] as const)[joins.axis] ?? null) : joins.axis;
}

/** How much wider a Reshape's output is than the channels that it reads, where it lays positions out along them; null where unknown. */
export function widening(network: Network, layer: Layer): number | null {
  const before = inboundOf(network, layer)[0];
  const [from, to] = [before === undefined ? null : widthOf(before), widthOf(layer)];
  return from === null || to === null || from === 0 ? null : to / from;
}
