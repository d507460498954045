import { once } from '../../../network/index.ts';
import { joined, listed, scoreText } from '../../../prose/index.ts';
import { type FilterDecision, type LayerExplanation, mostListed } from '../../explained.ts';
import { widthOf } from '../cut/cutting.ts';
import { type Decision, retainedOf } from '../cut/decisions.ts';
import { lowest } from '../cut/ranking.ts';
import { isLastWritten } from '../score/reduction.ts';
import type { Term } from '../score/terms.ts';
import type { TorchSpec } from '../spec.ts';
import type { Group } from '../trace/group.ts';

type Cut = Extract<Decision, { kind: 'cut' }>;

/** Two or three words for a table's column. */
export function ruleOf(decision: Decision | null): string {
  switch (decision?.kind) {
    case undefined:
      return 'not traced';
    case 'ignored':
      return 'ignored';
    case 'narrow':
      return 'one channel';
    case 'unscored':
      return 'not scored';
    case 'replaced':
      return 'forgotten';
    case 'unknown':
      return 'unknown';
    case 'cut': {
      if (decision.pruning.kind === 'skipped') return 'skipped';
      const { pruned, asked } = decision.cut;
      const coupled = decision.record.group.layers.length > 1 ? ', coupled' : '';
      if (asked === 0) return `ratio takes none${coupled}`;
      return `${pruned.length === asked ? 'ratio' : 'rounded'}${coupled}`;
    }
  }
}

/** The spec's key behind a decision. */
export function specKeyOf(decision: Decision | null): string {
  if (decision?.kind === 'ignored') return 'ignored_layers';
  if (decision?.kind === 'unknown') return 'importance';
  if (decision?.kind !== 'cut') return 'pruning_ratio';
  return decision.cut.pruned.length === decision.cut.asked ? decision.scope.specKey : 'round_to';
}

export function remedyOf(decision: Decision | null): string | null {
  return decision?.kind === 'unknown' ? decision.why.remedy : null;
}

/** Which rule decided a layer's retained indices, as one sentence. */
export function reasonOf(decision: Decision | null, name: string, spec: TorchSpec, group: Group | null): string {
  switch (decision?.kind) {
    case undefined:
      return `${name} is on no path to the model's outputs, so Torch-Pruning does not see it`;
    case 'ignored':
      return decision.module.layer.name === name
        ? `${name} is in ignored_layers, so it keeps every channel`
        : `it is coupled with ${decision.module.layer.name}, which is in ignored_layers, so it keeps every channel`;
    case 'narrow':
      return `Torch-Pruning leaves a group alone where a layer has one channel, as ${decision.module.layer.name} has`;
    case 'unscored':
      return 'no layer of its group has what the importance scores, so Torch-Pruning leaves it alone';
    case 'replaced':
      return `Torch-Pruning ranks each group under the name of its root, and forgets this one for another of ${decision.module.layer.name}, which reads heads`;
    case 'unknown':
      return decision.why.unknown;
    case 'cut':
      return `${cutReason(decision, spec)}${coupledWith(name, group)}${lastWritten(decision, spec)}`;
  }
}

/** importance.py:158-172 with PyTorch's `scatter_`. */
function lastWritten({ record: { scored } }: Cut, { importance }: TorchSpec): string {
  if (scored.terms === null || importance.kind === 'given' || !isLastWritten(scored.terms, importance.reduction))
    return '';
  return `; group_reduction ${importance.reduction} counts the last position of a flattened map, which PyTorch promises on the CPU only`;
}

function coupledWith(name: string, group: Group | null): string {
  if (group === null) return '';
  const { layers, outputs } = group;
  const count = layers.length - ((outputs.get(name)?.module.layer.weight ?? null) === null ? 0 : 1);
  if (count === 0) return '';
  // The layer itself may be among the first.
  const others = layers.slice(0, LISTED + 1).flatMap(({ layer }) => (layer.name === name ? [] : [layer.name]));
  return `, coupled with ${joined(others, 'others', count)}`;
}

