import { type Folding, type Layer, type Network, type Onlooker, once } from '../../network/index.ts';
import type { CountRule, CriterionCounts } from '../explained.ts';
import { fileName } from '../file-name.ts';
import { readScoresFile } from '../shared/scores-file.ts';
import type { Assumption, Expected, LayerExpectation, LayerGroup, Refusal } from '../types.ts';
import { type Decision, type Decisions, decide, retainedOf } from './cut/decisions.ts';
import { rank, type ScoresOf } from './cut/ranked-groups.ts';
import { certainties } from './explain/certain.ts';
import { criterionOf, explainFilter, explainLayer, reasonOf, remedyOf, ruleOf, specKeyOf } from './explain/explain.ts';
import { computedScores, givenScores } from './score/scoring.ts';
import { assumptionOf, type TermReader, termReader } from './score/terms.ts';
import type { TorchSpec } from './spec.ts';
import { inEachPart } from './trace/attention.ts';
import { type Group, isOut } from './trace/group.ts';
import { type Dependencies, dependenciesOf } from './trace/groups.ts';
import type { Module } from './trace/module-graph.ts';
import { hasBatchNorm, readModuleTypes } from './trace/module-types.ts';
import { type SpecNames, specNames } from './trace/spec-names.ts';

/** What the dense model is to Torch-Pruning, and how it scores. */
export interface Scored {
  readonly network: Network;
  readonly dependencies: Dependencies;
  readonly scoresOf: ScoresOf;
  /** Sums up the weights that the scores of some groups come from, while others read them; null where they come from elsewhere. */
  onlooker(groups: readonly Group[]): Onlooker | null;
  /** What scores of a layer's weights rest on; null where nothing is open. */
  assumptionOf(layer: Layer): Assumption | null;
  /** The same model, scored as another spec says. */
  under(spec: TorchSpec): Scored;
}

export function readScores(network: Network, spec: TorchSpec, overruled: Folding | null): Scored {
  const folding = overruled ?? foldingBy(spec);
  return scoredBy(
    { network, dependencies: dependenciesOf(network), terms: termReader(network, folding), folding },
    spec,
  );
}

/** Where the pruned model had no BatchNorm, none is folded into its weights. */
function foldingBy({ modules }: TorchSpec): Folding | null {
  return modules === null || hasBatchNorm(readModuleTypes(modules)) ? null : 'raw';
}

/** What scores under every spec come from. */
interface Ground extends Pick<Scored, 'network' | 'dependencies'> {
  readonly terms: TermReader;
  readonly folding: Folding | null;
}

function scoredBy(ground: Ground, spec: TorchSpec): Scored {
  const { network, dependencies, terms, folding } = ground;
  const { importance } = spec;
  const scoresOf: ScoresOf =
    spec.scores !== null
      ? givenScores(readScoresFile(spec.scores), fileName(spec.scores.path))
      : importance.kind === 'computed'
        ? computedScores(importance, terms.under(importance))
        : () => ({
            unknown: `${importance.name} cannot be recomputed from the weights`,
            remedy: 'Have the pruner write its scores to a .npz file and name it: scores: FILE.',
            isRaised: false,
          });
  const isComputed = spec.scores === null && importance.kind === 'computed';
  return {
    network,
    dependencies,
    scoresOf,
    onlooker: (groups) => (isComputed ? terms.onlooker(importance, groups) : null),
    assumptionOf: (layer) => (isComputed ? assumptionOf(layer, folding) : null),
    under: (other) => scoredBy(ground, other),
  };
}

/** The group that decides about a layer, and the number under which its members are reported. */
interface Found {
  readonly group: Group;
  readonly id: number | null;
}

interface Known extends Found {
  readonly decision: Decision;
}

/** What is expected, and what it comes from. */
export interface TorchExpected extends Expected {
  readonly dependencies: Dependencies;
  readonly decisions: Decisions;
  readonly names: SpecNames;
}

/** Sums up the weights that ranking will ask for, and no others, while others read them; null where scores are no sums of weights. */
export function torchOnlooker({ dependencies, onlooker }: Scored, spec: TorchSpec): Onlooker | null {
  const asked: Group[] = [];
  const noScores: ScoresOf = (group) => {
    asked.push(group);
    return null;
  };
  rank(dependencies, specNames(dependencies.modules, spec), noScores);
  return onlooker(asked);
}

