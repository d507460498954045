import type { DType, OnnxNode } from './model.ts';

/** New elements of a tensor, in raw_data's layout. */
export interface TensorContent {
  readonly dims: readonly number[];
  /**
   * The bytes, in pieces that are written one after another, so that a large tensor is never in memory twice. Asked for
   * when the tensor's turn comes; asked again, it must give the same.
   */
  chunks(): Iterable<Uint8Array>;
}

/** A tensor that the graph did not have. */
export interface NewTensor extends TensorContent {
  readonly dtype: DType;
}

/** What changes about a node; what is not named stays. */
export interface NodeEdit {
  /** Names to read instead, by the input's place. A place behind the last one makes the list longer. */
  readonly inputs?: ReadonlyMap<number, string>;
  /** New values of integer attributes; null takes an attribute away. */
  readonly attributes?: ReadonlyMap<string, number | readonly number[] | null>;
}

/** What is to be different in the copy of a model. Everything else is copied byte for byte. */
export interface ModelEdits {
  /** New contents, by name, of initializers and of Constant nodes (by their output). Element types stay. */
  readonly tensors?: ReadonlyMap<string, TensorContent>;
  /** Initializers to add. */
  readonly added?: ReadonlyMap<string, NewTensor>;
  /** Nodes of the graph itself, not of its subgraphs. */
  readonly nodes?: ReadonlyMap<OnnxNode, NodeEdit>;
  /** New sizes in graph inputs, outputs and value_info, by the tensor's name; null keeps what is written. */
  readonly shapes?: ReadonlyMap<string, readonly (number | null)[]>;
  /** Tensors whose value_info, which no model needs, is left out: its sizes are no longer known. */
  readonly unstated?: ReadonlySet<string>;
  /** Nodes and initializers, by name, that are left out. */
  readonly dropped?: { readonly nodes: ReadonlySet<OnnxNode>; readonly tensors: ReadonlySet<string> };
  /** Entries of metadata_props to set. */
  readonly metadata?: ReadonlyMap<string, string>;
}

/** A tensor's new content that is at hand. */
export function contentOf(dims: readonly number[], bytes: Uint8Array): TensorContent {
  return { dims, chunks: () => [bytes] };
}
