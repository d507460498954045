import type { TorchSpec } from '../spec.ts';
import type { RankedGroup, Scope } from './ranked-groups.ts';
import { type Lowest, lowest, upToThreshold } from './ranking.ts';

/** More outcomes than these are not followed: what hangs on rounding then cannot be determined. */
export const MAX_OUTCOMES = 64;

/** How many channels of a scope go. */
export interface Count {
  readonly channels: number;
  /** `int(channels * (1 - ratio))` (base_pruner.py:607). */
  readonly staying: number;
  /** The highest score that goes, over all groups of the scope; null where positions are taken, not scores. */
  readonly threshold: number | null;
}

/** What a record loses: positions within one channel group. */
export interface GroupCut {
  readonly pruned: readonly number[];
  /** How many the ratio asked for, before `round_to`. */
  readonly asked: number;
  readonly unsure: Lowest['unsure'];
}

export interface ScopeCut {
  readonly count: Count;
  readonly nominal: ReadonlyMap<RankedGroup, GroupCut>;
  /** Other cuts that rounding could make, where it decides between groups; null where there are too many. */
  readonly others: readonly ReadonlyMap<RankedGroup, GroupCut>[] | null;
}

/** How a scope is cut (base_pruner.py:596-640). */
export function cutScope(scope: Scope, spec: TorchSpec): ScopeCut {
  const { records } = scope;
  const all = records.flatMap((record) => Array.from(record.ranked.values.keys(), (at) => ({ record, at })));
  const channels = all.length;
  const staying = Math.trunc(channels * (1 - scope.ratio));
  const count = { channels, staying, threshold: null };
  if (staying >= channels) return { count, nominal: new Map(), others: [] };
  const joined = {
    values: Float64Array.from(all, ({ record, at }) => record.ranked.values[at]!),
    errors: Float64Array.from(all, ({ record, at }) => record.ranked.errors[at]!),
  };
  if (!spec.isGlobal) {
    // Positions of one ranking for every record: with isomorphic alone they are several (base_pruner.py:632).
    const low = lowest(joined, channels - staying);
    const nominal = new Map(records.map((record) => [record, rounded(record, low, spec)]));
    return { count, nominal, others: records.length > 1 && low.unsure !== null ? null : [] };
  }
  const { threshold, ...low } = upToThreshold(joined, channels - staying);
  const perRecord = (chosen: readonly number[]): ReadonlyMap<RankedGroup, GroupCut> => {
    const own = new Map<RankedGroup, number[]>(records.map((record) => [record, []]));
    for (const k of chosen) own.get(all[k]!.record)!.push(all[k]!.at);
    return new Map([...own].map(([record, pruned]) => [record, rounded(record, { pruned, unsure: null }, spec)]));
  };
  const others = otherSets(low);
  return {
    count: { ...count, threshold },
    nominal: perRecord(low.pruned),
    others: others?.map(perRecord) ?? null,
  };
}

/** Sets that rounding could make of the candidates, but the nominal one; null where there are too many. */
function otherSets({ pruned, unsure }: Lowest): readonly (readonly number[])[] | null {
  if (unsure === null) return [];
  const { candidates, pick } = unsure;
  if (2 ** candidates.length > MAX_OUTCOMES) return null;
  const sure = pruned.filter((k) => !candidates.includes(k));
  const nominal = candidates.filter((k) => pruned.includes(k));
  const sets = Array.from({ length: 2 ** candidates.length }, (_, bits) =>
    candidates.filter((_, k) => (bits >> k) % 2 === 1),
  );
  return sets
    .filter((chosen) => chosen.length >= pick && String(chosen) !== String(nominal))
    .map((chosen) => [...sure, ...chosen]);
}

/** `round_to` floors what stays, of all channels even where one channel group is ranked (base_pruner.py:635-640). */
function rounded(record: RankedGroup, { pruned, unsure }: Lowest, { roundTo, prunesHeadDims }: TorchSpec): GroupCut {
  if (record.attention !== null && !prunesHeadDims) return { pruned: [], asked: 0, unsure: null };
  const asked = pruned.length;
  if (asked === 0 || roundTo === null) return { pruned, asked, unsure };
  const channels = widthOf(record);
  const staying = Math.max(channels - asked, 0);
  const going = channels - (staying - (staying % roundTo));
  return { ...lowest(record.ranked, Math.min(going, record.size)), asked };
}

/** Channels of a record's root. */
export function widthOf({ group }: RankedGroup): number {
  const { module, side } = group.items[0]!;
  return (side === 'in' ? module.inWidth : module.outWidth)!;
}

/** All choices of `pick` of the candidates beside what is sure to go; null where there are too many. */
export function picksOf({ pruned, unsure }: GroupCut): readonly (readonly number[])[] | null {
  if (unsure === null) return [pruned];
  const { candidates, pick } = unsure;
  const sure = pruned.filter((k) => !candidates.includes(k));
  let sets: (readonly number[])[] = [[]];
  for (const [k, candidate] of candidates.entries()) {
    const left = candidates.length - k;
    sets = sets.flatMap((set) => [
      ...(set.length < pick ? [[...set, candidate]] : []),
      ...(set.length + left > pick ? [set] : []),
    ]);
    if (sets.length > MAX_OUTCOMES) return null;
  }
  const all = sets.map((set) => [...sure, ...set].sort((a, b) => a - b));
  return [pruned, ...all.filter((set) => String(set) !== String(pruned))];
}
