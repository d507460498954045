import type { OnnxAttribute, OnnxFile, OnnxNode } from '../onnx/index.ts';
import { constantTensor, toIntegers } from '../onnx/index.ts';
import type { Dim } from './channels.ts';
import type { Signal, Value } from './drafts.ts';
import type { LayerDrafts } from './layers.ts';
import type { SourceNames } from './names.ts';
import { viewOf } from './tensor-view.ts';
import type { Coupling, Follower } from './types.ts';

/** Integer tensors up to this many elements are evaluated (shapes, axes, pads); larger ones are data. */
const MAX_SHAPE_ELEMENTS = 1024;

/** Everything the operator handlers read and add to. One per network, gone once it is built. */
export interface Walk {
  readonly file: OnnxFile;
  /** ai.onnx operator set version. */
  readonly opset: number;
  readonly values: Map<string, Value>;
  /** Values of small integer tensors, where they can be computed; null for an element that cannot. */
  readonly integers: Map<string, readonly (number | null)[]>;
  readonly drafts: LayerDrafts;
  readonly names: SourceNames;
  readonly channels: ChannelNumbers;
  /** The only node that reads a tensor. */
  soleConsumer(tensor: string): OnnxNode | undefined;
  readonly followers: Follower[];
  readonly couplings: Coupling[];
}

/** Hands out network-wide channel ids. */
export interface ChannelNumbers {
  /** The first of `count` new ids, owned by a layer. */
  claim(layer: number, count: number): number;
}

export type Handler = (walk: Walk, node: OnnxNode) => void;

type ValueOf<K extends OnnxAttribute['kind']> =
  Extract<OnnxAttribute, { kind: K }> extends { value: infer V } ? V : never;

/** An attribute's value, or null where the node has none of that name and kind. */
export function attribute<K extends OnnxAttribute['kind']>(node: OnnxNode, name: string, kind: K): ValueOf<K> | null {
  const found = node.attributes.get(name);
  return found !== undefined && found.kind === kind && 'value' in found ? (found.value as ValueOf<K>) : null;
}

export function intAttribute(node: OnnxNode, name: string, fallback: number): number {
  return attribute(node, name, 'int') ?? fallback;
}

/** The value of input `k`; null where the optional input is omitted. */
export function input(walk: Walk, node: OnnxNode, k: number): Value | null {
  const name = node.inputs[k];
  return name === undefined || name === '' ? null : (walk.values.get(name) ?? null);
}

/** The elements of a small integer tensor, constant or computed from shapes; null where nothing is known. */
export function integersOf(walk: Walk, name: string | undefined): readonly (number | null)[] | null {
  if (name === undefined || name === '') return null;
  const known = walk.integers.get(name);
  if (known !== undefined) return known;
  const value = walk.values.get(name);
  if (value?.kind !== 'constant' || !/^u?int|^bool/.test(value.view.tensor.dtype)) return null;
  if (value.view.tensor.elements > MAX_SHAPE_ELEMENTS) return null;
  const integers = toIntegers(walk.file.readTensor(value.view.tensor), 'saturate');
  walk.integers.set(name, integers);
  return integers;
}

/** Integers that must all be known, from an input or (older operator sets) the attribute of the same meaning. */
export function integerList(
  walk: Walk,
  node: OnnxNode,
  inputAt: number,
  attributeName: string,
): readonly number[] | null {
  const fromAttribute = attribute(node, attributeName, 'ints');
  if (fromAttribute !== null) return fromAttribute;
  const values = integersOf(walk, node.inputs[inputAt]);
  return values?.every((v) => v !== null) ? (values as readonly number[]) : null;
}

export function shapeOf(value: Value | null): readonly Dim[] | null {
  if (value === null) return null;
  if (value.kind === 'channels') return value.map.shape;
  return value.kind === 'constant' ? value.view.dims : value.shape;
}

/** Whether a node that reads this value belongs to a layer. */
export function isSignal(value: Value | null): value is Signal {
  return value !== null && value.kind !== 'constant' && value.from !== null;
}

export function setOutput(walk: Walk, node: OnnxNode, value: Value, k = 0): void {
  const name = node.outputs[k];
  if (name !== undefined && name !== '') walk.values.set(name, value);
}

/** A Constant node's value, kept as a view of its tensor. */
export const constant: Handler = (walk, node) => {
  const tensor = constantTensor(node);
  setOutput(
    walk,
    node,
    tensor === null ? { kind: 'fixed', shape: null, from: null } : { kind: 'constant', view: viewOf(tensor) },
  );
};

/** Marks every output of a node as not understood; the layer is still part of the graph that dialects walk. */
export function setOpaque(walk: Walk, node: OnnxNode, why: string = node.opType): void {
  const signals = node.inputs.map((_, k) => input(walk, node, k)).filter(isSignal);
  if (signals.length === 0) {
    for (const k of node.outputs.keys()) setOutput(walk, node, { kind: 'fixed', shape: null, from: null }, k);
    return;
  }
  const from = walk.drafts.place(node, 'opaque', walk.values);
  for (const k of node.outputs.keys()) setOutput(walk, node, { kind: 'opaque', op: why, shape: null, from }, k);
}

export function normalizeAxis(axis: number, rank: number): number {
  return axis < 0 ? axis + rank : axis;
}
