import { type Layer, once } from '../../network/index.ts';
import { counted, listed } from '../../prose/index.ts';
import { type FilterDecision, type LayerExplanation, mostListed } from '../explained.ts';
import { ranksOf } from '../ranks.ts';
import type { Decision } from './exploration/decision.ts';
import { normalized, type Stat } from './norms/importance.ts';
import { type Partners, partnersOf } from './partners.ts';
import { reasonOf } from './reasons.ts';
import { possibleCounts, type Retention, retain, thresholdFor } from './retention.ts';
import type { TaoRun } from './run.ts';
import type { Criterion, TaoSpec } from './spec.ts';

/** What is behind one layer's decision: its own stat and rule, its partners' stats, and what was made of them. */
interface Grounds {
  readonly layer: Layer;
  readonly decision: Decision;
  readonly spec: TaoSpec;
  readonly own: Stat;
  /** The one-layer rule on its own stat. */
  readonly alone: Retention;
  readonly partners: Partners;
  /** The stat that decided; its own where none did. */
  readonly merged: Stat;
  /** What a value has to exceed, in the arithmetic of the stat. */
  readonly threshold: number;
}

function groundsOf(layer: Layer, decision: Decision, run: TaoRun): Grounds | null {
  return groundsIn(run)(layer)(decision);
}

/** Asked for filter after filter. */
const groundsIn = once((run: TaoRun) =>
  once((layer: Layer) => once((decision: Decision) => foundGrounds(layer, decision, run))),
);

function foundGrounds(layer: Layer, decision: Decision, run: TaoRun): Grounds | null {
  const { norms, spec } = run;
  const measured = norms.get(layer);
  if (measured === undefined || 'unknown' in measured) return null;
  const own = normalized(measured, spec.normalizer);
  const alone = retain(own, spec, possibleCounts(own, spec)[0]!);
  const merged = decision.stat ?? own;
  const partners = partnersOf(layer, decision, run);
  return { layer, decision, spec, own, alone, partners, merged, threshold: thresholdFor(merged, spec) };
}

/** The numbers behind a layer's decision, filter by filter; null where its norms are not known. */
export function explainLayer(layer: Layer, decision: Decision, run: TaoRun): LayerExplanation | null {
  const { spec } = run;
  const grounds = groundsOf(layer, decision, run);
  if (grounds === null) return null;
  const members = grounds.partners.listed(mostListed(grounds.partners.count + 1));
  const merged = [...grounds.merged.values];
  const cut = cutOf(grounds);
  const mergedRank = ranksOf(merged);
  return {
    layer: layer.name,
    reason: reasonOf(decision, layer.name, spec),
    members,
    unlisted: grounds.partners.count + 1 - members.length,
    merged,
    criterion: spec.criterion,
    threshold: spec.threshold,
    passing: decision.stat === null ? grounds.alone.passing : decision.passing,
    cut,
    retained: decision.retained,
    exploring: grounds.alone.retained,
    tie: decision.tie,
    filters: merged.map((value, filter): FilterDecision => {
      const rule = filterRule(grounds, filter, mergedRank[filter]!);
      return {
        rule,
        margin: cut === null || Number.isNaN(value) ? null : value - cut,
        note: noteOn(grounds, filter, rule),
        isOverruled: rule === 'equalization',
      };
    }),
  };
}

/** The threshold where it decided, else the value of the first filter that goes: what stays exceeds it. */
function cutOf({ decision, merged, threshold }: Grounds): number | null {
  const { retained, rule } = decision;
  if (retained === null || decision.stat === null || retained.length === merged.values.length) return null;
  if (rule === 'threshold') return threshold;
  const kept = new Set(retained);
  let cut = Number.NEGATIVE_INFINITY;
  for (const [filter, value] of merged.values.entries()) if (!kept.has(filter) && value > cut) cut = value;
  return Number.isFinite(cut) ? cut : null;
}

const setOf = once((filters: readonly number[]): ReadonlySet<number> => new Set(filters));

function filterRule(
  { decision, alone, merged, threshold, spec, layer }: Grounds,
  filter: number,
  rank: number,
): string {
  if (decision.by === 'excluded') return 'exclusion';
  if (decision.by === 'broadcast') return 'broadcast';
  if (decision.by === 'unknown' || decision.by === 'blocked') return 'unknown';
  if (decision.tie !== null && setOf(decision.tie.candidates).has(filter)) return 'tie';
  const stays = decision.retained !== null && setOf(decision.retained).has(filter);
  if (stays !== setOf(alone.retained).has(filter)) return 'equalization';
  if (!stays || merged.values[filter]! > threshold) return 'threshold';
  return rank <= Math.min(spec.minNumFilters, layer.filters) ? 'min_num_filters' : 'granularity';
}

