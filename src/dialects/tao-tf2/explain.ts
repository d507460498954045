import type { Layer } from '../../network/index.ts';
import type { LayerExplanation } from '../types.ts';
import type { Decision, OwnStat } from './exploration.ts';
import { possibleCounts, retain } from './retention.ts';
import type { TaoSpec } from './spec.ts';

/** Two or three words for a table's column. */
export function ruleOf(decision: Decision | null): string {
  if (decision === null) return 'not explored';
  if (decision.by === 'unknown') return 'unknown';
  if (decision.by === 'excluded') return 'excluded';
  if (decision.by === 'broadcast') return 'broadcast';
  const rule = decision.rule ?? 'all';
  return decision.by === 'own' ? rule : `${rule}, equalized`;
}

/** The spec's key behind a decision. */
export function specKeyOf(decision: Decision | null): string {
  if (decision?.by === 'excluded') return 'excluded_layers';
  if (decision?.rule === 'minimum') return 'min_num_filters';
  return decision?.rule === 'granularity' ? 'granularity' : 'threshold';
}

/** Which rule decided a layer's retained indices, as one sentence. */
export function reasonOf(decision: Decision, name: string, spec: TaoSpec): string {
  const { by, note, members, retained } = decision;
  if (by === 'unknown') return note ?? 'its weights could not be read';
  if (by === 'excluded')
    return note === name
      ? `${name} is excluded, so it keeps every filter`
      : `${note} is excluded, so the layers equalized with it keep every filter`;
  if (by === 'broadcast') return `it is broadcast by ${note}, so it is kept whole`;
  const others = members.filter((member) => member.name !== name).map((member) => member.name);
  const equalized = by === 'own' ? '' : `, equalized with ${listed(others)} (${spec.criterion})`;
  return `${countReason(decision, retained?.length ?? 0, spec)}${equalized}`;
}

function countReason({ rule, passing }: Decision, kept: number, spec: TaoSpec): string {
  switch (rule) {
    case 'threshold':
      return `${kept} filters exceed the threshold of ${spec.threshold}`;
    case 'minimum':
      return `${passing} filters exceed the threshold of ${spec.threshold}, the minimum of ${spec.minNumFilters} makes them ${kept}`;
    case 'granularity':
      return `${passing} filters exceed the threshold of ${spec.threshold}, the granularity of ${spec.granularity} makes them ${kept}`;
    default:
      return `all ${kept} filters stay`;
  }
}

/** Why one filter stays or goes: its rank by its own norm, and what its partners made of it. */
export function explainFilter(
  layer: Layer,
  filter: number,
  decision: Decision,
  ownStats: ReadonlyMap<Layer, OwnStat>,
  spec: TaoSpec,
): string {
  const own = ownStats.get(layer);
  const kept = decision.retained?.includes(filter) ?? false;
  const verb = kept ? 'kept' : 'cut';
  if (decision.by === 'unknown' || decision.stat === null || own === undefined || 'unknown' in own) {
    return `filter ${filter}: ${verb === 'kept' ? 'kept' : 'not expected'} because ${reasonOf(decision, layer.name, spec)}`;
  }
  const rank = (values: ArrayLike<number>): number =>
    Array.from(values).filter((value) => value > values[filter]!).length + 1;
  const total = own.values.length;
  const start = `filter ${filter}: rank ${rank(own.values)} of ${total} by its own norm (${number(own.values[filter]!)})`;
  const merged = decision.stat.values[filter]!;
  const settings = `${decision.by === 'own' ? '' : `${spec.criterion}; `}threshold ${spec.threshold.toFixed(3)}`;
  if (decision.by === 'own') {
    if (merged > spec.threshold)
      return `${start}, ${verb} because it exceeds the threshold of ${spec.threshold.toFixed(3)}`;
    return `${start}, ${verb} because ${fill(decision, spec)} (${settings})`;
  }
  const partners = decision.members
    .filter((member) => member !== layer)
    .flatMap((member) => {
      const stat = ownStats.get(member);
      return stat === undefined || 'unknown' in stat ? [] : [{ name: member.name, value: stat.values[filter]! }];
    });
  const strongest = partners.reduce(
    (best, partner) =>
      (spec.criterion === 'intersection' ? partner.value < best.value : partner.value > best.value) ? partner : best,
    partners[0]!,
  );
  const has = `${strongest.name} has ${kept || partners.length > 1 ? '' : 'only '}${number(strongest.value)}`;
  if (spec.criterion === 'arithmetic_mean' || spec.criterion === 'geometric_mean' || partners.length > 3) {
    return `${start}, ${verb} because the merged value ${number(merged)} ranks ${rank(decision.stat.values)} and ${decision.retained?.length} are kept (${has}; ${settings})`;
  }
  if (kept && merged > spec.threshold) return `${start}, kept because ${has} (${settings})`;
  return `${start}, ${verb} because ${has}, so merged it ranks ${rank(decision.stat.values)} and ${fill(decision, spec)} (${settings})`;
}

function fill(decision: Decision, spec: TaoSpec): string {
  const kept = decision.retained?.length ?? 0;
  if (decision.rule === 'minimum') return `${kept} are kept for the minimum of ${spec.minNumFilters}`;
  if (decision.rule === 'granularity') return `${kept} are kept for the granularity of ${spec.granularity}`;
  return `${kept} are kept`;
}

function number(value: number): string {
  return value.toFixed(3);
}

function listed(names: readonly string[]): string {
  return names.length <= 3 ? names.join(' and ') : `${names.slice(0, 2).join(', ')} and ${names.length - 2} others`;
}

/** The numbers behind a layer's decision, filter by filter. */
export function explainLayer(
  layer: Layer,
  decision: Decision,
  stats: ReadonlyMap<Layer, OwnStat>,
  spec: TaoSpec,
): LayerExplanation | null {
  const own = stats.get(layer);
  if (own === undefined || 'unknown' in own) return null;
  const members = [layer, ...decision.members.filter((member) => member !== layer)].flatMap((member) => {
    const stat = stats.get(member);
    return stat === undefined || 'unknown' in stat || stat.values.length !== layer.filters
      ? []
      : [{ name: member.name, values: [...stat.values] }];
  });
  return {
    layer: layer.name,
    reason: reasonOf(decision, layer.name, spec),
    members,
    merged: [...(decision.stat ?? own).values],
    criterion: spec.criterion,
    threshold: spec.threshold,
    retained: decision.retained,
    exploring: retain(own, spec, possibleCounts(own, spec)[0]!).retained,
    tie: decision.tie,
  };
}
