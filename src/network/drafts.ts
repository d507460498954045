import type { Tensor } from '../onnx/index.ts';
import type { ChannelMap, Dim } from './channels.ts';
import type { TensorView } from './tensor-view.ts';
import type { Channels, LayerKind, Norm, Opaque, Weight } from './types.ts';

/** A source layer while its nodes are being collected. */
export interface LayerDraft {
  readonly id: number;
  readonly name: string;
  /** Kinds of the nodes it is made of, in graph order. */
  readonly parts: { readonly kind: LayerKind; readonly op: string }[];
  readonly calls: CallDraft[];
  weight: Weight | Opaque | null;
  /** By call. */
  readonly norms: (Norm | null)[];
  groups: number;
  firstChannel: number;
  filters: number;
  targetShape: readonly Dim[] | null;
  output: { shape: readonly Dim[] | null; channelAxis: number | null };
  joins: { readonly axis: number; readonly isOfChannels: boolean } | null;
  /** The name under which a node with weights was placed, before it was told from others of that name. */
  readonly sourceName: string;
  /** Initializer names around the weights: evidence of folding. */
  readonly weightNames: string[];
  hasBias: boolean;
  /** Of an Add on its own: the layer with weights whose bias it adds. */
  biasOf: Origin | null;
  /** Of a BatchNorm that is plain arithmetic: the call that it stands behind, and what it multiplies by. */
  scaling: { readonly of: Origin; readonly factor: Tensor } | null;
  /** Of a product with a vector: the layer with weights whose filters it multiplies. */
  rescales: LayerDraft | null;
  /** Whether a sum with a vector follows such a product. */
  isRescaled: boolean;
  /** Biases that are its nodes' own inputs. */
  readonly biases: Set<Tensor>;
}

export interface CallDraft {
  /** Tensors read from outside the layer, in operand order, with the layers that made them. */
  readonly externals: Map<string, LayerDraft>;
  /** A two-operand node read the same tensor twice: `Add([x, x])` is still an element-wise layer. */
  doubled: boolean;
  columns: Channels | null;
  positions: number | null;
}

/** What is known of one tensor of the graph while the nodes are walked in order. */
export type Value =
  | { readonly kind: 'channels'; readonly map: ChannelMap; readonly from: Origin }
  /** Carries no prunable channels: a graph input, something computed from shapes, a reduction over channels. */
  | { readonly kind: 'fixed'; readonly shape: readonly Dim[] | null; readonly from: Origin | null }
  | { readonly kind: 'constant'; readonly view: TensorView }
  | { readonly kind: 'opaque'; readonly op: string; readonly shape: readonly Dim[] | null; readonly from: Origin };

/** The source layer, and which of its calls, that made a tensor. */
export interface Origin {
  readonly layer: LayerDraft;
  readonly call: number;
}

/** A value computed from the model's inputs, so that the node that made it belongs to a layer. */
export type Signal = Exclude<Value, { kind: 'constant' }> & { readonly from: Origin };
