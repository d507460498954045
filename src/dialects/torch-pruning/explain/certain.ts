import { once, type RetainedIndices } from '../../../network/index.ts';
import type { Certainties, Contradiction } from '../../types.ts';
import type { Decisions } from '../cut/decisions.ts';
import { channelGroupsOf } from '../cut/ranked-groups.ts';
import type { TorchSpec } from '../spec.ts';
import { type Group, isOut } from '../trace/group.ts';
import { type Dependencies, isWithin } from '../trace/groups.ts';
import { LOST } from '../trace/placement.ts';
import type { SpecNames } from '../trace/spec-names.ts';

/** What holds of groups whose scores are not known: coupled layers lose the same channels, and where each group is ranked alone their number is known. */
export function certainties(
  { groups }: Dependencies,
  { byGroup }: Decisions,
  { spec, unresolved }: SpecNames,
): Certainties {
  /** A name that could mean one of the group's modules may ignore it, or give it another ratio. */
  const countsIn = once((group: Group): readonly number[] | null =>
    group.items.some(({ module }) => unresolved.has(module)) ? null : countsOf(group, spec),
  );
  const groupOf = new Map<string, Group>();
  for (const group of groups)
    for (const { layer } of group.layers) if (!groupOf.has(layer.name)) groupOf.set(layer.name, group);
  /** The group of a layer, where only its scores are not known. */
  const openGroup = (name: string): Group | null => {
    const group = groupOf.get(name);
    if (group === undefined || group.trouble !== null || byGroup.get(group)?.kind !== 'unknown') return null;
    return group;
  };
  return {
    summary(names) {
      const counts = names.every((name) => {
        const group = openGroup(name);
        return group !== null && countsIn(group) !== null;
      });
      return `coupled layers keep the same channels${counts ? ', as many as the ratio leaves' : ''}`;
    },
    contradiction(name, actual) {
      const group = openGroup(name);
      const kept = actual(name);
      if (group === null || kept === null) return null;
      return (
        countContradiction(group, name, kept, spec, countsIn(group)) ?? partnerContradiction(group, name, kept, actual)
      );
    },
  };
}

/** How many channels the root of a group may keep; null where that hangs on scores. */
function countsOf(group: Group, spec: TorchSpec): readonly number[] | null {
  const { module: root, side } = group.items[0]!;
  const named = new Set(spec.ratios.flatMap(({ modules }) => modules));
  const isNamed = group.items.some(({ module }) => isWithin(module.layer.name, named));
  // The number of scores is that of the first scored item, which is the root where its weights are scored.
  const isScored =
    spec.importance.kind === 'given' || (spec.importance.targets.has('Conv') && root.type !== 'DepthwiseConv');
  const hasHeads = group.items.some(({ module }) => spec.heads.has(module.layer.name));
  if (hasHeads || spec.steps > 1 || spec.isGlobal || spec.isIsomorphic || isNamed || !isScored || side === 'in')
    return null;
  const channels = root.outWidth!;
  const channelGroups = Math.max(
    1,
    ...group.items.flatMap((item) => channelGroupsOf(item.module, item.side === 'in', spec) ?? []),
  );
  const size = channels / channelGroups;
  const asked = size - Math.trunc(size * (1 - spec.pruningRatio));
  const rounded = spec.roundTo === null || asked === 0 ? asked : channels - floored(channels - asked, spec.roundTo);
  const kept = channels - Math.min(rounded, size) * channelGroups;
  // A group that would lose everything is skipped.
  return [kept > 0 ? kept : channels];
}

function floored(value: number, step: number): number {
  return value - (value % step);
}

function countContradiction(
  group: Group,
  name: string,
  kept: RetainedIndices,
  spec: TorchSpec,
  counts: readonly number[] | null,
): Contradiction | null {
  const item = group.outputs.get(name)!;
  const isWhole = item.at.length === group.items[0]!.at.length && item.at.length === item.module.layer.filters;
  if (counts === null || !isWhole || counts.includes(kept.length) || kept.length === item.at.length) return null;
  const key = spec.roundTo === null ? 'pruning_ratio' : 'round_to';
  const rounding = spec.roundTo === null ? '' : ` and round_to ${spec.roundTo}`;
  return {
    problem: 'kept another number of channels than the ratio leaves',
    reason: `it keeps ${kept.length} of ${item.at.length} channels, where pruning_ratio ${spec.pruningRatio}${rounding} leave ${counts.join(' or ')} whatever the scores are`,
    specKey: key,
  };
}

/** Coupled layers lose the channels of the same root. */
function partnerContradiction(
  group: Group,
  name: string,
  kept: RetainedIndices,
  actual: (layer: string) => RetainedIndices | null,
): Contradiction | null {
  const outs = group.items.filter(
    (item) => isOut(item) && item.module.layer.weight !== null && !item.root.includes(LOST),
  );
  const own = outs.find(({ module }) => module.layer.name === name);
  if (own === undefined) return null;
  const mine = rootsOf(own, kept);
  for (const other of outs) {
    const theirs = other === own ? null : actual(other.module.layer.name);
    if (theirs === null) continue;
    const shared = new Set(other.root);
    const ours = new Set(own.root);
    const [here, there] = [
      new Set([...mine].filter((channel) => shared.has(channel))),
      new Set([...rootsOf(other, theirs)].filter((channel) => ours.has(channel))),
    ];
    const differing = [...here].filter((channel) => !there.has(channel));
    if (differing.length === 0 && here.size === there.size) continue;
    return {
      problem: 'are coupled and kept different channels',
      reason: `it is coupled with ${other.module.layer.name}, so both keep the same channels of the group, and they do not`,
      specKey: 'pruning_ratio',
    };
  }
  return null;
}

function rootsOf({ at, root }: Group['items'][number], kept: RetainedIndices): ReadonlySet<number> {
  const filters = new Set(kept);
  return new Set(root.filter((_, k) => filters.has(at[k]!)));
}
