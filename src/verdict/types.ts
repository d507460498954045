import type { LayerExplanation, Tie } from '../dialects/index.ts';
import type { Folding, LayerKind, RetainedIndices } from '../network/index.ts';

export type LayerVerdict = 'match' | 'mismatch' | 'ambiguous' | 'unverifiable';
export type RunVerdict = 'conforms' | 'diverges' | 'unverifiable';

/** What became of one prunable layer of the dense model. */
export interface LayerResult {
  readonly name: string;
  readonly kind: LayerKind;
  /** Filters of the dense layer. */
  readonly filters: number;
  readonly folding: Folding;
  readonly foldingEvidence: string;
  readonly exploring: RetainedIndices | null;
  readonly expected: RetainedIndices | null;
  readonly actual: RetainedIndices | null;
  /** What the pruner itself says; null where it says nothing of this layer. */
  readonly reported: RetainedIndices | null;
  /** null where only one side was asked for. */
  readonly verdict: LayerVerdict | null;
  readonly group: number | null;
  /** Expected filters that the pruned layer lacks, and filters that it has though they were to go. */
  readonly missing: RetainedIndices;
  readonly unexpected: RetainedIndices;
  /** One sentence. */
  readonly reason: string;
  /** What is wrong with it, after its name; null where its filters are, which `missing` and `unexpected` say. */
  readonly problem: string | null;
  /** What the user can do so that it can be verified; null where nothing is to be done. */
  readonly remedy: string | null;
  /** Which rule decided, in two or three words. */
  readonly rule: string;
  readonly specKey: string;
  readonly tie: Tie | null;
  readonly alternatives: readonly RetainedIndices[] | null;
  /** One line for each missing and unexpected filter. */
  readonly explanations: readonly string[];
  /** The numbers behind a mismatch, filter by filter; null for any other layer, and where they are not known. */
  readonly explanation: LayerExplanation | null;
}

/** Diverging layers that have one cause, as a reader would want them told: an equalization group at most once. */
export interface Finding {
  /** What was found; left out where it is about the filters of layers. */
  readonly kind?: 'graph-differs' | 'interface-differs';
  readonly layers: readonly string[];
  readonly verdict: 'mismatch' | 'unverifiable';
  readonly title: string;
  /** Lines after the title. */
  readonly details: readonly string[];
  /** What explains all of it exactly, one of the details; left out where nothing does. */
  readonly cause?: string;
  /** The spec's key whose line it belongs to. */
  readonly specKey: string;
}

export interface Judgement {
  readonly verdict: RunVerdict | null;
  readonly layers: readonly LayerResult[];
  /** Worst first. */
  readonly findings: readonly Finding[];
  /** What the user should know though it changes no verdict. */
  readonly notes: readonly string[];
}
