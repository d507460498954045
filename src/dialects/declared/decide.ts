import type { Layer, Network, RetainedIndices } from '../../network/index.ts';
import type { Group, Groups, Whole } from './groups.ts';
import { blocksOf } from './keep/blocks.ts';
import { pooledCount } from './keep/counts.ts';
import { outcomesOf, type Rule, type Selection, selectIn } from './keep/select.ts';
import type { KeepKeys } from './keys.ts';
import { type ColumnNorms, columnScores } from './score/columns.ts';
import { mergedScores } from './score/merge.ts';
import type { LayerScores } from './score/score-source.ts';
import { isUnknown, type Scores, type Unknown } from './score/scores.ts';
import type { DeclaredSpec } from './spec.ts';

/** What a member says of each channel of its group. */
export interface MemberScores {
  readonly name: string;
  readonly scores: Scores;
}

/** A group that is ranked, and what stays of it. */
export interface Cut {
  readonly kind: 'cut';
  readonly keep: KeepKeys;
  readonly members: readonly MemberScores[];
  /** What decides; of members whose masks are merged, the first one's. */
  readonly scores: Scores;
  readonly blocks: number;
  readonly threshold: number | null;
  /** By channel of the group. */
  readonly kept: Uint8Array;
  /** All that may be kept, nominal first; null where there are too many to list. */
  readonly outcomes: readonly Uint8Array[] | null;
  /** Where any so many of some stay: which; null otherwise. */
  readonly tie: Selection | null;
}

export type Decision =
  | Cut
  | ({ readonly kind: 'whole' } & Whole)
  | ({ readonly kind: 'unknown'; readonly rule: string } & Unknown);

/** What is known of the pruned model: which filters a layer keeps; null before it was read. */
export type ActualOf = ((layer: string) => RetainedIndices | null) | null;

export interface Situation {
  readonly network: Network;
  readonly groups: Groups;
  readonly spec: DeclaredSpec;
  readonly scoresOf: LayerScores;
  readonly normsOf: ColumnNorms;
  /** Why a reader's weights are not those that the pruner saw; null where they are. */
  readonly unfit: (layer: Layer) => Unknown | null;
  readonly actual: ActualOf;
}

/** Decides on each group, in the pruner's order. */
export function decide(situation: Situation): readonly Decision[] {
  const { groups, spec } = situation;
  const decisions: Decision[] = new Array(groups.all.length);
  const pool = poolOf(situation);
  for (const position of orderOf(groups, spec)) {
    const isLeft = spec.keys.group.weights === 'cut' ? leftAfter(groups, decisions) : null;
    decisions[position] = decisionOn(situation, position, pool, isLeft);
  }
  return decisions;
}

function orderOf({ all }: Groups, { keys: { group } }: DeclaredSpec): readonly number[] {
  const positions = [...all.keys()];
  const { order } = group;
  if (group.weights === 'dense' || order === null) return positions;
  return positions.sort((a, b) => order.indexOf(all[a]!.kind) - order.indexOf(all[b]!.kind) || a - b);
}

type Columns = (layer: Layer) => ((column: number) => boolean) | null;

/** Which input columns of a layer earlier groups left. */
function leftAfter({ groupOf, channelOf }: Groups, decisions: readonly Decision[]): Columns {
  return ({ calls }) => {
    const columns = calls[0]?.columns;
    if (!(columns instanceof Int32Array)) return null;
    return (column) => {
      const id = columns[column]!;
      const decision = id < 0 ? undefined : decisions[groupOf[id]!];
      return decision?.kind !== 'cut' || decision.kept[channelOf[id]!] === 1;
    };
  };
}

