import type { Layer, Network } from '../../../network/index.ts';
import type { PrunedFlag } from '../graph.ts';
import type { OwnStats } from '../norms/norms.ts';
import type { TaoPruner } from '../rules.ts';
import type { Choices } from './choices.ts';
import type { Decision, OwnStat } from './decision.ts';

/** What an exploration starts from. */
export interface Ground extends TaoPruner {
  readonly network: Network;
  readonly ownStats: OwnStats;
  /** Names that keep every filter. */
  readonly excluded: ReadonlySet<string>;
  readonly choices: Choices;
}

/** What the pruner has written so far (`_explored_layers`, `_equalization_groups`). */
export interface ExplorationState {
  readonly ground: Ground;
  readonly decisions: Map<Layer, Decision>;
  /** PrunedLayer.is_pruned. */
  readonly isPruned: Map<Layer, PrunedFlag>;
  /** In the order of `_equalization_groups`. */
  groups: readonly (readonly Layer[])[];
  /** Decisions that others than the layer itself wrote to it. */
  readonly writers: Map<Layer, Set<Decision>>;
}

export function startedAt(ground: Ground): ExplorationState {
  return { ground, decisions: new Map(), isPruned: new Map(), groups: [], writers: new Map() };
}

/** A layer's own decision, which nothing else has made yet. */
export function writeOwn({ decisions, isPruned }: ExplorationState, layer: Layer, decision: Decision): void {
  decisions.set(layer, decision);
  isPruned.set(layer, isFewer(decision, layer.filters));
}

/** What an equalization decides of a layer. */
export function writeShared(state: ExplorationState, layer: Layer, decision: Decision): void {
  const { writers } = state;
  writers.set(layer, (writers.get(layer) ?? new Set()).add(decision));
  state.decisions.set(layer, decision);
  // An element-wise write measures a depthwise kernel by its last axis, which is 1: it then counts as not pruned.
  const size = layer.kind === 'depthwise' && decision.by === 'group' ? 1 : layer.filters;
  state.isPruned.set(layer, isFewer(decision, size));
}

function isFewer({ retained }: Decision, size: number): boolean | 'unknown' {
  return retained === null ? 'unknown' : retained.length < size;
}

/**
 * Puts layers into one equalization group with all groups that they touch (`_update_equalization_groups`).
 * @returns the group, members of earlier groups first
 */
export function joinGroups(state: ExplorationState, joining: readonly Layer[]): readonly Layer[] {
  const touched = state.groups.filter((group) => group.some((member) => joining.includes(member)));
  const earlier = touched.flat();
  const merged = [...earlier, ...joining.filter((layer) => !earlier.includes(layer))];
  state.groups = [...state.groups.filter((group) => !touched.includes(group)), merged];
  return merged;
}

export function statOf({ ground: { ownStats } }: ExplorationState, layer: Layer): OwnStat {
  return ownStats.get(layer) ?? { unknown: `${layer.name} has no weights that could be read`, remedy: null };
}

/** Whether a layer's own rule, or a depthwise partner's, keeps all of it. */
export function keepsAll({ ground: { excluded, rules } }: ExplorationState, layer: Layer): boolean {
  return excluded.has(layer.name) || rules.isKeptByName(layer);
}