/** Retained indices of every prunable layer after one step of pruning. */
export function expectTorch(scored: Scored, written: TorchSpec): TorchExpected {
  const { network, dependencies, scoresOf } = scored;
  const names = specNames(dependencies.modules, written);
  const { spec } = names;
  const decisions = decide(dependencies, rank(dependencies, names, scoresOf), spec);
  const refusal = refusalOf(dependencies, decisions);
  const { found, groups } = foundIn(scored, decisions, spec);
  const of = (name: string): Known | null => {
    const entry = found.get(name);
    return entry === undefined ? null : { ...entry, decision: decisions.byGroup.get(entry.group)! };
  };
  const layerOf = layerExpectations(scored, decisions, spec, refusal);
  const layers = new Map([...network.prunable.values()].map((layer) => [layer.name, layerOf(layer, of(layer.name))]));
  return {
    dependencies,
    decisions,
    names,
    layers,
    groups,
    joint: decisions.joint,
    refusal,
    usualKey: 'pruning_ratio',
    columnsCut: () => (consumer) => {
      const layer = network.prunable.get(consumer);
      return layer === undefined ? null : (decisions.groupedInputs.columns.get(layer) ?? null);
    },
    explainLayer(name) {
      const known = of(name);
      return known === null ? null : explainLayer(name, known.decision, spec);
    },
    countRule(name) {
      const known = of(name);
      return known === null ? null : countRuleOf(known.decision, spec);
    },
    explain: (name, filter) => explainFilter(name, filter, of(name)?.decision ?? null, spec),
    keptUnder: () => keptUnder(scored, spec, layers),
    certain: certainties(dependencies, decisions, names),
  };
}

/** The group of each layer, and those of several layers. */
function foundIn(
  { network, dependencies }: Scored,
  { byGroup }: Decisions,
  spec: TorchSpec,
): { readonly found: ReadonlyMap<string, Found>; readonly groups: readonly LayerGroup[] } {
  const groups: LayerGroup[] = [];
  const found = new Map<string, Found>();
  const isUndecided = (group: Group): boolean => byGroup.get(group)?.kind === 'unscored';
  const note = (name: string, entry: Found): void => {
    const known = found.get(name);
    // A group that only reads heads is left alone; the one that they are ranked in decides.
    if (known === undefined || (isUndecided(known.group) && !isUndecided(entry.group))) found.set(name, entry);
  };
  for (const group of dependencies.groups) {
    const members = [...new Set(group.layers.flatMap(namesIn))].filter((name) => network.prunable.has(name));
    const id = members.length > 1 ? groups.length : null;
    if (id !== null) groups.push({ id, members, criterion: criterionOf(spec) });
    for (const name of members) note(name, { group, id });
    for (const { module, side } of group.beyond) if (isOut({ side })) note(module.layer.name, { group, id: null });
  }
  return { found, groups };
}

/** What is expected of one layer, once all groups are decided. */
function layerExpectations(
  scored: Scored,
  { joint }: Decisions,
  spec: TorchSpec,
  refusal: Refusal | null,
): (layer: Layer, known: Known | null) => LayerExpectation {
  const { groups, modules } = scored.dependencies;
  const assumed = assumptions(scored, spec.isGlobal ? groups : null);
  const jointOf = new Map(joint.toReversed().flatMap((set) => set.layers.map((name) => [name, set])));
  const packed = new Set(modules.flatMap(({ attention }) => attention?.packed.map(({ name }) => name) ?? []));
  return ({ name, filters }, known) => {
    const decision = known?.decision ?? null;
    const outcomes = jointOf.get(name)?.outcomes.map((outcome) => outcome.get(name)!) ?? null;
    return {
      name,
      exploring: null,
      expected:
        refusal !== null || decision === null
          ? null
          : expectedOf(decision, name, filters, (layer) => jointOf.has(layer)),
      assumes:
        tableOf(decision) ?? (decision?.kind === 'cut' || decision?.kind === 'unscored' ? assumed(known!.group) : null),
      reason:
        refusal !== null
          ? `Torch-Pruning raises ${refusal.message}`
          : reasonOf(decision, name, spec, known?.group ?? null),
      remedy: refusal !== null ? null : remedyOf(decision),
      rule: refusal !== null ? 'pruner raises' : ruleOf(decision),
      specKey: specKeyOf(decision),
      tie: decision?.kind === 'cut' && !packed.has(name) ? decision.tie : null,
      alternatives: outcomes === null ? null : [...new Map(outcomes.map((list) => [String(list), list])).values()],
      group: known?.id ?? null,
    };
  };
}