/** The count formula with its numbers. */
function cutReason({ record, scope, count, cut, pruning }: Cut, spec: TorchSpec): string {
  const { channelGroups, size } = record;
  const channels = widthOf(record);
  const formula = `int(${count.channels} * (1 - ${scope.ratio})) = ${count.staying}`;
  const among = scope.records.length > 1 ? ` of the ${count.channels} channels that are ranked together` : '';
  const asked = `${formula} stay${among}`;
  const own = scope.records.length > 1 ? `, ${size - cut.asked} of ${size} here` : '';
  const inGroups = channelGroups > 1 ? ` in each of ${channelGroups} channel groups` : '';
  const kept = channels - cut.pruned.length * channelGroups;
  const isRounded = cut.pruned.length !== cut.asked;
  const rounding = isRounded ? `, and round_to ${spec.roundTo} makes them ${kept}` : '';
  const sentence = `${asked}${own}${inGroups}${rounding}`;
  if (pruning.kind === 'pruned') return sentence;
  const side = pruning.side === 'in' ? 'input channels' : 'channels';
  return `${sentence}; Torch-Pruning skips the group, because ${pruning.name} would lose all its ${pruning.width} ${side}`;
}

/** As many as are listed whole. */
const LISTED = 3;

/** Why one filter stays or goes: its score, its rank, and which layers it comes from. */
export function explainFilter(name: string, filter: number, decision: Decision | null, spec: TorchSpec): string {
  if (decision?.kind !== 'cut')
    return `filter ${filter}: ${decision?.kind === 'unknown' || decision === null ? 'not expected' : 'kept'} because ${reasonOf(decision, name, spec, null)}`;
  const { record, count, pruning } = decision;
  const at = rootOf(record.group, name, filter);
  if (at === null) return `filter ${filter}: ${reasonOf(decision, name, spec, null)}`;
  const position = at % record.size;
  const { values } = record.ranked;
  const rank = Array.from(values).filter((value) => value < values[position]!).length + 1;
  const module = record.group.outputs.get(name)!.module;
  const isGone = pruning.kind === 'pruned' && (pruning.outputs.get(module)?.includes(filter) ?? false);
  const score = `score ${scoreText(values[position]!)} is number ${rank} from below of ${values.length}`;
  const parts = strongest(decision, at);
  const threshold = count.threshold === null ? '' : `, the ranking of all cuts up to ${scoreText(count.threshold)}`;
  return `filter ${filter}: its ${score}${threshold}, so it is ${isGone ? 'cut' : 'kept'}${parts === '' ? '' : ` (${parts})`}`;
}

/** What the terms of the group add for one channel, the largest first. */
function strongest({ record }: Cut, channel: number): string {
  const { terms } = record.scored;
  if (terms === null || terms.length < 2) return '';
  const strongest =
    strongestTerms(terms)[channel] ?? terms.slice(0, SHOWN_TERMS).map(({ label }) => ({ label, value: 0 }));
  const shown = strongest.map(({ label, value }) => `${label} ${scoreText(value)}`);
  return listed(shown, SHOWN_TERMS, terms.length);
}

const SHOWN_TERMS = 3;

interface Part {
  readonly label: string;
  readonly value: number;
}

/** By channel of the root: found once for all layers of a group, which may be thousands. */
const strongestTerms = once((terms: readonly Term[]): readonly (readonly Part[])[] => {
  const channels = terms.reduce((most, { root }) => root.reduce((last, k) => Math.max(last, k + 1), most), 0);
  const strongest = Array.from({ length: channels }, (): Part[] => []);
  for (const term of terms) {
    const sums = sumsByChannel(term);
    for (const [channel, parts] of strongest.entries()) {
      const value = sums.get(channel) ?? 0;
      const at = parts.findIndex((part) => value > part.value);
      parts.splice(at < 0 ? parts.length : at, 0, { label: term.label, value });
      if (parts.length > SHOWN_TERMS) parts.pop();
    }
  }
  return strongest;
});

/** The root's channel that goes with a layer's filter. */
function rootOf(group: Group, name: string, filter: number): number | null {
  const item = group.outputs.get(name);
  const k = item?.at.indexOf(filter) ?? -1;
  return k < 0 ? null : item!.root[k]!;
}

