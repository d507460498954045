import { nearest } from '../../config/values.ts';
import type { Layer, RetainedIndices } from '../../network/index.ts';
import type { CountRule, CriterionCounts } from '../explained.ts';
import type { Assumption, Expected, FirstStage, LayerExpectation, LayerGroup, Refusal } from '../types.ts';
import { certainties } from './certain.ts';
import { explainFilter, explainLayer } from './explain.ts';
import type { Decision } from './exploration/decision.ts';
import { MAX_OUTCOMES, type Varying } from './exploration/outcomes.ts';
import { withinWork } from './exploration/work.ts';
import type { Stat } from './norms/importance.ts';
import { reasonOf, ruleOf, specKeyOf } from './reasons.ts';
import { columnsCut } from './rebuild/columns.ts';
import { faultsOf } from './rebuild/faults.ts';
import { possibleCounts, retain } from './retention.ts';
import { type Pruned, prunedBy, type TaoRun } from './run.ts';
import { CRITERIA, type Criterion, type TaoSpec } from './spec.ts';

const FIRST_STAGE: FirstStage = {
  doing: 'exploring',
  stage: 'exploration',
  overruledBy: 'equalization with a coupled layer',
  excludedBy: 'excluded_layers',
  mergedBy: 'equalization_criterion',
};

export interface TaoExpected extends Expected {
  readonly pruned: Pruned;
}

/** Exploring and post-exploration retained indices of every prunable layer. */
export function expectTao(run: TaoRun): TaoExpected {
  const { network, spec } = run;
  const pruned = prunedBy(run);
  const { exploration, refusal, open } = pruned;
  const groups = groupsOf(pruned, spec);
  const layers = layersOf(run, pruned, groups);
  const known = (name: string): { readonly layer: Layer; readonly decision: Decision } | null => {
    const layer = network.prunable.get(name);
    const decision = layer === undefined ? undefined : exploration?.decisions.get(layer);
    return layer === undefined || decision === undefined ? null : { layer, decision };
  };
  return {
    pruned,
    layers,
    groups,
    joint: open.varying.flatMap(({ layers: varying, outcomes }) =>
      outcomes === null ? [] : [{ layers: varying.map(({ name }) => name), outcomes }],
    ),
    refusal,
    usualKey: 'threshold',
    firstStage: FIRST_STAGE,
    faults: faultsOf(run),
    columnsCut: (retained) => (exploration === null ? () => null : columnsCut(network, exploration, retained)),
    explainLayer(name) {
      const found = known(name);
      return found === null ? null : explainLayer(found.layer, found.decision, run);
    },
    countRule(name) {
      const found = known(name);
      return found === null ? null : countRuleOf(found.decision, spec);
    },
    explain(name, filter) {
      const found = known(name);
      if (found === null) return `filter ${filter}: nothing is expected of ${name}`;
      return explainFilter(found.layer, filter, found.decision, run);
    },
    keptUnder() {
      // On what this run left: nobody has to know these numbers, so that where they are too much work they are left out.
      const work = { left: run.work.left };
      return CRITERIA.map((criterion) => ({ criterion, kept: keptUnder(criterion, { ...run, work }, layers) }));
    },
    certain: certainties(network, spec, pruned),
  };
}

/** What such a run retains of each layer, and nothing that is said of it: for runs that are tried one after the other. */
export function retainedBy(run: TaoRun): ReadonlyMap<string, Pick<LayerExpectation, 'expected'>> {
  const pruned = prunedBy(run);
  const varyingOf = varyingLayers(pruned);
  return new Map(
    [...run.network.prunable].map(([name, layer]) => [name, { expected: expectedOf(layer, pruned, varyingOf) }]),
  );
}

/** Null where no value decides: by exclusion, by broadcasting, or where the values are not known. */
function countRuleOf({ stat }: Decision, { threshold, minNumFilters, granularity }: TaoSpec): CountRule | null {
  if (stat === null) return null;
  return { kind: 'above', key: 'threshold', value: threshold, least: minNumFilters, multiple: granularity };
}

function groupsOf({ exploration }: Pruned, { criterion }: TaoSpec): readonly LayerGroup[] {
  return (exploration?.groups ?? []).map((members, id) => ({
    id,
    members: members.map((layer) => layer.name),
    criterion,
  }));
}

function layersOf(run: TaoRun, pruned: Pruned, groups: readonly LayerGroup[]): ReadonlyMap<string, LayerExpectation> {
  const varyingOf = varyingLayers(pruned);
  const assumptions = namesAssumed(run, groups);
  const groupOf = new Map(groups.flatMap(({ id, members }) => members.map((name): [string, number] => [name, id])));
  return new Map(
    [...run.network.prunable.values()].map((layer) => [
      layer.name,
      {
        ...layerOf(layer, run, pruned, varyingOf),
        assumes: assumptions.get(layer.name) ?? null,
        group: groupOf.get(layer.name) ?? null,
      },
    ]),
  );
}

