import {
  type Folding,
  type Layer,
  type Network,
  type Onlooker,
  once,
  type RetainedIndices,
  type Weight,
} from '../../network/index.ts';
import { allFilters } from '../../prose/index.ts';
import type { Tie } from '../explained.ts';
import { readableWeight } from '../shared/weights.ts';
import type { Assumption, Expected, JointOutcomes, LayerExpectation, LayerForm, LayerGroup } from '../types.ts';
import { withoutSettled } from './assumptions.ts';
import { type ActualOf, type Cut, type Decision, decide } from './decide.ts';
import { type Decided, retainedOf } from './decided.ts';
import { certainties } from './explain/certain.ts';
import { explainFilter, explainLayer, reasonOf, ruleOf, specKeyOf } from './explain/explain.ts';
import { type Group, type Groups, groupsOf, type Member } from './groups.ts';
import type { ImportanceKeys } from './keys.ts';
import { type ColumnNorms, columnReader } from './score/columns.ts';
import { isSummedUp } from './score/rows.ts';
import { assumptionOf, foldedIn, foldedOf, type LayerScores, scoreSource, summedWeight } from './score/score-source.ts';
import { type WeightSums, weightSums } from './score/weight-sums.ts';
import type { DeclaredSpec } from './spec.ts';

/** What a dense model is to a declared spec: its scores, read once for all specs that are tried on it. */
export interface Scene {
  readonly network: Network;
  readonly folding: Folding | null;
  readonly scoresUnder: (spec: DeclaredSpec) => LayerScores;
  readonly normsUnder: (importance: ImportanceKeys) => ColumnNorms;
  readonly groupsUnder: (spec: DeclaredSpec) => Groups;
  readonly sums: WeightSums;
}

export function sceneOf(network: Network, folding: Folding | null): Scene {
  const sums = weightSums(network.model.buffer);
  return {
    ...{ network, folding, sums },
    scoresUnder: scoreSource(network, folding, sums),
    normsUnder: columnReader(sums),
    groupsUnder: once((spec: DeclaredSpec) => groupsOf(network, spec)),
  };
}

/** Sums up the weights that ranking will ask for, and no others, while others read them; null where scores are no plain sums of whole filters. */
export function declaredOnlooker(scene: Scene, spec: DeclaredSpec): Onlooker | null {
  const { network, folding, sums } = scene;
  const { importance, group } = spec.keys;
  if (!isSummedUp(importance) || (importance.axis === 'out' && group.weights === 'cut')) return null;
  const asked = new Set<Weight>();
  const note = (layer: Layer): void => {
    const weight = summedWeight(network, layer, importance, folding);
    if (weight !== null) asked.add(weight);
  };
  const noScores: LayerScores = (layer) => {
    note(layer);
    return null;
  };
  const noNorms: ColumnNorms = (layer) => {
    note(layer);
    return new Float64Array(columnsOf(layer));
  };
  decidedBy({ ...scene, scoresUnder: () => noScores, normsUnder: () => noNorms }, spec, null);
  return sums.onlooker(asked, importance.value, importance.axis);
}

function columnsOf({ weight }: Layer): number {
  return weight !== null && 'tensor' in weight ? weight.inCount : 0;
}

/** What is expected, and what it comes from. */
export interface DeclaredExpected extends Expected {
  readonly decided: Decided;
}

/** Retained indices of every prunable layer. */
export function expectDeclared(scene: Scene, spec: DeclaredSpec, actual: ActualOf): DeclaredExpected {
  const decided = decidedBy(scene, spec, actual);
  const { groups, decisions } = decided;
  const shared: LayerGroup[] = [];
  const joint: JointOutcomes[] = [];
  const layers = new Map<string, LayerExpectation>();
  const assumedOf = assumptions(scene, spec);
  for (const [position, group] of groups.all.entries()) {
    const decision = decisions[position]!;
    const members = group.members.map(({ layer }) => layer.name);
    const id = members.length > 1 ? shared.length : null;
    if (id !== null) shared.push({ id, members, criterion: spec.keys.group.score });
    if (decision.kind === 'cut' && isOpen(decision) && members.length > 1) joint.push(jointOf(group, decision));
    const tie = decision.kind === 'cut' ? tieOf(decision) : null;
    const assumes = decision.kind === 'cut' ? assumedOf(group) : null;
    for (const member of group.members)
      layers.set(member.layer.name, { ...expectationOf(spec, group, member, decision), tie, assumes, group: id });
  }
  const inOrder = new Map(
    [...scene.network.prunable.keys()].flatMap((name) => (layers.has(name) ? [[name, layers.get(name)!]] : [])),
  );
  const certain = certainties(decided, spec);
  return {
    decided,
    layers: actual === null ? inOrder : withoutSettled(inOrder, scene.network, actual, certain),
    groups: shared,
    joint,
    refusal: null,
    usualKey: 'keep',
    columnsCut: () => () => null,
    explainLayer: (name) => explainLayer(decided, name, spec),
    explain: (name, filter) => explainFilter(decided, name, filter, spec),
    keptUnder: () => [],
    certain,
  };
}

