import type { OnnxModel, OnnxNode, Tensor } from '../onnx/index.ts';
import type { ChannelMap, Dim } from './channels.ts';
import type { CutSite } from './cut-sites.ts';
import type { Numbers } from './numbers.ts';
import type { TensorView } from './tensor-view.ts';

/** What a source layer is, as far as pruners care. */
export type LayerKind =
  | 'input'
  | 'conv'
  | 'depthwise'
  | 'dense'
  | 'conv-transpose'
  /** LSTM, GRU, RNN: reads channels, and makes none that could be pruned. */
  | 'recurrent'
  /** Rows of a table that are looked up: a dense layer of inputs of which one is 1 and all others 0. */
  | 'embedding'
  | 'batch-norm'
  | 'activation'
  | 'elementwise'
  | 'concat'
  | 'flatten'
  | 'reshape'
  | 'permute'
  | 'pool'
  | 'global-pool'
  | 'pad'
  | 'upsample'
  | 'crop'
  | 'softmax'
  | 'opaque';

/** Whether BatchNorm has been multiplied into a layer's weights, which makes their norms useless to a pruner's rule. */
export type Folding = 'raw' | 'folded' | 'unknown';

/**
 * A weight tensor with named axes, as strides over its stored elements: element (out, in, kernel position k) lies at
 * `out * outStride + in * inStride + kernelOffsets[k]`, kernel positions in row-major (kh, kw) order.
 */
export interface Weight {
  readonly tensor: Tensor;
  readonly outCount: number;
  readonly outStride: number;
  /** Input channels of one group: 1 for a depthwise conv. */
  readonly inCount: number;
  readonly inStride: number;
  readonly kernelOffsets: Int32Array;
  /** What each filter's stored values are multiplied by, in their own type, to be the weight; null for 1. */
  readonly rowScale: Float64Array | null;
}

/** A BatchNorm that an exporter could fold into the convolution whose output it reads. */
export interface Norm {
  readonly scale: Tensor;
  readonly shift: Tensor;
  /** Null where the exporter computed with them already: x * scale + shift is all of it. */
  readonly statistics: { readonly mean: Tensor; readonly variance: Tensor; readonly epsilon: number } | null;
  /** The tensor that it makes. */
  readonly output: string;
}

/** Something the network could not place: the operator's name, and the node's for messages. */
export interface Opaque {
  readonly opaque: string;
}

/** Channel ids of a tensor's channel positions, or why they are not known. */
export type Channels = Int32Array | Opaque;

/** One call of a layer: the layers it reads, in operand order. */
export interface Call {
  readonly inputs: readonly number[];
  /** Names of the tensors read from them, in the same order; one that is read twice stands once. */
  readonly reads: readonly string[];
  /** For a layer with weights: the channel each input column of the whole input (all groups) comes from. */
  readonly columns: Channels | null;
  /** How often the kernel is applied to one sample (output positions; input ones of a transposed conv); null where a size is unknown. */
  readonly positions: number | null;
}

/** What a layer is beside its kind, where source frameworks have layers or modules of their own for it. */
export type LayerSort =
  | 'lstm'
  | 'gru'
  | 'batch-norm'
  | 'layer-norm'
  | 'instance-norm'
  | 'prelu'
  | 'elu'
  /** An ELU with a factor. */
  | 'scaled-elu'
  | 'split'
  /** A split into parts of one position each, whose axis goes: torch.unbind. */
  | 'unbind'
  | 'slice'
  /** Of a tensor of five axes, one of which is repeated: heads of keys that several heads of queries share. */
  | 'expand'
  /** A product of matrices that are both computed. */
  | 'matrix-product'
  | 'sum'
  | 'difference'
  | 'product'
  | 'quotient'
  | 'maximum'
  | 'minimum'
  | 'mean'
  | 'global-maximum'
  /** A sum of a list that was stacked: EfficientDet's WeightedFusion. */
  | 'weighted-sum';

/** A layer of the source framework, prunable or not. Layers are numbered in graph order. */
export interface Layer {
  readonly id: number;
  readonly name: string;
  readonly kind: LayerKind;
  /** The ONNX operator that makes the layer what it is. */
  readonly op: string;
  readonly sort: LayerSort | null;
  readonly calls: readonly Call[];
  /** null for a layer without prunable weights; an Opaque where its weight is computed at run time. */
  readonly weight: Weight | Opaque | null;
  /** The BatchNorm right behind each call of a convolution; null where there is none. */
  readonly norms: readonly (Norm | null)[];
  /** Whether its filters are multiplied by a vector and shifted by another: a BatchNorm may be written so. */
  readonly isRescaled: boolean;
  /** Groups of a convolution or a normalization; 1 elsewhere. */
  readonly groups: number;
  /** First channel id of its output channels, and how many; count 0 for layers that produce none of their own. */
  readonly firstChannel: number;
  readonly filters: number;
  readonly folding: { readonly state: Folding; readonly evidence: string };
  /** Target shape of a Reshape as written (-1 where inferred, a null where computed at run time); null where the exporter resolved it. */
  readonly targetShape: readonly Dim[] | null;
  /** Shape of its (last) output, where inferred, and the axis of its channels. */
  readonly output: { readonly shape: readonly Dim[] | null; readonly channelAxis: number | null };
  /** Of a Concat: the axis of its output along which operands follow one another, and whether channels lie along it. */
  readonly joins: { readonly axis: number; readonly isOfChannels: boolean } | null;
  /** The source's layer of which this is one half: a SeparableConv2D's depthwise or pointwise convolution. */
  readonly halfOf: string | null;
}

export type FollowerRole = 'bias' | 'scale' | 'shift' | 'mean' | 'variance' | 'slope' | 'constant';

