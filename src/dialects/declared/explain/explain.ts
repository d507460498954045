import { joined, scoreText } from '../../../prose/index.ts';
import { type FilterDecision, type LayerExplanation, mostListed } from '../../explained.ts';
import { type Cut, type Decision, isMaskMerge } from '../decide.ts';
import type { Decided } from '../decided.ts';
import type { Group, Member } from '../groups.ts';
import { countFormula, leastOf, multipleOf, ruledCount } from '../keep/counts.ts';
import { countOf } from '../keep/select.ts';
import type { DeclaredSpec } from '../spec.ts';

/** Two or three words for a table's column. */
export function ruleOf(decision: Decision): string {
  return decision.kind === 'cut' ? decision.keep.rule : decision.rule;
}

/** The spec's key behind a decision. */
export function specKeyOf(decision: Decision, { members }: Group, spec: DeclaredSpec): string {
  if (decision.kind === 'whole') return decision.specKey;
  return decision.kind === 'unknown' ? 'importance' : spec.keepKey(members[0]!.layer.name);
}

/** Which rule decided a layer's retained indices, as one sentence. */
export function reasonOf(decision: Decision, group: Group, spec: DeclaredSpec): string {
  if (decision.kind === 'whole') return decision.reason;
  if (decision.kind === 'unknown') return decision.unknown;
  return `${countSentence(decision, group, spec)}, by ${valueWords(spec)}${mergeWords(decision, spec)}`;
}

function countSentence(cut: Cut, { size }: Group, spec: DeclaredSpec): string {
  const { keep, blocks, threshold } = cut;
  const kept = countOf(cut.kept);
  if (threshold !== null) {
    const rank = keep.rule === 'rank-threshold' ? ` (share ${keep.amount} of all ranked filters)` : '';
    return `${kept} of ${size} filters score ${keep.compare} ${scoreText(threshold)}${rank}${afterwards(cut)}`;
  }
  if (keep.rule === 'as-pruned') return `the pruned model keeps ${kept} of ${size} filters, which must be the highest`;
  if (isMaskMerge(spec.keys.group.score)) return `${kept} of ${size} filters stay`;
  const n = size / blocks;
  const ruled = ruledCount(n, keep)!;
  const rounded = multipleOf(n, ruled, keep);
  const steps = [
    `${countFormula(n, keep)} = ${ruled}`,
    ...(rounded === ruled ? [] : [`a multiple of ${keep.multiple.of}: ${rounded}`]),
    ...(leastOf(n, keep) > rounded ? [`at least ${leastOf(n, keep)}`] : []),
  ].join(', ');
  const inBlocks = blocks === 1 ? '' : ` in each of ${blocks} blocks`;
  const tied =
    keep.ties === 'stay' && kept > Math.max(rounded, leastOf(n, keep)) * blocks
      ? ', and all that equal the last one'
      : '';
  return `${kept} of ${size} filters stay (${steps}${inBlocks}${tied})`;
}

function afterwards({ keep, threshold, scores, kept }: Cut): string {
  const passing = scores.values.filter((value) => (keep.compare === '>' ? value > threshold! : value >= threshold!));
  return passing.length === countOf(kept) ? '' : ', after multiple, min and merging';
}

function valueWords({ keys: { importance, group } }: DeclaredSpec): string {
  const { value, axis, normalize, folded } = importance;
  const of = axis === 'in' ? ' of the columns that read them' : '';
  const what =
    value === 'bn-gamma' ? 'the size of BatchNorm gammas' : value === 'file' ? 'the scores given' : `${value}${of}`;
  const scaled = normalize === 'none' ? '' : `, normalized by ${normalize}`;
  const cut = group.weights === 'cut' ? ', of the weights that earlier groups left' : '';
  return `${what}${folded ? ' with BatchNorm folded in' : ''}${scaled}${cut}`;
}

function mergeWords({ members }: Cut, { keys: { group } }: DeclaredSpec): string {
  if (members.length < 2) return '';
  return `, ${group.score} over ${joined(members.map(({ name }) => name))}`;
}