/** The numbers behind a layer's decision, filter by filter. */
export function explainLayer(name: string, decision: Decision, spec: TorchSpec): LayerExplanation | null {
  if (decision.kind !== 'cut') return null;
  const { record, count, cut, pruning, tie } = decision;
  const item = record.group.outputs.get(name);
  if (item === undefined) return null;
  const { filters } = item.module.layer;
  const channelOf = new Map(item.at.map((filter, k) => [filter, item.root[k]!]));
  const perFilter = <T>(of: (channel: number, filter: number) => T, none: T): T[] =>
    Array.from({ length: filters }, (_, filter) => {
      const channel = channelOf.get(filter);
      return channel === undefined ? none : of(channel, filter);
    });
  const values = perFilter((channel) => record.ranked.values[channel % record.size]!, Number.NaN);
  const isSkipped = pruning.kind === 'skipped';
  const gone = new Set(isSkipped ? [] : pruning.outputs.get(item.module));
  const highest = cut.pruned.reduce((most, k) => Math.max(most, record.ranked.values[k]!), -Infinity);
  const isCut = cut.pruned.length > 0 && !isSkipped;
  const byRatio = new Set(lowest(record.ranked, Math.min(cut.asked, record.size)).pruned);
  const tied = new Set(tie?.candidates);
  const decided = perFilter(
    (channel, filter): FilterDecision => ({
      rule: tied.has(filter)
        ? 'tie'
        : gone.has(filter) && !byRatio.has(channel % record.size)
          ? 'round_to'
          : decision.scope.specKey,
      margin: isCut ? record.ranked.values[channel % record.size]! - highest : null,
      note: noteOn(decision, filter, channel),
      isOverruled: false,
    }),
    { rule: decision.scope.specKey, margin: null, note: '', isOverruled: false },
  );
  const retained = retainedOf(filters, [...gone]);
  const threshold = count.threshold === null ? null : Number(count.threshold.toPrecision(4));
  return {
    layer: name,
    reason: reasonOf(decision, name, spec, record.group),
    ...membersOf(decision, name, (of) => perFilter(of, Number.NaN)),
    merged: values,
    criterion: criterionOf(spec),
    threshold,
    passing: threshold === null ? retained.length : values.filter((value) => value > count.threshold!).length,
    cut: isCut ? highest : null,
    retained,
    exploring: null,
    tie,
    filters: decided,
  };
}

/** How the terms of a group are joined. */
export function criterionOf({ importance }: TorchSpec): string {
  return importance.kind === 'computed' ? importance.reduction : importance.name;
}

/** What each item of the group says of each channel, the layer's own first. */
function membersOf(
  { record }: Cut,
  name: string,
  perFilter: (of: (channel: number) => number) => number[],
): Pick<LayerExplanation, 'members' | 'unlisted'> {
  const terms = record.scored.terms ?? [];
  const own = termsByLabel(terms).get(name) ?? [];
  const others: Term[] = [];
  const most = mostListed(terms.length);
  for (const term of terms) {
    if (own.length + others.length >= most) break;
    if (term.label !== name) others.push(term);
  }
  const members = [...own, ...others].map((term) => {
    const sums = sumsByChannel(term);
    const values = perFilter((channel) => sums.get(channel) ?? 0);
    return { name: term.label, norms: values, values };
  });
  return { members, unlisted: terms.length - members.length };
}

const termsByLabel = once((terms: readonly Term[]): ReadonlyMap<string, readonly Term[]> => {
  const found = new Map<string, Term[]>();
  for (const term of terms) {
    const known = found.get(term.label);
    if (known === undefined) found.set(term.label, [term]);
    else known.push(term);
  }
  return found;
});

/** Positions of a flattened map count together for their channel. */
const sumsByChannel = once(({ root, values }: Term): ReadonlyMap<number, number> => {
  const sums = new Map<number, number>();
  for (const [k, channel] of root.entries()) sums.set(channel, (sums.get(channel) ?? 0) + values[k]!);
  return sums;
});

function noteOn({ record, pruning }: Cut, filter: number, channel: number): string {
  if (pruning.kind === 'skipped') return `its group is skipped: ${pruning.name} would lose everything`;
  if (record.channelGroups === 1) return channel === filter ? '' : `channel ${channel} of the group`;
  const others = Array.from({ length: record.channelGroups }, (_, g) => (channel % record.size) + g * record.size);
  return `scored with channels ${others.filter((other) => other !== channel).join(', ')}`;
}
