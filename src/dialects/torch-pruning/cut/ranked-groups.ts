import type { Normalized } from '../score/normalizer.ts';
import type { Scores } from '../score/reduction.ts';
import type { Term, Unknown } from '../score/terms.ts';
import type { TorchSpec } from '../spec.ts';
import { type Flows, type Group, groupOf, isOut } from '../trace/group.ts';
import type { Dependencies } from '../trace/groups.ts';
import { isInside, namesAround } from '../trace/groups.ts';
import type { Module } from '../trace/module-graph.ts';
import { isNamed, isRoot, isTwoSided } from '../trace/modules.ts';
import type { SpecNames } from '../trace/spec-names.ts';
import { type Attention, type HeadCut, headCuts, headsOf } from './heads.ts';

/** What is known of a group's channels before they are ranked. */
export interface GroupScores {
  /** Null where the scores were given. */
  readonly terms: readonly Term[] | null;
  /** For each channel of the root. */
  readonly scores: Normalized;
}

/** Null where no item of the group has a tensor that is scored. */
export type ScoresOf = (group: Group) => GroupScores | Unknown | null;

/** One group in a ranking. */
export interface RankedGroup {
  /** As tracing found it. */
  readonly origin: Group;
  /** As it is ranked: with another root where it holds heads of an attention. */
  readonly group: Group;
  readonly scored: GroupScores;
  /** Channel groups that must stay of one size, and the channels of each. */
  readonly channelGroups: number;
  readonly size: number;
  /** Scores of one channel group, averaged over all (base_pruner.py:480-490). */
  readonly ranked: Scores;
  /** Where it holds heads of an attention. */
  readonly attention: Attention | null;
}

/** Groups that are ranked together, under one ratio. */
export interface Scope {
  readonly id: string;
  readonly ratio: number;
  /** The key of the spec that says the ratio. */
  readonly specKey: string;
  readonly records: readonly RankedGroup[];
  /** Why the ranking cannot be determined. */
  readonly unknown: Unknown | null;
}

/** What comes of a group before any ranking. */
export type Fate =
  | { readonly kind: 'ranked'; readonly record: RankedGroup; readonly scope: string }
  | { readonly kind: 'ignored'; readonly module: Module }
  | { readonly kind: 'narrow'; readonly module: Module }
  | { readonly kind: 'unscored' }
  /** Another group is kept under the name of its root, which is that of a layer that reads heads. */
  | { readonly kind: 'replaced'; readonly module: Module }
  | { readonly kind: 'unknown'; readonly why: Unknown };

/** Groups and the scopes in which they are ranked (base_pruner.py:462-564). */
export interface Ranking {
  readonly fates: ReadonlyMap<Group, Fate>;
  readonly scopes: ReadonlyMap<string, Scope>;
  /** Whole heads that go, by group. */
  readonly heads: ReadonlyMap<RankedGroup, HeadCut>;
}

interface Open {
  readonly specKey: string;
  readonly ratio: number;
  readonly records: RankedGroup[];
  unknown: Unknown | null;
}

export function rank(
  { groups, flows }: Dependencies,
  { spec, unresolved }: Pick<SpecNames, 'spec' | 'unresolved'>,
  scoresOf: ScoresOf,
): Ranking {
  const fates = new Map<Group, Fate>();
  const scopes = new Map<string, Open>();
  const ignored = new Set(spec.ignored);
  const ratioAt = ratiosByModule(spec);
  let poison: Unknown | null = null;
  for (const origin of groups) {
    const rooted = fateWithoutScores(origin, spec, ignored, unresolved) ?? withHeads(origin, spec, flows);
    if ('kind' in rooted) {
      const known = rooted;
      fates.set(origin, known);
      // A group of which not all is known could stand in any ranking of several groups.
      if (known.kind === 'unknown' && (spec.isGlobal || spec.isIsomorphic)) poison ??= known.why;
      continue;
    }
    const group = rooted;
    const scored = scoresOf(group);
    if (scored === null) {
      fates.set(origin, { kind: 'unscored' });
      continue;
    }
    const { id, ratio, specKey } = scopeOf(group, spec, ratioAt);
    const before = scopes.get(id);
    const isAlone = id.startsWith(ALONE);
    // base_pruner.py:561, ranking_scope[module_name] = [record]: a second group of one root takes the place of the first.
    if (isAlone)
      for (const record of before?.records ?? [])
        fates.set(record.origin, { kind: 'replaced', module: group.items[0]!.module });
    const fresh: Open = { ratio, specKey, records: [], unknown: null };
    const scope = isAlone ? fresh : (before ?? fresh);
    scopes.set(id, scope);
    const record = 'unknown' in scored ? scored : recordOf(origin, group, scored, spec);
    if ('unknown' in record) {
      fates.set(origin, { kind: 'unknown', why: record });
      scope.unknown ??= record;
      continue;
    }
    fates.set(origin, { kind: 'ranked', record, scope: id });
    scope.records.push(record);
  }
  const records = [...scopes.values()].flatMap((scope) => scope.records);
  const heads = new Map<RankedGroup, HeadCut>();
  for (const [record, found] of headCuts(records, spec)) {
    if ('unknown' in found) fates.set(record.origin, { kind: 'unknown', why: found });
    else heads.set(record, found);
  }
  const closed = [...scopes].map(([id, { ratio, specKey, records, unknown }]): [string, Scope] => [
    id,
    { id, ratio, specKey, records, unknown: unknown ?? poison },
  ]);
  return { fates, scopes: new Map(closed), heads };
}

