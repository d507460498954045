import type { OnnxAttribute, OnnxModel, OnnxNode } from '../onnx/index.ts';
import { constantTensor, toIntegers } from '../onnx/index.ts';
import type { ChannelMap, Dim } from './channels.ts';
import type { CutSite } from './cut-sites.ts';
import type { Signal, Value } from './drafts.ts';
import type { LayerDrafts } from './layers.ts';
import { readsOf } from './reads.ts';
import type { SourceNames } from './source-name.ts';
import { viewOf } from './tensor-view.ts';
import type { Coupling, Follower } from './types.ts';

/** Integer tensors up to this many elements are evaluated (shapes, axes, pads, channel numbers); larger ones are data. */
export const MAX_SHAPE_ELEMENTS = 1024;

/** A small integer tensor; null for an element that hangs on a symbolic size. */
export interface Integers {
  readonly dims: readonly number[];
  readonly data: readonly Dim[];
}

/** Everything the operator handlers read and add to. One per network, gone once it is built. */
export interface Walk {
  readonly model: OnnxModel;
  /** ai.onnx operator set version. */
  readonly opset: number;
  readonly values: Map<string, Value>;
  /** Values of small integer tensors, where they can be computed; null for what is known not to be one. */
  readonly integers: Map<string, Integers | null>;
  readonly drafts: LayerDrafts;
  readonly names: SourceNames;
  readonly channels: ChannelNumbers;
  /** The only node that reads a tensor. */
  soleConsumer(tensor: string): OnnxNode | undefined;
  readonly followers: Follower[];
  readonly couplings: Coupling[];
  readonly sites: CutSite[];
}

/** Hands out network-wide channel ids. */
export interface ChannelNumbers {
  /** The first of `count` new ids, owned by a layer. */
  claim(layer: number, count: number): number;
  /** Whether the network may hold so many more channel positions. */
  afford(count: number): boolean;
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

/** A small integer tensor, constant or computed from shapes; null where nothing is known. */
export function integerTensorOf(walk: Walk, name: string | undefined): Integers | null {
  if (name === undefined || name === '') return null;
  const known = walk.integers.get(name);
  if (known !== undefined) return known;
  const value = walk.values.get(name);
  if (value?.kind !== 'constant') return null;
  const { tensor } = value.view;
  if (!/^u?int(8|16|32|64)$|^bool$/.test(tensor.dtype) || tensor.elements > MAX_SHAPE_ELEMENTS) return null;
  const integers = { dims: tensor.dims, data: toIntegers(tensor.read(), 'saturate') };
  walk.integers.set(name, integers);
  return integers;
}

/** The elements of a small integer vector or scalar. */
export function integersOf(walk: Walk, name: string | undefined): readonly Dim[] | null {
  const integers = integerTensorOf(walk, name);
  return integers !== null && integers.dims.length <= 1 ? integers.data : null;
}

/** Whether an optional input is there, known or not. */
export function hasInput(node: OnnxNode, k: number): boolean {
  return (node.inputs[k] ?? '') !== '';
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
  if (name === undefined || name === '') return;
  const isTooMuch =
    value.kind === 'channels' && !holdsAlready(walk, node, value.map) && !walk.channels.afford(value.map.ids.length);
  walk.values.set(
    name,
    isTooMuch
      ? {
          kind: 'opaque',
          op: `${node.opType} in a model of too many channels`,
          shape: value.map.shape,
          from: value.from,
        }
      : value,
  );
}

function holdsAlready(walk: Walk, node: OnnxNode, { ids }: ChannelMap): boolean {
  return node.inputs.some((name) => {
    const value = walk.values.get(name);
    return value?.kind === 'channels' && value.map.ids === ids;
  });
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
  const isComputed = readsOf(node).some((name) => isSignal(walk.values.get(name) ?? null));
  const from = isComputed ? walk.drafts.place(node, 'opaque', walk.values) : null;
  for (const [k, name] of node.outputs.entries()) {
    const shape = statedShape(walk, name);
    setOutput(walk, node, from === null ? { kind: 'fixed', shape, from } : { kind: 'opaque', op: why, shape, from }, k);
  }
}

/** The shape that the file states for a tensor that no rule here infers: layers behind it still know their axes. */
function statedShape(walk: Walk, name: string): readonly Dim[] | null {
  const { valueInfo } = walk.model.graph;
  return valueInfo.get(name)?.shape?.map((size) => (typeof size === 'number' ? size : null)) ?? null;
}

export function normalizeAxis(axis: number, rank: number): number {
  return axis < 0 ? axis + rank : axis;
}
