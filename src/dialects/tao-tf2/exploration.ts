import type { Layer, Network, RetainedIndices } from '../../network/index.ts';
import type { Tie } from '../types.ts';
import type { Choices } from './choices.ts';
import { mergeAll, mergePair } from './equalization.ts';
import type { Stat } from './importance.ts';
import { consumersOf } from './layer-order.ts';
import { prunableParents } from './parents.ts';
import { TaoError } from './refusal.ts';
import type { CountRule, Retention } from './retention.ts';
import { possibleCounts, retain } from './retention.ts';
import { FPN_CELL, type TaoSpec } from './spec.ts';

/** What was last written to a layer's retained indices, and why. */
export interface Decision {
  /** null where it cannot be known. */
  readonly retained: RetainedIndices | null;
  /** `unknown` where norms are, `blocked` where even the partners are, behind an operator that could not be placed. */
  readonly by: 'own' | 'pair' | 'group' | 'excluded' | 'broadcast' | 'unknown' | 'blocked';
  /** Layers whose stats were merged, in merging order; the layer itself for its own rule. */
  readonly members: readonly Layer[];
  readonly stat: Stat | null;
  readonly rule: CountRule | null;
  readonly passing: number;
  readonly tie: Tie | null;
  /** Why nothing is known, or which excluded layer keeps all. */
  readonly note: string | null;
  readonly remedy: string | null;
}

/** A layer's own stat, or why there is none. */
export type OwnStat = Stat | Unknown;

export interface Unknown {
  readonly unknown: string;
  /** What the user can do about it. */
  readonly remedy: string | null;
}

export interface Exploration {
  readonly decisions: ReadonlyMap<Layer, Decision>;
  /** PrunedLayer.is_pruned: null for layers that decide nothing themselves. */
  readonly isPruned: ReadonlyMap<Layer, boolean | null>;
  readonly groups: readonly (readonly Layer[])[];
  /** Layers that were written by a depthwise pair and by something else: here the order of exploration decides. */
  readonly contested: readonly Layer[];
  /** Layers whose consumers' order is not told by names. */
  readonly branches: readonly Layer[];
}

const ELEMENTWISE_TYPES = new Set(['Add', 'Sub', 'Mul', 'Max', 'Mean', 'Sum', 'Div']);

/**
 * The pruner's breadth-first exploration from the input layers (`PruneMinWeight._explore`): what each layer retains is
 * overwritten when a layer it is equalized with is explored, and the last write stands.
 * @throws TaoError where the real pruner raises
 */