function decisionOn(situation: Situation, position: number, pool: Pool, isLeft: Columns | null): Decision {
  const { network, groups, spec, actual } = situation;
  const group = groups.all[position]!;
  if (group.whole !== null) return { kind: 'whole', ...group.whole };
  if (group.problem !== null)
    return unknown('unlike channels', group.problem, 'Say group: {coupled: alone}, or exclude these layers.');
  const name = group.members[0]!.layer.name;
  const keep = spec.keepOf(name);
  const members = membersOf(situation, position, isLeft);
  if ('unknown' in members) return { kind: 'unknown', rule: 'no scores', ...members };
  if (members.length === 0)
    return { kind: 'whole', reason: noScore(spec), rule: 'no score', specKey: 'importance.value' };
  if (keep.rule === 'as-pruned' && actual === null)
    return unknown('as-pruned', 'how many filters stay is for the pruned model to say', 'Give the pruned model.');
  const threshold = thresholdFor(keep, pool);
  if (threshold !== null && 'unknown' in threshold) return { kind: 'unknown', rule: 'no scores', ...threshold };
  const blocks = keep.blocks === 'auto' ? blocksOf(network, groups, position) : keep.blocks;
  if (group.size % blocks !== 0)
    return unknown(
      'blocks',
      `its ${group.size} filters are no ${blocks} blocks of one size`,
      'Say keep: {blocks: ...} for this layer.',
    );
  const given = keep.rule === 'as-pruned' ? givenCounts(group, blocks, actual!(name)) : null;
  if (keep.rule === 'as-pruned' && given === null)
    return unknown('as-pruned', 'how many filters the pruned model keeps of it could not be told', null);
  return cutOf(group, { keep, threshold, given, blocks }, members, spec);
}

function unknown(rule: string, reason: string, remedy: string | null): Decision {
  return { kind: 'unknown', rule, unknown: reason, remedy };
}

function noScore({ keys: { importance } }: DeclaredSpec): string {
  if (importance.value === 'bn-gamma') return 'no BatchNorm stands directly behind it, so it has no score';
  return importance.axis === 'in'
    ? 'no layer reads its channels by columns of its own, so it has no score'
    : 'it has no score';
}

/** Scores of the members that count, by channel of the group. */
function membersOf(
  { network, groups, spec, scoresOf, normsOf, unfit }: Situation,
  position: number,
  isLeft: Columns | null,
): readonly MemberScores[] | Unknown {
  const { members } = groups.all[position]!;
  const { importance, group } = spec.keys;
  if (importance.axis === 'in') {
    const found = columnScores(network, groups, position, importance, { normsOf, unfit });
    if (found === null) return [];
    return isUnknown(found) ? found : [{ name: members[0]!.layer.name, scores: found }];
  }
  const ordinary = members.filter(({ layer }) => layer.kind !== 'depthwise');
  const counting = group.depthwise === 'ignored' && ordinary.length > 0 ? ordinary : members;
  const found: MemberScores[] = [];
  for (const { layer, channels } of counting) {
    const scores = scoresOf(layer, isLeft?.(layer) ?? null);
    if (isUnknown(scores)) return scores;
    if (scores !== null) found.push({ name: layer.name, scores: placed(scores, channels) });
    if (found.length > 0 && group.score === 'first') break;
  }
  return found;
}

function placed({ values, errors }: Scores, channels: Int32Array): Scores {
  if (channels.every((channel, k) => channel === k)) return { values, errors };
  const moved = { values: new Float64Array(values.length), errors: new Float64Array(values.length) };
  for (const [k, channel] of channels.entries()) {
    moved.values[channel] = values[k]!;
    moved.errors[channel] = errors[k]!;
  }
  return moved;
}

/** All scores that a rank-threshold ranks, ascending; null where no group has that rule. */
type Pool = readonly { readonly value: number; readonly error: number }[] | Unknown | null;

function poolOf(situation: Situation): Pool {
  const { groups, spec } = situation;
  const { keep, group } = spec.keys;
  const rules = [keep, ...groups.all.map(({ members }) => spec.keepOf(members[0]!.layer.name))];
  if (!rules.some(({ rule }) => rule === 'rank-threshold')) return null;
  const all: { readonly value: number; readonly error: number }[] = [];
  for (const [position, { whole, problem }] of groups.all.entries()) {
    if (problem !== null || (whole !== null && keep.pool === 'pruned')) continue;
    const members = membersOf(situation, position, null);
    if ('unknown' in members) {
      if (whole !== null) continue;
      return { unknown: `all filters are ranked together, and ${members.unknown}`, remedy: members.remedy };
    }
    if (members.length === 0) continue;
    const isOwn = isMaskMerge(group.score);
    const ranked = isOwn
      ? members.map(({ scores }) => scores)
      : [
          mergedScores(
            members.map(({ scores }) => scores),
            group.score,
          ),
        ];
    for (const { values, errors } of ranked)
      for (const [k, value] of values.entries()) all.push({ value, error: errors[k]! });
  }
  return all.sort((a, b) => a.value - b.value);
}

export function isMaskMerge(score: string): boolean {
  return score === 'or' || score === 'and';
}