/** What a group that is left alone for a table hangs on: that it is a parameter. */
function tableOf(decision: Decision | null): Assumption | null {
  if (decision?.kind !== 'cut' || decision.pruning.kind !== 'skipped' || decision.pruning.mayBeBuffer !== true)
    return null;
  const open = `${decision.pruning.name} may be a buffer, which Torch-Pruning does not see`;
  return { of: 'parameters', open, remedy: 'If it is one, name it in ignored_layers, here alone.' };
}

/** Null where several groups are ranked together, so that what one keeps hangs on the others, and where channel groups share a score. */
function countRuleOf(decision: Decision, { roundTo }: TorchSpec): CountRule | null {
  if (decision.kind !== 'cut' || decision.scope.records.length > 1 || decision.record.channelGroups > 1) return null;
  if (decision.record.attention !== null) return null;
  const { ratio, specKey } = decision.scope;
  return { kind: 'share', key: specKey, value: ratio, least: 1, multiple: roundTo ?? 1 };
}

/**
 * What a group's scores rest on.
 * @param ranked groups that are all ranked together; null where each is by itself
 */
function assumptions(scored: Scored, ranked: readonly Group[] | null): (group: Group) => Assumption | null {
  const inGroups = once((groups: readonly Group[]): Assumption | null => {
    for (const { items } of groups)
      for (const { module } of items) {
        const found = scored.assumptionOf(module.layer);
        if (found !== null) return found;
      }
    return null;
  });
  const alone = once((group: Group) => inGroups([group]));
  return (group) => (ranked === null ? alone(group) : inGroups(ranked));
}

const REDUCTIONS = ['mean', 'sum', 'max', 'prod', 'first', 'gate'] as const;

function keptUnder(scored: Scored, spec: TorchSpec, layers: Expected['layers']): readonly CriterionCounts[] {
  const counts = (criterion: string, under: Expected['layers']): CriterionCounts => ({
    criterion,
    kept: new Map([...under].map(([name, { expected }]) => [name, expected?.length ?? null])),
  });
  const { importance } = spec;
  if (importance.kind === 'given' || spec.scores !== null) return [counts(criterionOf(spec), layers)];
  return REDUCTIONS.map((reduction) => {
    if (reduction === importance.reduction) return counts(reduction, layers);
    const other: TorchSpec = { ...spec, importance: { ...importance, reduction } };
    return counts(reduction, expectTorch(scored.under(other), other).layers);
  });
}

/** Layers of a module: of an attention the packed one too, which no other module has. */
function namesIn({ layer, attention }: Module): readonly string[] {
  return attention === null ? [layer.name] : [...attention.packed.map(({ name }) => name), layer.name];
}

/** The first of each name. */
const modulesByName = once(
  ({ layers }: Group): ReadonlyMap<string, Module> =>
    new Map(layers.toReversed().flatMap((module) => namesIn(module).map((name) => [name, module]))),
);

function expectedOf(
  decision: Decision,
  name: string,
  filters: number,
  isJoint: (layer: string) => boolean,
): readonly number[] | null {
  if (decision.kind === 'unknown') return null;
  if (decision.kind !== 'cut' || decision.pruning.kind === 'skipped') return retainedOf(filters, undefined);
  const module = modulesByName(decision.record.group).get(name);
  if (module === undefined) return null;
  const gone = decision.pruning.outputs.get(module);
  if (module.layer.name === name) return retainedOf(filters, gone);
  // Where equal scores leave a choice, packed layers follow it several times over, which no tie can say.
  const isChoice = decision.tie !== null || isJoint(module.layer.name);
  return isChoice ? null : retainedOf(filters, inEachPart(gone ?? [], module.layer.filters, filters));
}

function refusalOf({ raises }: Dependencies, { byGroup, groupedInputs }: Decisions): Refusal | null {
  if (raises !== null) return { message: raises, layer: null, always: true };
  for (const [group, decision] of byGroup) {
    if (decision.kind !== 'unknown' || !decision.why.isRaised) continue;
    return { message: decision.why.unknown, layer: group.items[0]!.module.layer.name, always: true };
  }
  const cut = groupedInputs.raises;
  return cut === null ? null : { message: cut.message, layer: cut.layer.name, always: true };
}