/** Names that are compared with every layer's by their spelling; a spec has few mistakes. */
const MAX_SPELT = 64;

/**
 * Layers that a name in excluded_layers could mean which no layer has, and those that are equalized with them: the pruner passes over
 * such a name, if its model has no layer of that name either. Weights are no matter here: the pruner never sees folded ones, so that
 * equal lists of weights that may be folded prove nothing.
 */
function namesAssumed({ network, spec }: TaoRun, groups: readonly LayerGroup[]): ReadonlyMap<string, Assumption> {
  const names = [...network.prunable.keys()];
  const known = new Set(network.layers.map(({ name }) => name));
  const assumed = new Map<string, Assumption>();
  for (const name of [...spec.excludedLayers].filter((one) => !known.has(one)).slice(0, MAX_SPELT)) {
    const near = nearest(name, names);
    const meant = names.filter((one) => one === near || one.endsWith(`/${name}`) || name.endsWith(`/${one}`));
    for (const one of meant) {
      const open = `excluded_layers names ${name}, which is no layer of the dense model and could mean ${one}`;
      const assumption = { of: 'names', open, remedy: `Name ${one} as the dense model does.` } as const;
      const members = groups.find(({ members }) => members.includes(one))?.members ?? [one];
      for (const member of members) if (!spec.excludedLayers.has(member)) assumed.set(member, assumption);
    }
  }
  return assumed;
}

type VaryingOf = ReadonlyMap<Layer, Varying>;

function varyingLayers({ open }: Pruned): VaryingOf {
  return new Map(open.varying.flatMap((varying) => varying.layers.map((layer) => [layer, varying] as const)));
}

function decisionOn(layer: Layer, { exploration, open }: Pruned): Decision | null {
  return open.unknown.get(layer) ?? exploration?.decisions.get(layer) ?? null;
}

function expectedOf(layer: Layer, pruned: Pruned, varyingOf: VaryingOf): RetainedIndices | null {
  return varyingOf.get(layer)?.outcomes === null ? null : (decisionOn(layer, pruned)?.retained ?? null);
}

function layerOf(
  layer: Layer,
  { spec }: TaoRun,
  pruned: Pruned,
  varyingOf: VaryingOf,
): Omit<LayerExpectation, 'group' | 'assumes'> {
  const { name } = layer;
  const { refusal } = pruned;
  const own = pruned.stats.get(layer)!;
  const decision = decisionOn(layer, pruned);
  const varying = varyingOf.get(layer);
  const isTooOpen = varying?.outcomes === null;
  return {
    name,
    exploring: 'unknown' in own ? null : retainedAlone(own, decision, spec),
    expected: expectedOf(layer, pruned, varyingOf),
    reason: refusal === null ? reasonFor(decision, name, spec, isTooOpen) : refusedReason(refusal),
    remedy: refusal === null ? (decision?.remedy ?? null) : null,
    rule: refusal === null ? ruleOf(decision, spec) : 'pruner raises',
    specKey: specKeyOf(decision, spec),
    tie: decision?.tie ?? null,
    alternatives: alternativesOf(name, varying),
  };
}

/** What a layer's own stat leaves: what was decided for it, where it is equalized with no other. */
function retainedAlone(own: Stat, decision: Decision | null, spec: TaoSpec): RetainedIndices {
  const count = possibleCounts(own, spec)[0]!;
  const isDecided = decision?.stat === own && decision.retained?.length === count;
  return isDecided ? decision.retained! : retain(own, spec, count).retained;
}

function alternativesOf(name: string, varying: Varying | undefined): readonly RetainedIndices[] | null {
  if (varying === undefined || varying.outcomes === null) return null;
  const lists = varying.outcomes.map((kept) => kept.get(name)!);
  return [...new Map(lists.map((list) => [String(list), list])).values()];
}

function reasonFor(decision: Decision | null, name: string, spec: TaoSpec, isTooOpen: boolean): string {
  if (isTooOpen)
    return `more than ${MAX_OUTCOMES} outcomes are possible, because the pruner's own choices hang on memory addresses`;
  return decision === null ? `${name} was never explored` : reasonOf(decision, name, spec);
}

function refusedReason({ message, layer }: Refusal): string {
  const at = layer === null || message.includes(layer) ? '' : ` at ${layer}`;
  return `the real pruner raises ${message}${at}`;
}

function keptUnder(criterion: Criterion, run: TaoRun, own: Expected['layers']): CriterionCounts['kept'] {
  const { spec, work } = run;
  const other = () => retainedBy({ ...run, spec: { ...spec, criterion } });
  const layers = criterion === spec.criterion ? own : work.left < 0 ? null : withinWork(work, other);
  return layers === null ? null : new Map([...layers].map(([name, { expected }]) => [name, expected?.length ?? null]));
}
