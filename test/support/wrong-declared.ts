import { type Follower, foldAll, type Layer, type Network, type Weight } from '../../src/network/index.ts';
import { toFloat32 } from '../../src/onnx/index.ts';
import { recoverRetention } from '../../src/recovery/index.ts';
import { ModelBytes } from './wrong-models.ts';

/** A pruned model, and which dense layer and channel each of its own is. */
export interface Pair {
  /** BatchNorm folded in where the pruned model has none. */
  readonly dense: Network;
  readonly pruned: Network;
  partner(layer: Layer): Layer | undefined;
  /** The dense channel of a pruned one. */
  channel(id: number): number | null;
}

export function pairOf(
  dense: Network,
  pruned: Network,
  allowed = { isRecalibrated: () => true, isCompensated: () => true },
): Pair {
  const { correspondence } = recoverRetention(dense, pruned, () => null, null, allowed);
  const isFolded = [...pruned.prunable.values()].every(({ norms }) => norms.every((norm) => norm === null));
  const source = isFolded ? foldAll(dense) : dense;
  return {
    dense: source,
    pruned,
    partner: ({ id }) => source.layers[correspondence.partner.get(id)?.id ?? -1],
    channel: (id) => correspondence.denseChannel(id),
  };
}

const weightOf = ({ weight }: Layer): Weight => {
  if (weight === null || 'opaque' in weight) throw new Error('no weight');
  return weight;
};

/** Lets layers with the same channels keep filter `to` in the place of filter `from`, with all that belongs to it. */
export function exchanged(pair: Pair, names: readonly string[], from: number, to: number): ModelBytes {
  const { dense, pruned } = pair;
  const model = new ModelBytes(pruned.model.name);
  const moved = new Map<number, number>();
  for (const layer of pruned.prunable.values()) {
    const partner = pair.partner(layer);
    if (partner === undefined || !names.includes(partner.name)) continue;
    for (let p = 0; p < layer.filters; p++)
      if (pair.channel(layer.firstChannel + p) === partner.firstChannel + from)
        moved.set(layer.firstChannel + p, partner.firstChannel + to);
  }
  const channelOf = (id: number): number => moved.get(id) ?? pair.channel(id) ?? -1;
  for (const layer of pruned.prunable.values()) {
    const partner = pair.partner(layer);
    if (partner !== undefined) rewriteKernel(model, layer, partner, channelOf, moved);
  }
  for (const follower of pruned.followers) {
    const at = follower.channels.findIndex((id) => moved.has(id));
    if (at < 0) continue;
    const other = likeOf(dense, pair, follower, channelOf(follower.channels[at]!));
    if (other === undefined) continue;
    const values = toFloat32(other.tensor.read());
    model.set(
      follower.tensor,
      at * follower.stride,
      values[other.channels.indexOf(channelOf(follower.channels[at]!)) * other.stride]!,
    );
  }
  return model;
}

function likeOf(dense: Network, _pair: Pair, { role }: Follower, channel: number): Follower | undefined {
  return dense.followers.find((other) => other.role === role && other.channels.includes(channel));
}

function rewriteKernel(
  model: ModelBytes,
  layer: Layer,
  partner: Layer,
  channelOf: (id: number) => number,
  moved: ReadonlyMap<number, number>,
): void {
  const [to, from] = [weightOf(layer), weightOf(partner)];
  const values = toFloat32(from.tensor.read());
  const columns = layer.kind === 'depthwise' ? [0] : denseColumns(layer, partner, channelOf);
  const own = layer.calls[0]?.columns;
  const isMoved = (column: number): boolean => own instanceof Int32Array && moved.has(own[column]!);
  for (let row = 0; row < layer.filters; row++) {
    const id = layer.firstChannel + row;
    const source = channelOf(id) - partner.firstChannel;
    for (const [column, origin] of columns.entries()) {
      if (!moved.has(id) && (layer.kind === 'depthwise' || !isMoved(column))) continue;
      for (const [k, offset] of to.kernelOffsets.entries()) {
        const value = values[source * from.outStride + origin * from.inStride + from.kernelOffsets[k]!]!;
        model.set(
          to.tensor,
          row * to.outStride + column * to.inStride + offset,
          from.rowScale === null ? value : value * from.rowScale[source]!,
        );
      }
    }
  }
}

function denseColumns(layer: Layer, partner: Layer, channelOf: (id: number) => number): readonly number[] {
  const [from, to] = [partner.calls[0]?.columns, layer.calls[0]?.columns];
  if (!(from instanceof Int32Array) || !(to instanceof Int32Array)) throw new Error(layer.name);
  const taken = new Set<number>();
  return Array.from(to, (id) => {
    const position = from.findIndex((other, at) => other === channelOf(id) && !taken.has(at));
    taken.add(position);
    return position;
  });
}

/** Sets a filter's row to zeros, or back to the dense one's. */
export function withRow(model: ModelBytes, layer: Layer, partner: Layer, filter: number, isZero: boolean): void {
  const [to, from] = [weightOf(layer), weightOf(partner)];
  const values = toFloat32(from.tensor.read());
  for (let column = 0; column < to.inCount; column++)
    for (const [k, offset] of to.kernelOffsets.entries()) {
      const value = values[filter * from.outStride + column * from.inStride + from.kernelOffsets[k]!]!;
      const scaled = from.rowScale === null ? value : value * from.rowScale[filter]!;
      model.set(to.tensor, filter * to.outStride + column * to.inStride + offset, isZero ? 0 : scaled);
    }
}
