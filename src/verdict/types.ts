import type { LayerExpectation, LayerExplanation } from '../dialects/index.ts';
import type { Place } from '../errors/place.ts';
import type { Folding, LayerKind, RetainedIndices } from '../network/index.ts';

export type LayerVerdict = 'match' | 'mismatch' | 'ambiguous' | 'unverifiable';
export type RunVerdict = 'conforms' | 'diverges' | 'unverifiable';

/** What became of one prunable layer of the dense model, and what was expected of it. */
export interface LayerResult extends LayerExpectation {
  readonly kind: LayerKind;
  /** Filters of the dense layer. */
  readonly filters: number;
  readonly folding: Folding;
  readonly foldingEvidence: string;
  readonly actual: RetainedIndices | null;
  /** What the pruner itself says; null where it says nothing of this layer. */
  readonly reported: RetainedIndices | null;
  /** null where only one side was asked for. */
  readonly verdict: LayerVerdict | null;
  /** Expected filters that the pruned layer lacks, and filters that it has though they were to go. */
  readonly missing: RetainedIndices;
  readonly unexpected: RetainedIndices;
  /** What is wrong with it, after its name; null where its filters are, which `missing` and `unexpected` say. */
  readonly problem: string | null;
  /** One line for each missing and unexpected filter. */
  readonly explanations: readonly string[];
  /** The numbers behind a mismatch, filter by filter; null for any other layer, and where they are not known. */
  readonly explanation: LayerExplanation | null;
}

/** What a finding is about. */
export type FindingKind =
  /** Layers that keep other filters than expected, that could not be verified, or that are not the dense model's. */
  | 'layers'
  /** The pruner reports other filters than the model retains. */
  | 'reported'
  /** The models were executed and differ, or could not be executed though they had to be. */
  | 'execution'
  /** Pruning saves less than was asked for. */
  | 'gate'
  /** Weights that no layer of the network owns, so that nobody looked at them. */
  | 'weights-unseen'
  /** The pruned model computes something else by its operators, their settings or constants. */
  | 'graph-differs'
  /** The models' inputs or outputs differ. */
  | 'interface-differs'
  /** The pull request asks for less than its base. */
  | 'policy-lowered'
  /** The lock file agrees to other filters. */
  | 'lock';

/** Where a finding belongs: the line that a reviewer is pointed to, and the part of the model. */
export interface FindingPlace extends Place {
  /** The layer that shows it best; null where it is about none. */
  readonly layer: string | null;
  /** Filters of that layer which differ; empty where no filters do. */
  readonly filters: RetainedIndices;
}

/** What a reader should know, as one would want to read it: layers with one cause are one finding. */
export interface Finding {
  readonly kind: FindingKind;
  readonly verdict: 'mismatch' | 'unverifiable';
  readonly title: string;
  /** Lines after the title. */
  readonly details: readonly string[];
  /** All layers that it is about. */
  readonly layers: readonly string[];
  readonly place: FindingPlace;
  /** What explains all of it exactly, one of the details; left out where nothing does. */
  readonly cause?: string;
}

/** Where a key was given, or could be: of the spec for layers, of prunegate.yml for what a model must do. */
export type PlaceOf<Key extends string = string> = (key: Key) => Place;

/** Where findings belong if nobody knows where keys were given. */
export const nowhere: PlaceOf = (key) => ({ file: null, line: null, key });

export interface Judgement {
  readonly verdict: RunVerdict | null;
  readonly layers: readonly LayerResult[];
  /** Worst first. */
  readonly findings: readonly Finding[];
  /** What the user should know though it changes no verdict. */
  readonly notes: readonly string[];
  /** Whether the pruned model has another interface, and the spec or the pruner itself is why. */
  readonly isInterfaceExcused?: boolean;
  /** Layers that the pruner itself built anew with other weights. */
  readonly rebuilt?: ReadonlySet<string>;
}