function fateWithoutScores(
  group: Group,
  spec: TorchSpec,
  ignored: ReadonlySet<string>,
  unresolved: SpecNames['unresolved'],
): Fate | null {
  const named = group.items.find((item) => isOut(item) && isInside(item.module, ignored));
  if (named !== undefined) return { kind: 'ignored', module: named.module };
  // Being ignored is a matter of outputs, groups of input channels are not.
  const open = group.items.find((item) => unresolved.has(item.module) && (isOut(item) || spec.inGroups.size > 0));
  if (open !== undefined) return { kind: 'unknown', why: unresolved.get(open.module)! };
  if (group.trouble !== null) {
    const { name } = group.items[0]!.module.layer;
    const remedy = `Where ${name} need not be pruned, name it in ignored_layers, here and for the pruner.`;
    return { kind: 'unknown', why: { unknown: group.trouble, remedy, isRaised: false } };
  }
  // _check_pruning_ratio (base_pruner.py:351-374), which at the first step of pruning comes to this.
  const narrow = group.items.find(({ module, side }) => (side === 'in' ? module.inWidth : module.outWidth) === 1);
  if (narrow !== undefined) return { kind: 'narrow', module: narrow.module };
  return spec.steps > 1 ? { kind: 'unknown', why: stepsOf(spec) } : null;
}

/**
 * A group with heads is ranked from the layer that reads them (base_pruner.py:411-426), and left out where there is none.
 */
function withHeads(group: Group, spec: TorchSpec, flows: Flows): Group | Fate {
  const isHead = (module: Module): boolean => spec.heads.has(module.layer.name);
  if (!group.items.some((item) => isOut(item) && isHead(item.module))) return group;
  const unknown = (why: string): Fate => ({ kind: 'unknown', why: { unknown: why, remedy: null, isRaised: false } });
  const reading = group.items.findLast(
    (item) => isRoot(item.module.type) && (item.side === 'in' || !isTwoSided(item.module.type)),
  );
  if (reading === undefined || !group.items.some((item) => isOut(item) && isHead(item.source)))
    return { kind: 'unscored' };
  const rooted = groupOf(reading.module, reading.side, reading.at, flows);
  // Behind a flatten several channels of the reader are one of the heads, and which of them counts is not defined.
  // Of what is no module, and only passes channels on, that is no matter.
  const isPlain = rooted.items.every(({ module, at }) => !isNamed(module.type) || at.length >= reading.at.length);
  return isPlain ? rooted : unknown(`${reading.module.layer.name} reads heads at several positions`);
}

function stepsOf({ steps }: TorchSpec): Unknown {
  return {
    unknown: `iterative_steps ${steps}: every step ranks the weights that the one before left, mostly after training, and the dense model holds none of them`,
    remedy: 'Check each step by itself: the model before it as the dense one, with the ratio of what is left.',
    isRaised: false,
  };
}

/** Scopes of one group. */
const ALONE = 'module ';

/** Which ranking a group stands in: one that the user named, one of its like, that of all, or its own. */
function scopeOf(
  group: Group,
  spec: TorchSpec,
  ratioAt: (module: Module) => number,
): { readonly id: string; readonly ratio: number; readonly specKey: string } {
  for (const { module, side, source, trigger } of group.items) {
    const sides = [
      { at: source, by: trigger },
      { at: module, by: side },
    ];
    for (const { at, by } of sides) {
      const k = by === 'in' ? -1 : ratioAt(at);
      if (k < 0) continue;
      const { ratio } = spec.ratios[k]!;
      const id = spec.isGlobal ? `ratio ${k}` : `ratio ${k} of module ${at.order}`;
      return { id, ratio: Math.min(ratio, spec.maxPruningRatio), specKey: 'pruning_ratio_dict' };
    }
  }
  const id = spec.isIsomorphic
    ? `like ${group.items.map(shapeOf).join(' ')}`
    : spec.isGlobal
      ? 'all'
      : `${ALONE}${group.items[0]!.module.order}`;
  return { id, ratio: spec.pruningRatio, specKey: 'pruning_ratio' };
}

