import type { OnnxNode } from '../onnx/index.ts';
import type { ChannelMap, Dim } from './channels.ts';
import type { Range } from './range.ts';
import type { TensorView } from './tensor-view.ts';

/** Where a node has integers: one of its inputs, or an attribute of older operator sets. */
export type IntegerOperand = { readonly input: number } | { readonly attribute: string };

/** A layer's kernel, as one of its calls reads it. */
export interface KernelSite {
  readonly kind: 'kernel';
  readonly node: OnnxNode;
  readonly input: number;
  readonly view: TensorView;
  /** Id of the layer, and which of its calls this is. */
  readonly layer: number;
  readonly call: number;
  readonly outAxis: number;
  readonly inAxis: number;
  /** The axis that holds one group only; the other one holds all groups, one after another. */
  readonly axisOfGroup: number;
  /** The attribute that says how many groups there are; null where there is one always. */
  readonly groupAttribute: string | null;
}

/** A constant that follows channels along one axis: a bias, a BatchNorm vector, an added or multiplied one. */
export interface VectorSite {
  readonly kind: 'vector';
  readonly node: OnnxNode;
  readonly input: number;
  readonly view: TensorView;
  readonly axis: number;
  readonly channels: Int32Array;
}

/** Integers some of which are sizes of tensors: the target of a Reshape, the parts of a Split. */
export interface SizesSite {
  readonly kind: 'sizes';
  readonly node: OnnxNode;
  readonly operand: IntegerOperand;
  /** As they are now; null for what is computed from symbolic sizes. */
  readonly values: readonly Dim[];
  /** What entry `at` is the size of: a tensor along an axis, or a run of channels. */
  readonly sizes: readonly ({ readonly at: number } & (
    | { readonly tensor: string; readonly axis: number }
    | { readonly channels: Int32Array }
  ))[];
  /** A Reshape, where 0 copies a size of the operand and one -1 is inferred. */
  readonly isTarget: boolean;
  /** What the node goes by where nothing is written: equal parts. null where it is written. */
  readonly unwritten: { readonly drops: string } | null;
}

/** A range of positions along a channel axis. */
export interface RangeSite {
  readonly kind: 'range';
  readonly node: OnnxNode;
  readonly starts: IntegerOperand;
  readonly ends: IntegerOperand;
  readonly startValues: readonly Dim[];
  readonly endValues: readonly Dim[];
  /** Entry of the lists. */
  readonly at: number;
  readonly range: Range;
  /** Channels of each position of the axis, and how many each has: it goes when none of them is left. */
  readonly channels: Int32Array;
  readonly perPosition: number;
}

/** Single positions along a channel axis, in the order in which they are taken. */
export interface PicksSite {
  readonly kind: 'picks';
  readonly node: OnnxNode;
  readonly operand: IntegerOperand;
  /** As written, negative ones counted from the end. */
  readonly values: readonly number[];
  readonly positions: readonly number[];
  /** Whether the axis goes with a single position, so that it is no list. */
  readonly isScalar: boolean;
  /** Channels of each position of the axis, and how many each has. */
  readonly channels: Int32Array;
  readonly perPosition: number;
}

/** Channels that go where they are not followed: none of them can be cut. */
export interface WholeSite {
  readonly kind: 'whole';
  readonly node: OnnxNode;
  /** Why, as an operator's name. */
  readonly op: string;
  readonly channels: Int32Array;
}

/** An operator that mixes channels without weights: cut, it computes another thing than with zeros in their place. */
export interface MixSite {
  readonly kind: 'mix';
  readonly node: OnnxNode;
  readonly channels: Int32Array;
}

/** A product of matrices that are both computed: queries with keys, or attention with values. */
export interface HeadsSite {
  readonly kind: 'heads';
  readonly node: OnnxNode;
  /** The channels of its operands, by heads where there are several. */
  readonly operands: readonly ChannelMap[];
}

/** A constant that is scaled along an axis on its way, so that cutting it alone would not do. */
export interface RigidSite {
  readonly kind: 'rigid';
  readonly node: OnnxNode;
  readonly view: TensorView;
}

/** A place in a model that hangs on how many channels there are, or on which. */
export type CutSite =
  | KernelSite
  | VectorSite
  | SizesSite
  | RangeSite
  | PicksSite
  | WholeSite
  | MixSite
  | HeadsSite
  | RigidSite;
