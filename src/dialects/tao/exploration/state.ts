import type { Layer, Network } from '../../../network/index.ts';
import type { PrunedFlag } from '../graph.ts';
import type { OwnStats } from '../norms/norms.ts';
import type { TaoPruner } from '../rules.ts';
import type { Choices } from './choices.ts';
import type { Decision, OwnStat } from './decision.ts';
import { type Groups, noGroups } from './groups.ts';
import { spend, type Work } from './work.ts';

/** What an exploration starts from. */
export interface Ground extends TaoPruner {
  readonly network: Network;
  readonly ownStats: OwnStats;
  /** Names that keep every filter. */
  readonly excluded: ReadonlySet<string>;
  readonly choices: Choices;
  readonly work: Work;
}

/** What the pruner has written so far (`_explored_layers`, `_equalization_groups`). */
export interface ExplorationState {
  readonly ground: Ground;
  readonly decisions: Map<Layer, Decision>;
  /** PrunedLayer.is_pruned. */
  readonly isPruned: Map<Layer, PrunedFlag>;
  readonly groups: Groups;
  /** What others than the layer itself wrote to it. */
  readonly writes: Map<Layer, Writes>;
  /** What the search upwards found below each layer that it passed. */
  readonly parents: Map<Layer, PrunableParents>;
}

export interface PrunableParents {
  /** Nearest prunable layers up every branch, without duplicates; the real pruner's order is that of a Python set. */
  readonly parents: readonly Layer[];
  /** An operator in between that could not be placed, so that there may be more. */
  readonly opaque: Layer | null;
}

export interface Writes {
  count: number;
  /** Whether a depthwise convolution had a part in any. */
  isDepthwise: boolean;
}

export function startedAt(ground: Ground): ExplorationState {
  return {
    ground,
    decisions: new Map(),
    isPruned: new Map(),
    groups: noGroups(),
    writes: new Map(),
    parents: new Map(),
  };
}

/** A layer's own decision, which nothing else has made yet. */
export function writeOwn({ decisions, isPruned }: ExplorationState, layer: Layer, decision: Decision): void {
  decisions.set(layer, decision);
  isPruned.set(layer, isFewer(decision, layer.filters));
}

/** What an equalization decides of a layer. */
export function writeShared(state: ExplorationState, layer: Layer, decision: Decision): void {
  spend(state.ground.work, 1);
  const writes = state.writes.get(layer) ?? { count: 0, isDepthwise: false };
  writes.count += 1;
  writes.isDepthwise ||= decision.isDepthwise;
  state.writes.set(layer, writes);
  state.decisions.set(layer, decision);
  // An element-wise write measures a depthwise kernel by its last axis, which is 1: it then counts as not pruned.
  const size = layer.kind === 'depthwise' && decision.by === 'group' ? 1 : layer.filters;
  state.isPruned.set(layer, isFewer(decision, size));
}

function isFewer({ retained }: Decision, size: number): boolean | 'unknown' {
  return retained === null ? 'unknown' : retained.length < size;
}

export function statOf({ ground: { ownStats } }: ExplorationState, layer: Layer): OwnStat {
  return ownStats.get(layer) ?? { unknown: `${layer.name} has no weights that could be read`, remedy: null };
}

/** Whether a layer's own rule, or a depthwise partner's, keeps all of it. */
export function keepsAll({ ground: { excluded, rules } }: ExplorationState, layer: Layer): boolean {
  return excluded.has(layer.name) || rules.isKeptByName(layer);
}
