import type { Folding, Layer, Network, RetainedIndices } from '../../network/index.ts';
import type { ReusableBuffer } from '../../onnx/index.ts';
import type { Expectation, JointOutcomes, LayerExpectation, Refusal } from '../types.ts';
import type { Choices } from './choices.ts';
import { columnsCut } from './columns.ts';
import { explainFilter, reasonOf, ruleOf, specKeyOf } from './explain.ts';
import { type Decision, type Exploration, excludedNames, explore, type OwnStat } from './exploration.ts';
import { filterStat } from './importance.ts';
import { requireRebuildable } from './rebuild.ts';
import { TaoError } from './refusal.ts';
import { possibleCounts, retain } from './retention.ts';
import type { TaoSpec } from './spec.ts';

/** More combinations of undetermined choices than this are not enumerated; the layers become unverifiable. */
const MAX_OUTCOMES = 256;

const UNFOLD =
  'Export the dense model without folding (tf2onnx without its remove_back_to_back optimizer; PyTorch with do_constant_folding=False and dynamo=False).';
const SAY_RAW = 'If it is not, say --folding raw (input folding).';

/**
 * Exploring and post-exploration retained indices of every prunable layer, from the dense weights alone.
 * @param folding overrules the folding detector
 */
export function expectTao(network: Network, spec: TaoSpec, folding: Folding | null): Expectation {
  const buffer: ReusableBuffer = { bytes: new Uint8Array(0) };
  const ownStats = new Map(
    [...network.prunable.values()].map((layer) => [layer, ownStat(network, layer, spec, folding, buffer)]),
  );
  const excluded = excludedNames(network, spec);
  const run = (choices: Choices): Outcome => {
    let exploration: Exploration | null = null;
    try {
      exploration = explore(network, spec, ownStats, excluded, choices);
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
  return assemble(network, spec, ownStats, outcome.exploration, refusal, joint);
}

interface Outcome {
  /** null where exploration itself raised. */
  readonly exploration: Exploration | null;
  readonly raised: TaoError | null;
}

/** A choice of the real pruner that the model does not determine, and the layers that it concerns. */
interface Point {
  readonly options: number;
  readonly layers: readonly Layer[];
}

type Points = ReadonlyMap<string, Point>;
/** Option taken at each point; 0 where it says nothing. */
type Taken = ReadonlyMap<string, number>;
type Run = (choices: Choices) => Outcome;

function taking(taken: Taken, otherwise: Taken = new Map()): Choices {
  const option = (key: string): number => taken.get(key) ?? otherwise.get(key) ?? 0;
  return { choose: option, isReversed: (branch) => option(orderKey(branch)) === 1 };
}

function orderKey(branch: Layer): string {
  return `order of the layers that read ${branch.name}`;
}

/** Where layers were written by several partners, the branches whose order of exploration changes the outcome are points too. */
function addOrderPoints(run: Run, nominal: Exploration, points: Map<string, Point>): void {
  if (nominal.contested.length === 0) return;
  for (const branch of nominal.branches) {
    const { exploration } = run(taking(new Map([[orderKey(branch), 1]])));
    if (exploration === null) continue;
    const moved = [...nominal.decisions].filter(
      ([layer, decision]) => String(exploration.decisions.get(layer)?.retained) !== String(decision.retained),
    );
    if (moved.length > 0) points.set(orderKey(branch), { options: 2, layers: moved.map(([layer]) => layer) });
  }
}

function ownStat(
  network: Network,
  layer: Layer,
  spec: TaoSpec,
  folding: Folding | null,
  buffer: ReusableBuffer,
): OwnStat {
  const { weight } = layer;
  if (weight === null || 'opaque' in weight)
    return { unknown: `the weight of ${layer.name} is computed at run time`, remedy: null };
  const { evidence } = layer.folding;
  const state = folding ?? layer.folding.state;
  if (state === 'folded')
    return {
      unknown: `BatchNorm is folded into ${layer.name} (${evidence}), so its norms are not those that the pruner saw`,
      remedy: UNFOLD,
    };
  if (state === 'unknown')
    return { unknown: `BatchNorm may be folded into ${layer.name} (${evidence})`, remedy: SAY_RAW };
  const stat = filterStat(network.file, weight, spec.normalizer, buffer);
  const isZero = spec.normalizer === 'max' && stat.values.every(Number.isNaN);
  if (stat.values.some((value) => !Number.isFinite(value)) && !(isZero && weightIsFinite(network, layer, buffer))) {
    return {
      unknown: `${layer.name} has weights that are NaN or infinite, which cannot be ranked`,
      remedy: 'Look at the training run: the dense model itself is broken.',
    };
  }
  return stat;
}

/** An all-zero layer's normalized norms are 0/0; NaN weights give the same stat and are another matter. */
function weightIsFinite(network: Network, layer: Layer, buffer: ReusableBuffer): boolean {
  if (layer.weight === null || 'opaque' in layer.weight) return false;
  return filterStat(network.file, layer.weight, 'off', buffer).values.every(Number.isFinite);
}

/** What the pruner does under each combination of its undetermined choices. */
function outcomesOf(run: Run, points: Points): readonly { readonly outcome: Outcome; readonly taken: Taken }[] {
  return points.size === 0
    ? []
    : [...combinations([...points], MAX_OUTCOMES)].map((taken) => ({ outcome: run(taking(taken)), taken }));
}

function* combinations(points: readonly (readonly [string, Point])[], limit: number): Generator<Taken> {
  const total = points.reduce((n, [, point]) => n * point.options, 1);
  for (let n = 0; n < Math.min(total, limit); n++) {
    let rest = n;
    yield new Map(
      points.map(([key, point]) => {
        const option = rest % point.options;
        rest = Math.floor(rest / point.options);
        return [key, option];
      }),
    );
  }
}

/** Enumerates the choices of each connected set of layers; sets that share no equalization group vary independently. */
function jointOutcomes(run: Run, points: Points, settled: Taken, nominal: Exploration): JointOutcomes[] {
  const joint: JointOutcomes[] = [];
  for (const component of components(points, nominal)) {
    const outcomes: ReadonlyMap<string, RetainedIndices>[] = [];
    const seen = new Set<string>();
    const total = component.points.reduce((n, [, point]) => n * point.options, 1);
    if (total > MAX_OUTCOMES) {
      joint.push({ layers: component.layers.map((layer) => layer.name), outcomes: [] });
      continue;
    }
    for (const taken of combinations(component.points, MAX_OUTCOMES)) {
      const { exploration } = run(taking(taken, settled));
      if (exploration === null) continue;
      const kept = new Map(
        component.layers.map((layer) => [layer.name, exploration.decisions.get(layer)?.retained ?? []]),
      );
      const key = JSON.stringify([...kept.values()]);
      if (seen.has(key)) continue;
      seen.add(key);
      outcomes.push(kept);
    }
    const isNominal = (kept: ReadonlyMap<string, RetainedIndices>): boolean =>
      component.layers.every(
        (layer) => String(kept.get(layer.name)) === String(nominal.decisions.get(layer)?.retained),
      );
    outcomes.sort((a, b) => Number(isNominal(b)) - Number(isNominal(a)));
    const varying = component.layers.filter(
      (layer) => new Set(outcomes.map((kept) => String(kept.get(layer.name)))).size > 1,
    );
    if (varying.length > 0) joint.push({ layers: varying.map((layer) => layer.name), outcomes });
  }
  return joint;
}

interface Component {
  readonly points: readonly (readonly [string, Point])[];
  readonly layers: readonly Layer[];
}

function components(points: Points, nominal: Exploration): Component[] {
  const found: { points: (readonly [string, Point])[]; layers: Set<Layer> }[] = [];
  for (const [key, point] of points) {
    const reach = new Set(
      point.layers.flatMap((layer) => nominal.groups.find((group) => group.includes(layer)) ?? [layer]),
    );
    const touching = found.filter((component) => [...reach].some((layer) => component.layers.has(layer)));
    const merged = {
      points: [...touching.flatMap((c) => c.points), [key, point] as const],
      layers: new Set([...touching.flatMap((c) => [...c.layers]), ...reach]),
    };
    for (const old of touching) found.splice(found.indexOf(old), 1);
    found.push(merged);
  }
  return found.map((component) => ({ points: component.points, layers: [...component.layers] }));
}

function assemble(
  network: Network,
  spec: TaoSpec,
  ownStats: ReadonlyMap<Layer, OwnStat>,
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
    const own = ownStats.get(layer)!;
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
    explain(name, filter) {
      const layer = network.prunable.get(name);
      const decision = layer === undefined ? undefined : exploration?.decisions.get(layer);
      if (layer === undefined || decision === undefined) return `filter ${filter}: nothing is expected of ${name}`;
      return explainFilter(layer, filter, decision, ownStats, spec);
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