function noteOn(grounds: Grounds, filter: number, rule: string): string {
  const { decision, alone, spec, own } = grounds;
  switch (rule) {
    case 'tie': {
      const { candidates, pick } = decision.tie!;
      return `equal to ${counted(candidates.length - 1, 'other filter')} at the cut, any ${pick} of the ${candidates.length} may stay`;
    }
    case 'equalization':
      return decision.retained !== null && setOf(decision.retained).has(filter)
        ? `would go on its own: ${ordinal(ranksIn(own.values)[filter]!)} of ${own.values.length}, ${alone.retained.length} stay`
        : `would stay on its own: ${aloneReason(grounds, filter)}`;
    case 'min_num_filters':
      return `does not pass, stays for the minimum of ${spec.minNumFilters}`;
    case 'granularity':
      return `does not pass, stays for the granularity of ${spec.granularity}`;
    default:
      return '';
  }
}

/** Why a layer's own rule would keep a filter. */
function aloneReason({ alone, own, threshold, spec }: Grounds, filter: number): string {
  if (own.values[filter]! > threshold) return `${number(own.values[filter]!, threshold)} passes`;
  const added = alone.retained
    .filter((kept) => !(own.values[kept]! > threshold))
    .sort((a, b) => own.values[b]! - own.values[a]!);
  const rule = alone.rule === 'minimum' ? `minimum of ${spec.minNumFilters}` : `granularity of ${spec.granularity}`;
  return `${alone.passing} pass, the ${rule} adds ${listed(added.map(String), 4)}`;
}

/** Why one filter stays or goes, as one sentence. */
export function explainFilter(layer: Layer, filter: number, decision: Decision, run: TaoRun): string {
  const { spec } = run;
  const grounds = groundsOf(layer, decision, run);
  const stays = decision.retained?.includes(filter) === true;
  const fate = stays ? 'should stay' : 'should go';
  if (decision.retained === null)
    return `filter ${filter}: what becomes of it is not known: ${reasonOf(decision, layer.name, spec)}`;
  if (decision.stat === null || grounds === null)
    return `filter ${filter} ${fate}: ${reasonOf(decision, layer.name, spec)}`;
  const { own, partners } = grounds;
  const byOwn = `${ordinal(ranksIn(own.values)[filter]!)} of ${own.values.length} by ${layer.name}'s own norm (${number(own.values[filter]!)})`;
  const verdict = verdictOn(grounds, filter);
  if (partners.count === 0) return `filter ${filter} ${fate}: ${byOwn}; ${verdict}`;
  const partner = partners.strongest(filter);
  const [ownRank, partnerRank] = [own.values, partner.values].map((values) => ranksIn(values)[filter]!) as [
    number,
    number,
  ];
  const isAgainst = stays ? partnerRank < ownRank : partnerRank > ownRank;
  const byPartner = `${ordinal(partnerRank)} by ${partner.name} (${number(partner.values[filter]!)})`;
  return `filter ${filter} ${fate}: ${byOwn} ${isAgainst ? 'but' : 'and'} ${byPartner}; ${combination(spec.criterion, partners.count + 1)}, ${verdict}`;
}

function combination(criterion: Criterion, members: number): string {
  const many = members > 2;
  switch (criterion) {
    case 'union':
      return `the ${many ? 'largest' : 'larger'} counts (union)`;
    case 'intersection':
      return `the ${many ? 'smallest' : 'smaller'} counts (intersection)`;
    case 'arithmetic_mean':
      return 'their mean counts (arithmetic_mean)';
    case 'geometric_mean':
      return 'their geometric mean counts (geometric_mean)';
  }
}

function verdictOn({ merged, threshold, decision, spec }: Grounds, filter: number): string {
  const value = merged.values[filter]!;
  const shown = number(value, threshold);
  if (value > threshold) return `${shown} exceeds the threshold of ${spec.threshold}`;
  const below = `${shown} does not exceed the threshold of ${spec.threshold}`;
  const rank = ordinal(ranksIn(merged.values)[filter]!);
  const kept = decision.retained?.length ?? 0;
  if (decision.rule === 'minimum')
    return `${below}, but the minimum of ${spec.minNumFilters} keeps ${kept} and it ranks ${rank}`;
  if (decision.rule === 'granularity')
    return `${below}, but the granularity of ${spec.granularity} keeps ${kept} and it ranks ${rank}`;
  return below;
}

const ranksIn = once((values: Stat['values'] | readonly number[]) => ranksOf(values));

function ordinal(n: number): string {
  const suffix = n % 100 >= 11 && n % 100 <= 13 ? 'th' : (['th', 'st', 'nd', 'rd'][n % 10] ?? 'th');
  return `${n}${suffix}`;
}

/** Three decimals, or as many as tell a value from zero and from the threshold that it is compared with. */
function number(value: number, against: number | null = null): string {
  const isDistinct = (digits: number): boolean =>
    (value === 0 || Number(value.toFixed(digits)) !== 0) &&
    (against === null || value === against || value.toFixed(digits) !== against.toFixed(digits));
  for (let digits = 3; digits < 9; digits++) if (isDistinct(digits)) return value.toFixed(digits);
  return value.toFixed(9);
}
