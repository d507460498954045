import type { Layer, Network, RetainedIndices } from '../../network/index.ts';
import type { Expectation, JointOutcomes, LayerExpectation, Refusal } from '../types.ts';
import type { Choices } from './choices.ts';
import { columnsCut } from './columns.ts';
import { explainFilter, explainLayer, reasonOf, ruleOf, specKeyOf } from './explain.ts';
import { type Decision, type Exploration, excludedNames, explore, type OwnStat } from './exploration.ts';
import { type Norms, ownStats } from './norms.ts';
import { addOrderPoints, jointOutcomes, MAX_OUTCOMES, type Outcome, outcomesOf, type Point } from './outcomes.ts';
import { requireRebuildable } from './rebuild.ts';
import { TaoError } from './refusal.ts';
import { possibleCounts, retain } from './retention.ts';
import type { TaoSpec } from './spec.ts';

/**
 * Exploring and post-exploration retained indices of every prunable layer.
 * @param norms of the dense network's filters
 */
export function expectTao(network: Network, spec: TaoSpec, norms: Norms): Expectation {
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
  return assemble(network, spec, stats, outcome.exploration, refusal, joint);
}

function assemble(
  network: Network,
  spec: TaoSpec,
  stats: ReadonlyMap<Layer, OwnStat>,
  exploration: Exploration | null,
  refusal: Refusal | null,
  joint: readonly JointOutcomes[],
): Expectation {
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
      rule: refusal !== null ? 'pruner raises' : ruleOf(decision),
      specKey: specKeyOf(decision),
      tie: decision?.tie ?? null,
      alternatives: varying === undefined || tooMany ? null : distinct(varying.outcomes.map((kept) => kept.get(name)!)),
      group: groupOf.get(name) ?? null,
    });
  }
  return {
    layers,
    groups,
    joint: joint.filter((set) => set.outcomes.length > 0),
    refusal,
    columnsCut(consumer, retained) {
      const layer = network.prunable.get(consumer);
      return layer === undefined || exploration === null ? null : columnsCut(network, exploration, layer, retained);
    },
    explainLayer(name) {
      const layer = network.prunable.get(name);
      const decision = layer === undefined ? undefined : exploration?.decisions.get(layer);
      return layer === undefined || decision === undefined ? null : explainLayer(layer, decision, stats, spec);
    },
    explain(name, filter) {
      const layer = network.prunable.get(name);
      const decision = layer === undefined ? undefined : exploration?.decisions.get(layer);
      if (layer === undefined || decision === undefined) return `filter ${filter}: nothing is expected of ${name}`;
      return explainFilter(layer, filter, decision, stats, spec);
    },
  };
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
