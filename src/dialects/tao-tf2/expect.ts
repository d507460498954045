import type { Layer, Network, RetainedIndices } from '../../network/index.ts';
import type { Expected, JointOutcomes, LayerExpectation, Refusal } from '../types.ts';
import { certainties } from './certain.ts';
import type { Choices } from './choices.ts';
import { columnsCut } from './columns.ts';
import { explainFilter, explainLayer } from './explain.ts';
import { type Decision, type Exploration, excludedNames, explore } from './exploration.ts';
import { type Norms, ownStats } from './norms.ts';
import { addOrderPoints, jointOutcomes, MAX_OUTCOMES, type Outcome, outcomesOf, type Point } from './outcomes.ts';
import { reasonOf, ruleOf, specKeyOf } from './reasons.ts';
import { requireRebuildable } from './rebuild.ts';
import { TaoError } from './refusal.ts';
import { possibleCounts, retain } from './retention.ts';
import { CRITERIA, type TaoSpec } from './spec.ts';

export interface TaoExpected extends Expected {
  /** null where the real pruner raises before it is through. */
  readonly exploration: Exploration | null;
}

/**
 * Exploring and post-exploration retained indices of every prunable layer.
 * @param norms of the dense network's filters
 */
export function expectTao(network: Network, spec: TaoSpec, norms: Norms): TaoExpected {
  const stats = ownStats(norms, spec.normalizer);
  const excluded = excludedNames(network, spec);
  const run = (choices: Choices): Outcome => {
    let exploration: Exploration | null = null;
    try {
      exploration = explore(network, spec, stats, excluded, choices);
      requireRebuildable(network, exploration);
      return { exploration, raised: null };
    } catch (error) {
      if (!(error instanceof TaoError)) throw error;
      return { exploration, raised: error };
    }
  };
  const points = new Map<string, Point>();
  let outcome = run({
    choose(key, options, layers) {
      points.set(key, { options, layers });
      return 0;
    },
    isReversed: () => false,
  });
  if (outcome.exploration !== null) addOrderPoints(run, outcome.exploration, points);
  const outcomes = outcomesOf(run, points);
  const running = outcomes.find(({ outcome: { raised } }) => raised === null);
  const raised = outcome.raised ?? outcomes.find((other) => other.outcome.raised !== null)?.outcome.raised ?? null;
  const refusal =
    raised === null
      ? null
      : { message: raised.message, layer: raised.layer, always: outcome.raised !== null && running === undefined };
  if (outcome.exploration === null && running !== undefined) outcome = running.outcome;
  const joint =
    outcome.exploration === null ? [] : jointOutcomes(run, points, running?.taken ?? new Map(), outcome.exploration);
  return assemble({ network, spec, norms, exploration: outcome.exploration, points, refusal, joint });
}

interface Parts {
  readonly network: Network;
  readonly spec: TaoSpec;
  readonly norms: Norms;
  readonly exploration: Exploration | null;
  readonly points: ReadonlyMap<string, Point>;
  readonly refusal: Refusal | null;
  readonly joint: readonly JointOutcomes[];
}

function assemble({ network, spec, norms, exploration, points, refusal, joint }: Parts): TaoExpected {
  const stats = ownStats(norms, spec.normalizer);
  const groups = (exploration?.groups ?? []).map((members, id) => ({
    id,
    members: members.map((layer) => layer.name),
    criterion: spec.criterion,
  }));
  const groupOf = new Map(groups.flatMap((group) => group.members.map((name): [string, number] => [name, group.id])));
  const layers = new Map<string, LayerExpectation>();
  for (const [name, layer] of network.prunable) {
    const own = stats.get(layer)!;
    const exploring = 'unknown' in own ? null : retain(own, spec, possibleCounts(own, spec)[0]!).retained;
    const decision = exploration?.decisions.get(layer) ?? null;
    const varying = joint.find((set) => set.layers.includes(name));
    const tooMany = varying !== undefined && varying.outcomes.length === 0;
    const reason =
      refusal !== null
        ? `the real pruner raises ${refusal.message}${atLayer(refusal)}`
        : reasonFor(decision, name, spec, tooMany);
    layers.set(name, {
      name,
      exploring,
      expected: tooMany ? null : (decision?.retained ?? null),
      reason,
      remedy: refusal !== null ? null : (decision?.remedy ?? null),
      rule: refusal !== null ? 'pruner raises' : ruleOf(decision, spec),
      specKey: specKeyOf(decision),
      tie: decision?.tie ?? null,
      alternatives: varying === undefined || tooMany ? null : distinct(varying.outcomes.map((kept) => kept.get(name)!)),
      group: groupOf.get(name) ?? null,
    });
  }
  const decisionOf = (name: string): { readonly layer: Layer; readonly decision: Decision } | null => {
    const layer = network.prunable.get(name);
    const decision = layer === undefined ? undefined : exploration?.decisions.get(layer);
    return layer === undefined || decision === undefined ? null : { layer, decision };
  };
  return {
    exploration,
    layers,
    groups,
    joint: joint.filter((set) => set.outcomes.length > 0),
    refusal,
    usualKey: 'threshold',
    columnsCut(consumer, retained) {
      const layer = network.prunable.get(consumer);
      return layer === undefined || exploration === null ? null : columnsCut(network, exploration, layer, retained);
    },
    explainLayer(name) {
      const known = decisionOf(name);
      return known === null ? null : explainLayer(known.layer, known.decision, norms, spec);
    },
    explain(name, filter) {
      const known = decisionOf(name);
      if (known === null) return `filter ${filter}: nothing is expected of ${name}`;
      return explainFilter(known.layer, filter, known.decision, norms, spec);
    },
    keptUnder: () =>
      CRITERIA.map((criterion) => {
        const under = criterion === spec.criterion ? layers : expectTao(network, { ...spec, criterion }, norms).layers;
        return {
          criterion,
          kept: new Map([...under].map(([name, { expected }]) => [name, expected?.length ?? null])),
        };
      }),
    certain: certainties(network, spec, exploration, undetermined(exploration, points)),
  };
}

/** Layers that share a group with one for which the pruner's own choices decide who is given which indices. */
function undetermined(exploration: Exploration | null, points: ReadonlyMap<string, Point>): ReadonlySet<Layer> {
  const open = [...(exploration?.contested ?? []), ...[...points.values()].flatMap((point) => point.layers)];
  const groups = exploration?.groups ?? [];
  return new Set(open.flatMap((layer) => [layer, ...(groups.find((group) => group.includes(layer)) ?? [])]));
}

function reasonFor(decision: Decision | null, name: string, spec: TaoSpec, tooMany: boolean): string {
  if (tooMany)
    return `more than ${MAX_OUTCOMES} outcomes are possible, because the pruner's own choices hang on memory addresses`;
  return decision === null ? `${name} was never explored` : reasonOf(decision, name, spec);
}

function atLayer(refusal: Refusal): string {
  return refusal.layer === null || refusal.message.includes(refusal.layer) ? '' : ` at ${refusal.layer}`;
}

function distinct(lists: readonly RetainedIndices[]): readonly RetainedIndices[] {
  return [...new Map(lists.map((list) => [String(list), list])).values()];
}