export function explore(
  network: Network,
  spec: TaoSpec,
  ownStats: ReadonlyMap<Layer, OwnStat>,
  excluded: ReadonlySet<string>,
  choices: Choices,
): Exploration {
  const decisions = new Map<Layer, Decision>();
  const isPruned = new Map<Layer, boolean | null>();
  const explored = new Set<Layer>();
  let groups: (readonly Layer[])[] = [];
  const consumers = consumersOf(network);

  const keepsAll = (layer: Layer): boolean => excluded.has(layer.name) || layer.name.includes(FPN_CELL);
  const writers = new Map<Layer, Set<Decision>>();
  const write = (layer: Layer, decision: Decision, isItsOwn = false): void => {
    decisions.set(layer, decision);
    if (!isItsOwn) writers.set(layer, (writers.get(layer) ?? new Set()).add(decision));
    // An element-wise write measures a depthwise kernel by its last axis, which is 1: it then counts as not pruned.
    const size = layer.kind === 'depthwise' && decision.by === 'group' ? 1 : layer.filters;
    isPruned.set(layer, decision.retained !== null && decision.retained.length < size);
  };
  const decide = (stat: Stat, by: Decision['by'], members: readonly Layer[]): Decision => {
    const counts = possibleCounts(stat, spec);
    const option =
      counts.length === 1 ? 0 : choices.choose(`count of ${members.map((m) => m.name).join()}`, counts.length, members);
    const retention: Retention = retain(stat, spec, counts[option]!);
    return {
      retained: retention.retained,
      by,
      members,
      stat,
      rule: retention.rule,
      passing: retention.passing,
      tie: retention.tie,
      note: null,
      remedy: null,
    };
  };
  const all = (
    layer: Layer,
    members: readonly Layer[],
    by: 'excluded' | 'broadcast',
    note: string | null,
  ): Decision => {
    const retained = Array.from({ length: layer.filters }, (_, k) => k);
    return { retained, by, members, stat: null, rule: null, passing: 0, tie: null, note, remedy: null };
  };
  const unknown = (members: readonly Layer[], note: string, remedy: string | null): Decision => {
    return { retained: null, by: 'unknown', members, stat: null, rule: null, passing: 0, tie: null, note, remedy };
  };
  const blocked = (members: readonly Layer[], note: string): Decision => {
    return { ...unknown(members, note, null), by: 'blocked' };
  };
  const statOf = (layer: Layer): OwnStat =>
    ownStats.get(layer) ?? { unknown: `${layer.name} has no weights that could be read`, remedy: null };

  const joinGroups = (joining: readonly Layer[]): readonly Layer[] => {
    const touched = groups.filter((group) => group.some((member) => joining.includes(member)));
    const merged = [...touched.flat(), ...joining.filter((layer) => !touched.some((group) => group.includes(layer)))];
    groups = [...groups.filter((group) => !touched.includes(group)), merged];
    return merged;
  };

  const ownDecision = (layer: Layer): Decision => {
    if (keepsAll(layer)) return all(layer, [layer], 'excluded', layer.name);
    const stat = statOf(layer);
    return 'unknown' in stat ? unknown([layer], stat.unknown, stat.remedy) : decide(stat, 'own', [layer]);
  };

  const exploreDepthwise = (layer: Layer): void => {
    if (layer.filters !== layer.groups)
      throw new TaoError('ValueError', 'DepthwiseConv2D for pruning can only have depth_multiplier == 1.', layer.name);
    const { parents, opaque } = prunableParents(network, layer, true, choices);
    if (opaque !== null) {
      const decision = blocked(
        [layer, ...parents],
        `${opaque.name} (${opaque.op}) between it and its partner could not be placed`,
      );
      for (const member of decision.members) write(member, decision);
      return;
    }
    const pair = [...parents, layer];
    joinGroups(pair);
    if (parents.length === 0) throw new TaoError('IndexError', 'list index out of range', layer.name);
    const first =
      parents[parents.length === 1 ? 0 : choices.choose(`first parent of ${layer.name}`, parents.length, pair)]!;
    const members = [first, layer];
    if (first.kind === 'dense')
      throw new TaoError('AttributeError', "'Dense' object has no attribute 'filters'", layer.name);
    const kept = members.find(keepsAll);
    let decision: Decision;
    if (kept !== undefined) {
      if (first.kind === 'depthwise')
        throw new TaoError('TypeError', "'NoneType' object cannot be interpreted as an integer", layer.name);
      decision = all(first, members, 'excluded', kept.name);
    } else {
      const [a, b] = [statOf(first), statOf(layer)];
      if ('unknown' in a) decision = unknown(members, a.unknown, a.remedy);
      else if ('unknown' in b) decision = unknown(members, b.unknown, b.remedy);
      else if (first.filters !== layer.filters)
        throw new TaoError('ValueError', 'operands could not be broadcast together', layer.name);
      else decision = decide(mergePair(a, b, spec.criterion), 'pair', members);
    }
    write(first, decision);
    write(layer, decision);
  };

  /** @returns false where the layer keeps all without being measured itself */
  const exploreElementwise = (layer: Layer): boolean => {
    const { parents, opaque } = prunableParents(network, layer, false, choices);
    if (opaque !== null) {
      const decision = blocked(parents, `${opaque.name} (${opaque.op}) above ${layer.name} could not be placed`);
      for (const member of parents) write(member, decision);
      return true;
    }
    const dense = parents.find((parent) => parent.kind === 'dense');
    if (dense !== undefined)
      throw new TaoError('AttributeError', "'Dense' object has no attribute 'filters'", layer.name);
    const broadcast = parents.filter((parent) => parent.kind === 'conv' && parent.filters === 1);
    // Of several, the pruner's loop drops one or all of them, by the order of a Python set: it pops while it iterates.
    const isOneLeft =
      broadcast.length > 1 &&
      broadcast.length < parents.length &&
      choices.choose(`broadcast parents of ${layer.name}`, 2, parents) === 1;
    if (isOneLeft) throw new TaoError('ValueError', 'all input arrays must have the same shape', layer.name);
    for (const parent of broadcast) write(parent, all(parent, [parent], 'broadcast', layer.name));
    const equalized = parents.filter((parent) => !broadcast.includes(parent));
    if (equalized.length === 0) {
      if (layer.kind !== 'conv') throw new TaoError('ValueError', 'Unhandled number of weights: 0', layer.name);
      return false;
    }
    if (equalized.length === 1) {
      const only = equalized[0]!;
      if (only.kind === 'depthwise') isPruned.set(only, false);
      return true;
    }
    const members = joinGroups(equalized);
    const decision = equalize(members, layer);
    for (const member of members) write(member, decision);
    return true;
  };

  const equalize = (members: readonly Layer[], at: Layer): Decision => {
    const kept = members.find((member) => excluded.has(member.name));
    if (kept !== undefined) return all(members[0]!, members, 'excluded', kept.name);
    const stats = members.map(statOf);
    const missing = stats.find((stat) => 'unknown' in stat);
    if (missing !== undefined && 'unknown' in missing) return unknown(members, missing.unknown, missing.remedy);
    if (members.some((member) => member.filters !== members[0]!.filters))
      throw new TaoError('ValueError', 'all input arrays must have the same shape', at.name);
    const decision = decide(mergeAll(stats as Stat[], spec.criterion), 'group', members);
    return decision;
  };

  const exploreWeighted = (layer: Layer): void => {
    const inbound = new Set(layer.calls.flatMap((call) => call.inputs));
    if (layer.calls.length > 1 && inbound.size > 1) {
      const measured = exploreElementwise(layer);
      const decision = measured ? ownDecision(layer) : all(layer, [layer], 'broadcast', layer.name);
      decisions.set(layer, decision);
      isPruned.set(layer, null);
    } else write(layer, ownDecision(layer), true);
  };

  const layerIsPruned = (layer: Layer): boolean => {
    const known = isPruned.get(layer);
    if (known !== null && known !== undefined) return known;
    return layer.calls.some((call) => call.inputs.some((id) => layerIsPruned(network.layers[id]!)));
  };

  const exploreLayer = (layer: Layer): void => {
    switch (layer.kind) {
      case 'conv':
      case 'dense':
        return exploreWeighted(layer);
      case 'depthwise':
        return exploreDepthwise(layer);
      case 'elementwise':
        isPruned.set(layer, null);
        if (ELEMENTWISE_TYPES.has(layer.op)) exploreElementwise(layer);
        return;
      case 'reshape':
      case 'permute': {
        const pruned = layerIsPruned(layer);
        const inferred = layer.kind === 'reshape' && (layer.targetShape ?? []).slice(1).includes(-1);
        if (pruned && !inferred)
          throw new TaoError(
            'NotImplementedError',
            'Reshape/Permute is not supported after a pruned layer.',
            layer.name,
          );
        isPruned.set(layer, pruned ? null : false);
        return;
      }
      default:
        isPruned.set(layer, null);
    }
  };

  const queue = network.layers.filter((layer) => layer.kind === 'input');
  while (queue.length > 0) {
    const layer = queue.shift()!;
    if (layer.calls.some((call) => call.inputs.some((id) => !explored.has(network.layers[id]!)))) continue;
    exploreLayer(layer);
    explored.add(layer);
    const next = consumers.get(layer)?.layers ?? [];
    for (const consumer of choices.isReversed(layer) ? next.toReversed() : next)
      if (!queue.includes(consumer)) queue.push(consumer);
  }
  const stuck = network.layers.find((layer) => !explored.has(layer) && layer.kind !== 'opaque');
  if (stuck !== undefined) throw new TaoError('KeyError', `'${stuck.name}'`, stuck.name);
  const contested = [...writers].filter(
    ([, by]) =>
      by.size > 1 &&
      [...by].some((decision) => decision.by === 'pair' || decision.members.some((m) => m.kind === 'depthwise')),
  );
  const branches = [...consumers].filter(([, { isCertain }]) => !isCertain);
  return {
    decisions,
    isPruned,
    groups,
    contested: contested.map(([layer]) => layer),
    branches: branches.map(([layer]) => layer),
  };
}

/** Names that keep every filter: the user's, TAO's own, and for EfficientDet the model's output layers. */
export function excludedNames(network: Network, spec: TaoSpec): ReadonlySet<string> {
  const names = new Set([...spec.builtInExclusions, ...spec.excludedLayers]);
  if (spec.task === 'efficientdet') for (const layer of network.outputLayers) names.add(layer.name);
  return names;
}
