import type { Layer, Network } from '../../network/index.ts';
import type { Refusal } from '../types.ts';
import type { Choices } from './exploration/choices.ts';
import { type Exploration, explore } from './exploration/explore.ts';
import {
  nominalRun,
  type Open,
  type Outcome,
  openOutcomes,
  outcomesOf,
  type Points,
  type Tried,
} from './exploration/outcomes.ts';
import type { Work } from './exploration/work.ts';
import { type Norms, type OwnStats, ownStats } from './norms/norms.ts';
import { requireRebuildable } from './rebuild/rebuild.ts';
import { TaoError } from './refusal.ts';
import type { TaoPruner } from './rules.ts';
import { excludedNames } from './spec.ts';

/** What a run of the pruner is given. */
export interface TaoRun extends TaoPruner {
  /** What all runs on this model may do together. */
  readonly work: Work;
  readonly network: Network;
  /** Of the dense network's filters. */
  readonly norms: Norms;
}

/** What the pruner does of a model. */
export interface Pruned {
  readonly stats: OwnStats;
  /** null where the real pruner raises before it is through. */
  readonly exploration: Exploration | null;
  readonly refusal: Refusal | null;
  readonly open: Open;
  /** Layers that hang on a choice, or share a group with one that does. */
  readonly undetermined: ReadonlySet<Layer>;
}

/** Both phases of the pruner, exploration and rebuilding, under all choices that the model does not determine. */
export function prunedBy({ network, spec, rules, norms, work }: TaoRun): Pruned {
  const stats = ownStats(norms, spec.normalizer);
  const excluded = excludedNames(network, spec);
  const run = (choices: Choices): Outcome => {
    let exploration: Exploration | null = null;
    try {
      exploration = explore({ network, spec, rules, ownStats: stats, excluded, choices, work });
      requireRebuildable(network, exploration, rules);
      return { exploration, raised: null };
    } catch (error) {
      if (!(error instanceof TaoError)) throw error;
      return { exploration, raised: error };
    }
  };
  const { outcome: nominal, points } = nominalRun(run);
  const outcomes = outcomesOf(run, points);
  const running = outcomes.find(({ outcome: { raised } }) => raised === null);
  const { exploration } = nominal.raised !== null && running !== undefined ? running.outcome : nominal;
  return {
    stats,
    exploration,
    refusal: refusalOf(nominal, outcomes, running),
    open:
      exploration === null
        ? { varying: [], unknown: new Map() }
        : openOutcomes(run, points, running?.taken ?? null, exploration),
    undetermined: undeterminedOf(exploration, points),
  };
}

function refusalOf(nominal: Outcome, outcomes: readonly Tried[], running: Tried | undefined): Refusal | null {
  const raised = nominal.raised ?? outcomes.find(({ outcome }) => outcome.raised !== null)?.outcome.raised ?? null;
  if (raised === null) return null;
  return { message: raised.message, layer: raised.layer, always: nominal.raised !== null && running === undefined };
}

/** Layers that share a group with one for which the pruner's own choices decide who is given which indices. */
function undeterminedOf(exploration: Exploration | null, points: Points): ReadonlySet<Layer> {
  const open = [...(exploration?.contested ?? []), ...[...points.values()].flatMap((point) => point.layers)];
  const groups = groupsByLayer(exploration?.groups ?? []);
  return new Set([...open, ...[...new Set(open.map((layer) => groups.get(layer) ?? []))].flat()]);
}

/** The group of each layer that has one. */
function groupsByLayer(groups: Exploration['groups']): ReadonlyMap<Layer, readonly Layer[]> {
  return new Map(groups.flatMap((group) => group.map((layer) => [layer, group] as const)));
}
