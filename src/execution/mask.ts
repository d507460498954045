import type { Call, Layer, Network, NetworkTensor, RetainedIndices, Weight } from '../network/index.ts';
import { FIXED_CHANNEL } from '../network/index.ts';
import type { Tensor } from '../onnx/index.ts';
import { allFilters } from '../prose/index.ts';
import type { Recovery } from '../recovery/index.ts';
import { cutChannels, type LayerZeros, zerosOf } from '../surgery/index.ts';

/** Which elements of the dense model's weights become zero so that channels that were cut count for nothing. */
export interface Mask {
  /** For each stored tensor, its elements as flags: 1 becomes zero. */
  readonly zeros: ReadonlyMap<Tensor, () => Uint8Array>;
  /** 1 for each channel id of the dense network that was cut. */
  readonly cut: Uint8Array;
  /** Layers whose input columns could not be masked, with why. */
  readonly unmasked: ReadonlyMap<Layer, string>;
  /** Layers (by id) that rightly compute something else, with why: their pruner did more than to cut channels. */
  readonly changed: ReadonlyMap<number, string>;
}

/**
 * Masks columns, not filters: a filter of zeros still sends BatchNorm's shift on, while a column of zeros hears nothing
 * whatever stands between. A depthwise convolution has no columns; its own channel is cut too, and masked where it is read.
 */
export function maskOf(dense: Network, recovery: Recovery): Mask {
  const cut = cutIn(dense, recovery);
  const uses = new Map<Tensor, { readonly layer: Layer; readonly weight: Weight; readonly columns: Uint8Array }[]>();
  const unmasked = new Map<Layer, string>();
  for (const layer of dense.layers) {
    const { weight } = layer;
    if (weight === null || 'opaque' in weight) continue;
    const columns = maskedColumns(layer, cut);
    if (typeof columns === 'string') unmasked.set(layer, columns);
    else uses.set(weight.tensor, [...(uses.get(weight.tensor) ?? []), { layer, weight, columns }]);
  }
  const zeros = new Map<Tensor, () => Uint8Array>();
  for (const [tensor, [first, ...others]] of uses) {
    if (first === undefined) continue;
    const flags = (): Uint8Array => flagged(first.layer, first.weight, first.columns, cut);
    const different = others.find(
      ({ layer, weight, columns }) => !Buffer.from(flags()).equals(flagged(layer, weight, columns, cut)),
    );
    if (different !== undefined)
      unmasked.set(different.layer, `its weight is also ${first.layer.name}'s, which reads other channels`);
    else if (first.columns.includes(1) || isOrphanedDepthwise(first.layer, cut)) zeros.set(tensor, flags);
  }
  for (const [tensor, flags] of zerosOf(dense, zeroedIn(recovery))) {
    const before = zeros.get(tensor);
    zeros.set(tensor, before === undefined ? flags : () => either(before(), flags()));
  }
  const changed = new Map(
    [...recovery.changed].flatMap(([name, why]) => {
      const layer = dense.prunable.get(name);
      return layer === undefined ? [] : [[layer.id, `${name}: ${why}`] as const];
    }),
  );
  return { zeros, cut, unmasked, changed };
}

/** What is cut needs no mask. */
export function noMask({ channelOwner }: Network): Mask {
  return { zeros: new Map(), cut: new Uint8Array(channelOwner.length), unmasked: new Map(), changed: new Map() };
}

/** Channels of every layer that are not among those that it retains; layers without a known retention count as whole. */
function cutIn(dense: Network, { layers, correspondence }: Recovery): Uint8Array {
  const retained = (layer: string): RetainedIndices | null => {
    const { actual = null, zeroed } = layers.get(layer) ?? {};
    // Filters of zeros are still there, and their zeros are the dense copy's too.
    return zeroed === undefined ? actual : null;
  };
  return cutChannels(dense, retained, correspondence.isGone);
}