/** A constant whose elements follow channels: a bias, a BatchNorm vector, a PRelu slope, an added or multiplied vector. */
export interface Follower {
  /** Source layer (by name) that the constant stands in, for messages. */
  readonly layer: string;
  readonly role: FollowerRole;
  readonly tensor: Tensor;
  readonly stride: number;
  /** Channel of each element, in element order. */
  readonly channels: Int32Array;
  /** The exporter computed it (gamma / sqrt(var + eps) of a BatchNorm taken apart), so its last bits may vary with its length. */
  readonly isComputed: boolean;
  /**
   * Where it was computed here, the size of what each element was summed up of: another order of the same operations differs
   * by the rounding of that, not of the sum.
   */
  readonly terms?: Float32Array;
}

/** Operands that must keep the same channel positions: the two sides of an Add, a depthwise conv's input and output. */
export interface Coupling {
  readonly layer: string;
  readonly op: string;
  readonly operands: readonly Int32Array[];
}

/** A tensor of the graph that is computed from the model's inputs. */
export interface NetworkTensor {
  /** Id of the layer that makes it, and which of the layer's calls does. */
  readonly layer: number;
  readonly call: number;
  /** Null where it carries no prunable channels. */
  readonly channels: ChannelMap | Opaque | null;
  /** Null where its rank is not known. */
  readonly shape: readonly Dim[] | null;
}

/** A node of the graph, without its attributes: what it does to channels is for the rest of `Network` to say. */
export interface NetworkNode {
  /** By which sites name it, and edits of the model. */
  readonly handle: OnnxNode;
  readonly op: string;
  /** Its own name, or that of what it makes. */
  readonly name: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /**
   * 'weights': a constant operand is a layer's weight. 'layout': it moves or renames elements, which exporters add, merge and push
   * about. 'sizes': it reads only how large its operand is.
   */
  readonly role: 'weights' | 'layout' | 'sizes' | null;
  /** Whether its result can be the same for quite different operands. */
  readonly saturates: boolean;
  /** Whether it stands in a function of the model, so that what it makes is no tensor of the graph. */
  readonly isInner: boolean;
}

/** Who reads a tensor: a node's input, or null for a graph's output and for subgraphs, which read it by name. */
export type Reader = { readonly node: OnnxNode; readonly input: number } | null;

/** An output of the graph. */
export interface NetworkOutput {
  readonly tensor: string;
  /** What the source calls the layer that it is named after, which may have vanished in the export. */
  readonly name: string;
  /** The layer that makes it; null for a constant. */
  readonly layer: Layer | null;
}

/** A constant under one of its names. */
export interface NamedConstant {
  readonly view: TensorView;
  /** The name under which it is stored: an initializer's, or a Constant node's output. */
  readonly root: string;
  /** False where a node makes it of others, so that it is stored nowhere as it is read: its root is then its own name. */
  readonly isStored: boolean;
  /** Whether it has another element type than the stored one. */
  readonly isCast: boolean;
  /** What reads the stored one on the way to this name; null where this is its name. */
  readonly via: Reader;
}

/** A floating-point constant that no layer owns and no channels are known to reach. */
export interface UnseenWeight {
  readonly tensor: Tensor;
  /** The node that reads it. */
  readonly op: string;
  readonly node: string;
}

/** A model seen as layers, and where every channel comes from and goes to. Immutable; tensors read themselves. */
export interface Network {
  /** What it was read from. */
  readonly model: OnnxModel;
  /** How the source framework lays out its tensors; null where the model's inputs do not tell. */
  readonly dataFormat: 'channels_first' | 'channels_last' | null;
  readonly layers: readonly Layer[];
  readonly followers: readonly Follower[];
  readonly couplings: readonly Coupling[];
  /** Ids of channels of heads that several heads of queries share: what is computed of them may go for some of those alone. */
  readonly shared: ReadonlySet<number>;
  /**
   * Ids of single channels whose positions meet something that is computed of constants alone and of which no element is known: what
   * another export stores there, such as a detector's anchors, is not missing.
   */
  readonly besideComputed: ReadonlySet<number>;
  /** Layer that owns each channel id. */
  readonly channelOwner: Int32Array;
  /** By name, in graph order. */
  readonly tensors: ReadonlyMap<string, NetworkTensor>;
  /** Layers that make the graph's outputs. */
  readonly outputLayers: readonly Layer[];
  /** The graph's outputs, in order. */
  readonly outputs: readonly NetworkOutput[];
  /** Prunable layers (conv, depthwise, dense) by name, in graph order. */
  readonly prunable: ReadonlyMap<string, Layer>;
  /** In graph order. */
  readonly nodes: readonly NetworkNode[];
  /** Places that hang on how many channels there are, or on which. */
  readonly sites: readonly CutSite[];
  /** By name: stored, behind nodes that lay them out anew, or computed. */
  readonly constants: ReadonlyMap<string, NamedConstant>;
  readonly readers: ReadonlyMap<string, readonly Reader[]>;
  /** Floating-point constants that nobody looked at: what is done with them is not known. */
  readonly unseen: readonly UnseenWeight[];
  /** Elements of all floating-point constants that a network reads, a constant that is read twice once. */
  readonly parameters: number;
  /** Elements of a small tensor that is constant or computed from sizes; null where they are not known. */
  numbers(name: string): Numbers | null;
  /** Whether a tensor that is known hangs on the sizes of others, so that it changes when they do. */
  isSized(name: string): boolean;
}

/** What of a layer a pruner may set to zero for a filter instead of removing it; `bn` is gamma and beta of the BatchNorm behind it. */
export type MaskedPart = 'weight' | 'bias' | 'bn';

/** Retained indices: sorted, zero-based positions of the output channels (filters) that a layer keeps. */
export type RetainedIndices = readonly number[];
