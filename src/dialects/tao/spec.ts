import type { Network } from '../../network/index.ts';
import type { Spec } from '../types.ts';

export type Normalizer = 'max' | 'L2' | 'off';
export const CRITERIA = ['union', 'intersection', 'arithmetic_mean', 'geometric_mean'] as const;
export type Criterion = (typeof CRITERIA)[number];

/**
 * Which of equal filters stay: any, or those that numpy before 1.25 puts first: its argsort is one scalar introsort on every
 * processor (numpy/core/src/npysort/quicksort.cpp).
 */
export type Ties = 'any' | 'numpy-1.24';

/** What a run of TAO's pruner is given, defaults filled in. */
export interface TaoSpec extends Spec {
  readonly threshold: number;
  readonly normalizer: Normalizer;
  readonly criterion: Criterion;
  readonly granularity: number;
  readonly minNumFilters: number;
  readonly ties: Ties;
  /** The user's list, and the same as a set. */
  readonly excludedList: readonly string[];
  readonly excludedLayers: ReadonlySet<string>;
  /** Who excludes more than the user lists, for a sentence, where the spec's `network` says it; else null. */
  readonly excluder: string | null;
  /** Names that TAO's own script excludes on this model, whatever the user lists. */
  builtInExclusions(network: Network): ReadonlySet<string>;
}

/** Flags of TAO's command lines, and the keys that they are. */
export const FLAGS: Readonly<Record<string, string>> = {
  pth: 'threshold',
  pruning_threshold: 'threshold',
  pg: 'granularity',
  pruning_granularity: 'granularity',
  nf: 'min_num_filters',
  eq: 'equalization_criterion',
  el: 'excluded_layers',
};

/** Names whose layers keep every filter: the user's and TAO's own. */
export function excludedNames(network: Network, spec: TaoSpec): ReadonlySet<string> {
  return new Set([...spec.builtInExclusions(network), ...spec.excludedLayers]);
}
