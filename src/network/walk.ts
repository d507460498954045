import type { OnnxAttribute, OnnxModel, OnnxNode } from '../onnx/index.ts';
import type { ChannelMap, Dim } from './channels.ts';
import type { CutSite } from './cut-sites.ts';
import type { Signal, Value } from './drafts.ts';
import type { LayerDrafts } from './layers.ts';
import type { SourceNames } from './names/source-name.ts';
import type { Numbers } from './numbers.ts';
import { readsOf } from './reads.ts';
import type { Coupling, Follower } from './types.ts';

/** Everything the operator handlers read and add to. One per network, gone once it is built. */
export interface Walk {
  readonly model: OnnxModel;
  /** ai.onnx operator set version. */
  readonly opset: number;
  readonly values: Map<string, Value>;
  /** Small tensors that are known, constant or computed from sizes; null for what is known not to be one. */
  readonly numbers: Map<string, Numbers | null>;
  /** Names of those that hang on sizes of tensors. */
  readonly sized: Set<string>;
  /** Elements that may still be computed. */
  computable: number;
  readonly drafts: LayerDrafts;
  readonly names: SourceNames;
  readonly channels: ChannelNumbers;
  /** Which of several operands, each with as many channels, a sum goes by. */
  lead(operands: readonly Int32Array[]): number;
  /** The node that makes each tensor, as far as the walk has come. */
  readonly makers: Map<string, OnnxNode>;
  /** The only node that reads a tensor. */
  soleConsumer(tensor: string): OnnxNode | undefined;
  readonly followers: Follower[];
  readonly couplings: Coupling[];
  /** Channels of heads that several heads of queries share. */
  readonly shared: Set<number>;
  /** Single channels whose positions meet something that is computed of constants alone, and not here. */
  readonly besideComputed: Set<number>;
  readonly sites: CutSite[];
}

/** Hands out network-wide channel ids. */
export interface ChannelNumbers {
  /** The first of `count` new ids, owned by a layer. */
  claim(layer: number, count: number): number;
  /** Whether the network may hold so many more channel positions. */
  afford(count: number): boolean;
}

/** Which of several operands a sum goes by, from the layers whose channels each carries, in their order. */
export type Leads = (operands: readonly (readonly number[])[]) => number;

export type Carry = (walk: Walk, node: OnnxNode) => void;

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

/** Whether an optional input is there, known or not. */
export function hasInput(node: OnnxNode, k: number): boolean {
  return (node.inputs[k] ?? '') !== '';
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

/**
 * Marks every output of a node as not understood; the layer is still part of the graph that dialects walk.
 * @param known the shape of its first output, where it is known; else what the file states
 */
export function setOpaque(
  walk: Walk,
  node: OnnxNode,
  why: string = node.opType,
  known: readonly Dim[] | null = null,
): void {
  const isComputed = readsOf(node).some((name) => isSignal(walk.values.get(name) ?? null));
  const from = isComputed ? walk.drafts.place(node, 'opaque', walk.values) : null;
  for (const [k, name] of node.outputs.entries()) {
    const shape = (k === 0 ? known : null) ?? statedShape(walk, name);
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