function decidedBy(
  { network, folding, scoresUnder, normsUnder, groupsUnder }: Scene,
  spec: DeclaredSpec,
  actual: ActualOf,
): Decided {
  const groups = groupsUnder(spec);
  const { importance } = spec.keys;
  const source = importance.axis === 'in' && importance.folded ? foldedOf(network) : network;
  const decisions = decide({
    ...{ network: source, groups, spec, actual },
    scoresOf: scoresUnder(spec),
    normsOf: normsUnder(importance),
    unfit(layer) {
      const weight = readableWeight(layer);
      return foldedIn(layer, importance, folding) ?? ('unknown' in weight ? weight : null);
    },
  });
  const places = new Map<string, { readonly position: number; readonly member: Member }>();
  for (const [position, { members }] of groups.all.entries())
    for (const member of members) places.set(member.layer.name, { position, member });
  return {
    groups,
    decisions,
    of(layer) {
      const place = places.get(layer);
      if (place === undefined) return null;
      return { group: groups.all[place.position]!, member: place.member, decision: decisions[place.position]! };
    },
  };
}

function expectationOf(
  spec: DeclaredSpec,
  group: Group,
  { layer, channels }: Member,
  decision: Decision,
): Omit<LayerExpectation, 'tie' | 'assumes' | 'group'> {
  const { name, filters } = layer;
  const isListed = decision.kind !== 'cut' || decision.tie !== null || decision.outcomes !== null;
  const retained = (mask: Uint8Array): RetainedIndices => retainedOf(channels, mask);
  return {
    name,
    exploring: null,
    expected:
      decision.kind === 'whole'
        ? allFilters(filters)
        : decision.kind === 'cut' && isListed
          ? retained(decision.kept)
          : null,
    reason: isListed
      ? reasonOf(decision, group, spec)
      : 'more of its scores are equal at the cut than can be told apart',
    remedy: decision.kind === 'unknown' ? decision.remedy : null,
    rule: ruleOf(decision),
    specKey: specKeyOf(decision, group, spec),
    alternatives: decision.kind === 'cut' && isOpen(decision) ? decision.outcomes!.map(retained) : null,
    form: formOf(spec, name, channels, decision),
  };
}

function formOf(spec: DeclaredSpec, name: string, channels: Int32Array, decision: Decision): LayerForm {
  const { form, zeroes, compensation } = spec.formOf(name);
  const { statistics, order } = spec.keys;
  return {
    zeroes: form === 'zeroed' ? zeroes : null,
    isCompensated: compensation === 'bias',
    isRecalibrated: statistics === 'any',
    ...(order === 'any' ? { isInOrder: null } : {}),
    ...(order === 'importance' && decision.kind === 'cut' ? { isInOrder: descending(decision, channels) } : {}),
  };
}

/** Whether filters stand by their scores, the highest first; equal ones, or nearly so, in any order. */
function descending({ scores: { values, errors } }: Cut, channels: Int32Array): (order: readonly number[]) => boolean {
  return (order) =>
    order.every((filter, at) => {
      if (at === 0) return true;
      const [before, own] = [channels[order[at - 1]!]!, channels[filter]!];
      return values[before]! >= values[own]! - errors[before]! - errors[own]!;
    });
}

/** Whether several outcomes are right that no tie describes. */
function isOpen({ tie, outcomes }: Cut): boolean {
  return tie === null && outcomes !== null && outcomes.length > 1;
}

function tieOf({ tie }: Cut): Tie | null {
  if (tie === null) return null;
  const certain = [...tie.kept.keys()].filter((k) => tie.kept[k] === 1 && !tie.open.includes(k));
  return { certain, candidates: tie.open, pick: tie.least };
}

function jointOf({ members }: Group, { outcomes }: Cut): JointOutcomes {
  return {
    layers: members.map(({ layer }) => layer.name),
    outcomes: outcomes!.map(
      (mask) => new Map(members.map(({ layer, channels }) => [layer.name, retainedOf(channels, mask)])),
    ),
  };
}

/** Scores of all that were compared must be those of the weights that the pruner saw: those of a group, or of the whole model. */
function assumptions({ network, folding }: Scene, spec: DeclaredSpec): (group: Group) => Assumption | null {
  const { importance, keep } = spec.keys;
  const among = (layers: Iterable<Layer>): Assumption | null => {
    for (const layer of layers) {
      const found = spec.isExcluded(layer.name) ? null : assumptionOf(layer, importance, folding);
      if (found !== null) return found;
    }
    return null;
  };
  if (keep.rule !== 'rank-threshold') return ({ members }) => among(members.map(({ layer }) => layer));
  const ofAll = once((all: Network) => among(all.prunable.values()));
  return () => ofAll(network);
}