/** Filters of zeros as they stand in the pruned model. */
function zeroedIn({ layers }: Recovery): (layer: string) => LayerZeros | null {
  return (layer) => {
    const zeroed = layers.get(layer)?.zeroed;
    return zeroed === undefined ? null : { filters: zeroed.filters, parts: zeroed.parts[0] ?? ['weight'] };
  };
}

function either(a: Uint8Array, b: Uint8Array): Uint8Array {
  return a.map((flag, k) => flag | b[k]!);
}

/** A flag for each column of the whole input, 1 where its channel was cut; why not, where that cannot be determined. */
function maskedColumns(layer: Layer, cut: Uint8Array): Uint8Array | string {
  let flags: Uint8Array | null = null;
  for (const { columns } of layer.calls) {
    if (columns === null) continue;
    if (!(columns instanceof Int32Array)) return `the channels that reach it are not known, behind ${columns.opaque}`;
    const own = Uint8Array.from(columns, (id) => (id === FIXED_CHANNEL ? 0 : cut[id]!));
    if (flags !== null && !Buffer.from(flags).equals(own))
      return 'it is called on inputs of which different channels were cut';
    flags = own;
  }
  return flags ?? new Uint8Array(0);
}

function isDepthwise(layer: Layer, weight: Weight): boolean {
  return layer.groups > 1 && weight.inCount === 1 && layer.kind !== 'conv-transpose';
}

/** A depthwise conv that keeps a filter whose input was cut: no pruned model can be so, but a mask that said nothing would lie. */
function isOrphanedDepthwise(layer: Layer, cut: Uint8Array): boolean {
  return layer.kind === 'depthwise' && layer.calls.some((call) => orphans(layer, call, cut).length > 0);
}

function orphans(layer: Layer, { columns }: Call, cut: Uint8Array): readonly number[] {
  if (!(columns instanceof Int32Array)) return [];
  const multiplier = layer.filters / layer.groups;
  return allFilters(layer.filters).filter((filter) => {
    const id = columns[Math.floor(filter / multiplier)]!;
    return id !== FIXED_CHANNEL && cut[id] === 1 && cut[layer.firstChannel + filter] === 0;
  });
}

function flagged(layer: Layer, weight: Weight, columns: Uint8Array, cut: Uint8Array): Uint8Array {
  if (!isDepthwise(layer, weight)) return columnFlags(weight, layer.groups, columns);
  const flags = new Uint8Array(weight.tensor.elements);
  for (const call of layer.calls) for (const row of orphans(layer, call, cut)) flag(flags, weight, row, 0);
  return flags;
}

/**
 * Flags the elements of whole columns.
 * @param columns 1 for each column of the whole input, all groups, that is meant
 */
export function columnFlags(weight: Weight, groupsOfLayer: number, columns: Uint8Array): Uint8Array {
  const flags = new Uint8Array(weight.tensor.elements);
  // A transposed conv's weight lists all input channels; a grouped conv's only those of a row's own group.
  const groups = weight.inCount === columns.length ? 1 : groupsOfLayer;
  const rows = weight.outCount / groups;
  for (let at = 0; at < columns.length; at++) {
    if (columns[at] === 0) continue;
    const group = Math.floor(at / weight.inCount);
    for (let row = group * rows; row < (group + 1) * rows; row++) flag(flags, weight, row, at % weight.inCount);
  }
  return flags;
}

function flag(flags: Uint8Array, weight: Weight, row: number, column: number): void {
  const base = row * weight.outStride + column * weight.inStride;
  for (const offset of weight.kernelOffsets) flags[base + offset] = 1;
}

/** Whether a tensor carries a channel that was cut. */
export function carriesCut({ channels }: NetworkTensor, cut: Uint8Array): boolean {
  return channels !== null && 'ids' in channels && channels.ids.some((id) => id !== FIXED_CHANNEL && cut[id] === 1);
}