/** Why one filter stays or goes: its score, its rank, and which layers it comes from. */
export function explainFilter(decided: Decided, name: string, filter: number, spec: DeclaredSpec): string {
  const place = decided.of(name);
  if (place === null) return `filter ${filter}: nothing is known of ${name}`;
  const { decision, group, member } = place;
  if (decision.kind !== 'cut')
    return `filter ${filter}: ${decision.kind === 'whole' ? 'kept' : 'not expected'} because ${reasonOf(decision, group, spec)}`;
  const channel = member.channels[filter]!;
  const fate = decision.kept[channel] === 1 ? 'kept' : form(spec, name);
  const parts = decision.members.map((own) => `${own.name} ${scoreText(own.scores.values[channel]!)}`);
  const shown =
    parts.length < 2
      ? ''
      : ` (${parts.slice(0, 3).join(', ')}${parts.length > 3 ? ` and ${parts.length - 3} more` : ''})`;
  return `filter ${filter}: its ${scoreWords(decision, channel, spec)}, so it is ${fate}${shown}`;
}

function form(spec: DeclaredSpec, name: string): string {
  return spec.formOf(name).form === 'removed' ? 'removed' : 'zeroed';
}

function scoreWords({ scores, members, threshold, keep }: Cut, channel: number, spec: DeclaredSpec): string {
  if (isMaskMerge(spec.keys.group.score) && members.length > 1)
    return `layers with this channel are merged by ${spec.keys.group.score}`;
  const value = scores.values[channel]!;
  const rank = scores.values.filter((other) => other > value).length + 1;
  const against = threshold === null ? '' : `, the threshold (${keep.compare}) ${scoreText(threshold)}`;
  return `score ${scoreText(value)} is number ${rank} from above of ${scores.values.length}${against}`;
}

/** The numbers behind a layer's decision, filter by filter. */
export function explainLayer(decided: Decided, name: string, spec: DeclaredSpec): LayerExplanation | null {
  const place = decided.of(name);
  if (place?.decision.kind !== 'cut') return null;
  const { decision, group, member } = place;
  const { kept, threshold, scores, tie, keep } = decision;
  const perFilter = (values: ArrayLike<number>): number[] => Array.from(member.channels, (channel) => values[channel]!);
  const values = perFilter(scores.values);
  const gone = values.filter((_, filter) => kept[member.channels[filter]!] === 0);
  const highest = gone.length === 0 ? null : gone.reduce((most, value) => Math.max(most, value));
  const retained = [...values.keys()].filter((filter) => kept[member.channels[filter]!] === 1);
  const most = mostListed(decision.members.length);
  return {
    layer: name,
    reason: reasonOf(decision, group, spec),
    members: ownFirst(decision, member)
      .slice(0, most)
      .map((own) => ({
        name: own.name,
        norms: perFilter(own.scores.values),
        values: perFilter(own.scores.values),
      })),
    unlisted: Math.max(0, decision.members.length - most),
    merged: values,
    criterion: spec.keys.group.score,
    threshold: threshold === null ? null : Number(threshold.toPrecision(4)),
    passing:
      threshold === null
        ? retained.length
        : values.filter((value) => (keep.compare === '>' ? value > threshold : value >= threshold)).length,
    cut: highest,
    retained,
    exploring: null,
    tie:
      tie === null
        ? null
        : { certain: retained.filter((filter) => !tie.open.includes(filter)), candidates: tie.open, pick: tie.least },
    filters: values.map(
      (value, filter): FilterDecision => ({
        rule: tie?.open.includes(filter) === true ? 'tie' : keep.rule,
        margin: highest === null ? null : value - highest,
        note: '',
        isOverruled: false,
      }),
    ),
  };
}

function ownFirst({ members }: Cut, { layer }: Member): Cut['members'] {
  const isOwn = ({ name }: { readonly name: string }): boolean => name === layer.name;
  return [...members.filter(isOwn), ...members.filter((member) => !isOwn(member))];
}