/** The entry that names a module, the last of several; -1 for none. */
function ratiosByModule({ ratios }: TorchSpec): (module: Module) => number {
  const last = new Map<string, number>();
  for (const [k, { modules }] of ratios.entries()) for (const name of modules) last.set(name, k);
  return ({ layer, type }) => {
    if (!isNamed(type)) return -1;
    return Math.max(-1, ...namesAround(layer.name).map((name) => last.get(name) ?? -1));
  };
}

/** What isomorphic groups have in common, item by item: classes, and whether their outputs or inputs are pruned. */
function shapeOf({ source, module, side }: Group['items'][number]): string {
  const classOf = ({ type, layer }: Module): string =>
    type === 'Conv' || type === 'DepthwiseConv'
      ? `${layer.kind === 'conv-transpose' ? 'ConvTranspose' : 'Conv'}${kernelRank(layer)}`
      : type;
  return `${classOf(source)}-${classOf(module)}-${side === 'in' ? 'in' : 'out'}`;
}

function kernelRank({ output }: Module['layer']): number {
  return (output.shape?.length ?? 4) - 2;
}

/** What a sum in float32 holds (IEEE 754). */
const MAX_FLOAT32 = (2 - 2 ** -23) * 2 ** 127;

function recordOf(origin: Group, group: Group, scored: GroupScores, spec: TorchSpec): RankedGroup | Unknown {
  const { scores } = scored;
  const channels = scores.values.length;
  const { name } = group.items[0]!.module.layer;
  const isBeyond = scored.terms?.some(({ values }) => values.some((value) => value > MAX_FLOAT32));
  if (isBeyond)
    return {
      unknown: `the scores of ${name} overflow float32, and are no numbers then`,
      remedy: null,
      isRaised: false,
    };
  if (!scores.values.every(Number.isFinite)) {
    return { unknown: `the scores of ${name} are not all finite numbers`, remedy: null, isRaised: false };
  }
  const counts = group.items.flatMap(({ module, side }) => channelGroupsOf(module, side === 'in', spec) ?? []);
  const channelGroups = counts.length === 0 ? 1 : Math.max(...counts);
  if (channels % channelGroups !== 0) {
    const unknown = `RuntimeError: shape '[${channelGroups}, -1]' is invalid for input of size ${channels}`;
    return { unknown, remedy: null, isRaised: true };
  }
  const attention = attentionIn(origin, spec);
  const most = attention === null ? 1 : headsOf(attention);
  if (spec.prunesHeads && spec.headRatio > 0 && channels % most !== 0)
    return {
      unknown: `RuntimeError: shape '[${most}, -1]' is invalid for input of size ${channels}`,
      remedy: null,
      isRaised: true,
    };
  const size = channels / channelGroups;
  const isCommonDivisor = !spec.isGlobal && !spec.isIsomorphic;
  const errors = isCommonDivisor ? scores.orderErrors : scores.errors;
  const ranked = { values: averaged(scores.values, size), errors: averaged(errors, size) };
  if (channelGroups > 1)
    for (const k of ranked.errors.keys()) ranked.errors[k]! += 4 * scores.unit * Math.abs(ranked.values[k]!);
  return { origin, group, scored, channelGroups, size, ranked, attention };
}

function attentionIn({ items }: Group, { heads }: TorchSpec): Attention | null {
  const layers = items.flatMap((item) => (isOut(item) && heads.has(item.module.layer.name) ? [item.module] : []));
  if (layers.length === 0) return null;
  return { layers, heads: new Map(layers.map((module) => [module, heads.get(module.layer.name)!])) };
}

/** `_get_channel_groups` (base_pruner.py:387-409); grouped convolutions are registered by themselves, depthwise ones not. */
export function channelGroupsOf(module: Module, isIn: boolean, spec: TorchSpec): number | null {
  const { layer, type } = module;
  if ((type === 'Conv' || type === 'GroupNorm') && layer.groups > 1) return layer.groups;
  return (isIn ? spec.inGroups : spec.outGroups).get(layer.name) ?? null;
}

function averaged(values: Float64Array, size: number): Float64Array {
  const means = new Float64Array(size);
  for (let k = 0; k < values.length; k++) means[k % size]! += values[k]!;
  return means.map((sum) => (sum * size) / values.length);
}