function thresholdFor(keep: KeepKeys, pool: Pool): Rule['threshold'] | Unknown {
  if (keep.rule === 'threshold') return { value: keep.amount, error: 0 };
  if (keep.rule !== 'rank-threshold' || pool === null) return null;
  if ('unknown' in pool) return pool;
  const at = Math.max(0, Math.min(pool.length - 1, pool.length - pooledCount(pool.length, keep)));
  return pool[at] ?? { value: 0, error: 0 };
}

/** How many channels the pruned model keeps of each block; null where that could not be told. */
function givenCounts({ members, size }: Group, blocks: number, kept: RetainedIndices | null): readonly number[] | null {
  if (kept === null) return null;
  const counts = new Array<number>(blocks).fill(0);
  for (const filter of kept) counts[Math.floor((members[0]!.channels[filter]! * blocks) / size)]!++;
  return counts;
}

interface Ruled {
  readonly keep: KeepKeys;
  readonly threshold: Rule['threshold'];
  readonly given: readonly number[] | null;
  readonly blocks: number;
}

function cutOf(
  group: Group,
  { keep, threshold, given, blocks }: Ruled,
  members: readonly MemberScores[],
  { keys }: DeclaredSpec,
): Cut {
  const { score } = keys.group;
  const own = members.map(({ scores }) => scores);
  const ranked = isMaskMerge(score) ? own : [mergedScores(own, score)];
  const each = ranked.map((scores) =>
    inBlocks(scores, blocks).map((block, b) => selectIn(block, { keep, threshold, given: given?.[b] ?? null })),
  );
  const [only] = each;
  const joined = each.map((blocksOfOne) => concatenated(blocksOfOne.map(outcomesOf)));
  const outcomes = isMaskMerge(score) ? combined(joined, score === 'or') : joined[0]!;
  const nominal = each.map((selections) => concatenatedMask(selections.map(({ kept }) => kept)));
  const kept = nominal.reduce((a, b) => mergedMask(a, b, score === 'or'));
  const isPick =
    each.length === 1 && only!.length === 1 && only![0]!.open.length > 0 && only![0]!.least === only![0]!.most;
  return {
    kind: 'cut',
    ...{ keep, members, blocks, kept },
    scores: ranked[0]!,
    threshold: threshold?.value ?? null,
    outcomes: outcomes === null ? null : distinct([kept, ...outcomes]),
    tie:
      isPick && group.members.every(({ channels }) => channels.every((channel, k) => channel === k)) ? only![0]! : null,
  };
}

function inBlocks({ values, errors }: Scores, blocks: number): readonly Scores[] {
  const n = values.length / blocks;
  return Array.from({ length: blocks }, (_, b) => ({
    values: values.subarray(b * n, (b + 1) * n),
    errors: errors.subarray(b * n, (b + 1) * n),
  }));
}

/** More outcomes than these are no list that anybody would read. */
const MAX_OUTCOMES = 64;

/** Outcomes of all blocks in a row, in all combinations; null where there are too many. */
function concatenated(blocks: readonly (readonly Uint8Array[] | null)[]): readonly Uint8Array[] | null {
  let rows: readonly (readonly Uint8Array[])[] = [[]];
  for (const outcomes of blocks) {
    if (outcomes === null || rows.length * outcomes.length > MAX_OUTCOMES) return null;
    rows = rows.flatMap((row) => outcomes.map((outcome) => [...row, outcome]));
  }
  return rows.map(concatenatedMask);
}

function combined(members: readonly (readonly Uint8Array[] | null)[], isOr: boolean): readonly Uint8Array[] | null {
  let masks: readonly Uint8Array[] | null = null;
  for (const outcomes of members) {
    if (outcomes === null || (masks?.length ?? 1) * outcomes.length > MAX_OUTCOMES) return null;
    masks = masks === null ? outcomes : masks.flatMap((mask) => outcomes.map((one) => mergedMask(mask, one, isOr)));
  }
  return masks;
}

function concatenatedMask(parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

function mergedMask(a: Uint8Array, b: Uint8Array, isOr: boolean): Uint8Array {
  return a.map((flag, k) => (isOr ? flag | b[k]! : flag & b[k]!));
}

function distinct(masks: readonly Uint8Array[]): readonly Uint8Array[] {
  return [...new Map(masks.map((mask) => [mask.join(''), mask])).values()];
}
