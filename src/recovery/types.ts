import type { MaskedPart, RetainedIndices } from '../network/index.ts';
import type { ChannelCorrespondence } from './correspondence.ts';

/** How a layer's own kernel compares with the dense one. */
export type KernelOutcome =
  /** Every filter is a dense filter, bit for bit, over the input columns that remain; of two types in the narrower one, which `detail` says. */
  | { readonly kind: 'exact'; readonly detail?: string }
  /** Every filter is a dense filter up to the rounding of float32: two programs folded the same BatchNorm. */
  | { readonly kind: 'rounded'; readonly detail: string }
  /** Filters can be determined, but some of their values are not the dense ones. */
  | { readonly kind: 'altered'; readonly detail: string }
  /**
   * No filter is a dense filter, but each comes decisively nearest to one, as in a retrained model: the largest distance,
   * relative to the dense filter, and how many times as far the next filter is at least.
   */
  | { readonly kind: 'nearest'; readonly distance: number; readonly margin: number; readonly detail: string }
  /** No filter is recognized: retrained, folded differently, or another model. */
  | { readonly kind: 'unrecognized'; readonly detail: string }
  /** The layer is not in the pruned model, or which one it is could not be determined. */
  | { readonly kind: 'missing'; readonly detail: string };

/**
 * Whether a layer's filters are known well enough to judge them: up to rounding, or, where a caller tolerates changed weights,
 * up to a relative distance.
 */
export function isVerified(kernel: KernelOutcome, tolerance: number | null): boolean {
  switch (kernel.kind) {
    case 'exact':
    case 'rounded':
      return true;
    case 'nearest':
      return tolerance !== null && kernel.distance <= tolerance;
    case 'altered':
    case 'unrecognized':
    case 'missing':
      return false;
  }
}

/** Another tensor that belongs to a layer and keeps other channels, or other values, than the layer's own kernel. */
export interface Disagreement {
  /** Name of the tensor, or whose input columns. */
  readonly tensor: string;
  /** The layer whose input columns disagree; null for a tensor that follows the channels. */
  readonly consumer: string | null;
  readonly detail: string;
}

/** Filters of a layer of the dense model's width whose weights are zeros, or whose BatchNorm's gamma and beta are. */
export interface ZeroedFilters {
  readonly filters: RetainedIndices;
  /** Every choice of parts that could have been set to zero to make what is there; empty where something else was changed, too. */
  readonly parts: readonly (readonly MaskedPart[])[];
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
  /** Filters that are still there and hold zeros; left out where there are none. */
  readonly zeroed?: ZeroedFilters;
  /** Dense filters that stand more than once in the pruned layer. */
  readonly duplicated: RetainedIndices;
  readonly disagreements: readonly Disagreement[];
  /** Tensors that belong to it and could not be compared, since one model was followed further than the other. */
  readonly open: readonly Disagreement[];
}

/** A layer of the pruned model that carries another name than the dense layer that it is. */
export interface RecognizedLayer {
  readonly pruned: string;
  readonly dense: string;
  /** By its place in the graph, or by its values among layers in like places. */
  readonly by: 'structure' | 'values';
}

export interface Recovery {
  /** By name, for every prunable layer of the dense model, in graph order. */
  readonly layers: ReadonlyMap<string, LayerRecovery>;
  /** Dense input columns of each layer whose columns are not those of the channels that reach it. */
  readonly misplaced: ReadonlyMap<string, readonly number[]>;
  /** Layers of the pruned model that the dense one does not have. */
  readonly extra: readonly string[];
  /** Layers of the pruned model that were recognized without their names. */
  readonly recognized: readonly RecognizedLayer[];
  /** Layers that compute something else than with channels cut alone, as their pruner does it, and why: a clause. */
  readonly changed: ReadonlyMap<string, string>;
  /** Which layer, call and channel of the dense network each of the pruned one is. */
  readonly correspondence: ChannelCorrespondence;
  /** Disagreements that no prunable layer owns, such as in a transposed convolution. */
  readonly elsewhere: readonly Disagreement[];
  /** The same, where it could not be determined whether anything disagrees. */
  readonly open: readonly Disagreement[];
}
