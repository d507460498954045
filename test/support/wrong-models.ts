import { readFileSync, writeFileSync } from 'node:fs';
import { FIXED_CHANNEL, type Layer, type Network } from '../../src/network/index.ts';
import type { OnnxTensor, Tensor } from '../../src/onnx/index.ts';

/** Filters that each layer's tensors are cut by; a part of a layer may be cut by others than the layer itself. */
export interface Cut {
  /** Filters of a layer's kernel rows. */
  kernel(layer: string): readonly number[];
  /** Filters of what follows its channels (bias, BatchNorm); the kernel's where it says nothing. */
  follower?(layer: string, tensor: string): readonly number[] | null;
  /** Filters by which a consumer's input columns are cut; the kernel's where it says nothing. */
  columns?(layer: string, consumer: string): readonly number[] | null;
  /** Dense columns that a consumer keeps, whatever reaches it; those of the kept filters where it says nothing. */
  positions?(consumer: string): readonly number[] | null;
}

/** Edits the raw bytes of float32 tensors of a copy of a model file, in place: names, shapes and graph stay as they are. */
export class ModelBytes {
  readonly bytes: Buffer;

  constructor(path: string) {
    this.bytes = readFileSync(path);
  }

  /** Offset of a tensor's first element in the file. */
  at(tensor: Tensor): number {
    const { storage } = tensor as OnnxTensor;
    if (storage.kind === 'raw') return storage.offset;
    if (storage.kind !== 'inline') throw new Error(`${tensor.name} is not raw`);
    const found = this.bytes.indexOf(storage.bytes);
    if (found < 0 || this.bytes.indexOf(storage.bytes, found + 1) >= 0)
      throw new Error(`${tensor.name} is not where it is looked for`);
    return found;
  }

  set(tensor: Tensor, element: number, value: number): void {
    this.bytes.writeFloatLE(value, this.at(tensor) + 4 * element);
  }

  flipBit(tensor: Tensor, element: number, bit: number): void {
    const at = this.at(tensor) + 4 * element;
    this.bytes.writeUInt32LE((this.bytes.readUInt32LE(at) ^ (1 << bit)) >>> 0, at);
  }

  /** Replaces a name everywhere by another of the same length. */
  rename(from: string, to: string): void {
    if (from.length !== to.length) throw new Error('lengths differ');
    for (let at = this.bytes.indexOf(from); at >= 0; at = this.bytes.indexOf(from, at + 1)) this.bytes.write(to, at);
  }

  save(path: string): string {
    writeFileSync(path, this.bytes);
    return path;
  }
}

/**
 * Rewrites a pruned model as if it had been cut by other filters of the same number.
 * @param pruned a rightly pruned model of the same shapes
 */
export function recut(dense: Network, pruned: Network, cut: Cut): ModelBytes {
  const model = new ModelBytes(pruned.model.name);
  const floats = (tensor: Tensor) => {
    const { bytes } = tensor.read();
    return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
  };
  const denseChannel = (id: number, filtersOf: (layer: string) => readonly number[]): number => {
    if (id === FIXED_CHANNEL) return FIXED_CHANNEL;
    const layer = pruned.layers[pruned.channelOwner[id]!]!;
    const partner = partnerOf(dense, layer);
    const filters = partner.kind === 'conv-transpose' ? null : filtersOf(layer.name);
    const own = id - layer.firstChannel;
    return partner.firstChannel + (filters === null ? own : filters[own]!);
  };
  for (const layer of pruned.layers) {
    const { weight } = layer;
    if (weight === null || 'opaque' in weight) continue;
    const partner = partnerOf(dense, layer);
    const denseWeight = partner.weight;
    if (denseWeight === null || 'opaque' in denseWeight) throw new Error(layer.name);
    const source = floats(denseWeight.tensor);
    const columns =
      layer.kind === 'depthwise'
        ? [0]
        : (cut.positions?.(layer.name) ??
          columnsOf(partner, layer, (id) =>
            denseChannel(id, (name) => cut.columns?.(name, layer.name) ?? cut.kernel(name)),
          ));
    const rows = layer.kind === 'conv-transpose' ? null : cut.kernel(layer.name);
    for (let row = 0; row < weight.outCount; row++) {
      for (const [column, from] of columns.entries()) {
        for (const [k, offset] of weight.kernelOffsets.entries()) {
          const value =
            source[
              (rows?.[row] ?? row) * denseWeight.outStride + from * denseWeight.inStride + denseWeight.kernelOffsets[k]!
            ]!;
          model.set(weight.tensor, row * weight.outStride + column * weight.inStride + offset, value);
        }
      }
    }
  }
  for (const follower of pruned.followers) {
    const partner = dense.followers.find((other) => other.layer === follower.layer && other.role === follower.role);
    if (partner === undefined) throw new Error(follower.tensor.name);
    const source = floats(partner.tensor);
    for (const [at, id] of follower.channels.entries()) {
      const channel = denseChannel(id, (name) => cut.follower?.(name, follower.layer) ?? cut.kernel(name));
      model.set(follower.tensor, at * follower.stride, source[partner.channels.indexOf(channel) * partner.stride]!);
    }
  }
  return model;
}

function partnerOf(dense: Network, layer: Layer): Layer {
  const partner = dense.layers.find((other) => other.name === layer.name && other.weight !== null);
  if (partner === undefined) throw new Error(`${layer.name} is not in the dense model`);
  return partner;
}

function columnsOf(dense: Layer, pruned: Layer, denseChannel: (id: number) => number): readonly number[] {
  const [from, to] = [dense.calls[0]?.columns, pruned.calls[0]?.columns];
  if (!(from instanceof Int32Array) || !(to instanceof Int32Array)) throw new Error(pruned.name);
  const taken = new Set<number>();
  return Array.from(to, (id) => {
    const channel = denseChannel(id);
    const position = from.findIndex((other, at) => other === channel && !taken.has(at));
    taken.add(position);
    return position;
  });
}
