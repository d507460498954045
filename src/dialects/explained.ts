import type { RetainedIndices } from '../network/index.ts';

/** Filters whose order the pruner does not define: every `certain` one is kept and any `pick` of the `candidates`. */
export interface Tie {
  readonly certain: RetainedIndices;
  readonly candidates: RetainedIndices;
  readonly pick: number;
}

/** Members of a group whose values are listed at most, and at least, should it have them. */
const MAX_MEMBERS = 64;
const LEAST_MEMBERS = 3;

/** Members listed beside all layers of one group: a report of 20,000 layers that diverge stays some megabytes. */
const MAX_LISTED = 2 ** 15;

/** Of how many members of a group a layer's explanation lists the values: every layer of it lists some. */
export function mostListed(members: number): number {
  return Math.max(LEAST_MEMBERS, Math.min(MAX_MEMBERS, Math.floor(MAX_LISTED / members)));
}

/** By which a reader can work out what another number in the spec would keep: of the values that decided, the largest stay. */
export interface CountRule {
  /** 'above': as many stay as exceed it. 'share': it goes, `int(n * (1 - share))` of n stay. */
  readonly kind: 'above' | 'share';
  /** The key of the spec, and what it says. */
  readonly key: string;
  readonly value: number;
  /** How many stay at least, where the layer has them. */
  readonly least: number;
  /** What the count is rounded to: up where values count, down by a share. */
  readonly multiple: number;
}

/** How many filters each layer would keep had the spec named this criterion; null where it cannot be known. */
export interface CriterionCounts {
  readonly criterion: string;
  /** By layer name; null where following the rules once more is too much work. */
  readonly kept: ReadonlyMap<string, number | null> | null;
}

/** Values of a layer's filters, its own and its partners', and what was made of them. */
export interface LayerExplanation {
  readonly layer: string;
  readonly reason: string;
  /** The layer first, then those whose values were merged with its own, as many as `mostListed`. */
  readonly members: readonly MemberValues[];
  /** How many more there are. */
  readonly unlisted: number;
  /** The value that decided, for each filter. */
  readonly merged: readonly number[];
  readonly criterion: string;
  /** What a filter's value has to exceed to pass; null in a dialect that only counts. */
  readonly threshold: number | null;
  /** Filters whose value exceeds the threshold. */
  readonly passing: number;
  /** A filter stays if its value exceeds this: the threshold, or the value of the first that goes; null where all stay. */
  readonly cut: number | null;
  readonly retained: RetainedIndices | null;
  /** What its own norms alone would keep; null where that is no notion of the dialect. */
  readonly exploring: RetainedIndices | null;
  readonly tie: Tie | null;
  /** By filter index. */
  readonly filters: readonly FilterDecision[];
}

export interface MemberValues {
  readonly name: string;
  /** As measured, before normalization. */
  readonly norms: readonly number[];
  /** After normalization; one for each filter. */
  readonly values: readonly number[];
}

/** What decided one filter's fate. */
export interface FilterDecision {
  /** The rule, as the spec or the pruner names it: `threshold`, `min_num_filters`, `granularity`, `exclusion`, `equalization`, `tie`. */
  readonly rule: string;
  /** By how much its value exceeds the cut, negative where it falls short; null where there is no cut. */
  readonly margin: number | null;
  /** What a reader would ask about it; empty for a filter that its own norm decides. */
  readonly note: string;
  /** Whether other layers' values changed its fate. */
  readonly isOverruled: boolean;
}
