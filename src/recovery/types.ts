import type { RetainedIndices } from '../network/index.ts';

/** How a layer's own kernel compares with the dense one. */
export type KernelOutcome =
  /** Every filter is a dense filter, bit for bit, over the input columns that remain. */
  | { readonly kind: 'exact' }
  /** Filters can be told, but some of their values are not the dense ones. */
  | { readonly kind: 'altered'; readonly detail: string }
  /** No filter is recognized: retrained, folded differently, or another model. */
  | { readonly kind: 'unrecognized'; readonly detail: string }
  /** The layer is not in the pruned model. */
  | { readonly kind: 'missing' };

/** Another tensor that belongs to a layer and keeps other channels, or other values, than the layer's own kernel. */
export interface Disagreement {
  /** Name of the tensor, or whose input columns. */
  readonly tensor: string;
  /** The layer whose input columns disagree; null for a tensor that follows the channels. */
  readonly consumer: string | null;
  readonly detail: string;
}

export interface LayerRecovery {
  readonly name: string;
  readonly kernel: KernelOutcome;
  /** What its own kernel rows say, sorted and without repetition; null where they say nothing. */
  readonly actual: RetainedIndices | null;
  /** The dense filter that each pruned filter is, as they stand. */
  readonly order: readonly number[] | null;
  /** Whether the filters stand in another order than in the dense model. */
  readonly isPermuted: boolean;
  /** Dense filters that stand more than once in the pruned layer. */
  readonly duplicated: RetainedIndices;
  readonly disagreements: readonly Disagreement[];
}

export interface Recovery {
  /** By name, for every prunable layer of the dense model, in graph order. */
  readonly layers: ReadonlyMap<string, LayerRecovery>;
  /** Dense input columns of each layer whose columns are not those of the channels that reach it. */
  readonly misplaced: ReadonlyMap<string, readonly number[]>;
  /** Layers of the pruned model that the dense one does not have. */
  readonly extra: readonly string[];
  /** Disagreements that no prunable layer owns, such as in a transposed convolution. */
  readonly elsewhere: readonly Disagreement[];
}

/** For each pruned filter, the dense filter it is; -1 where it is none. */
export type Assignment = Int32Array;
