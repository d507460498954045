import type { Layer } from '../../../network/index.ts';
import { type Merged, nothingMerged } from '../equalization.ts';
import type { Decision, Unknown } from './decision.ts';
import { spend, type Work } from './work.ts';

/** Layers that are pruned alike. */
export interface Group {
  /** In merging order. */
  readonly members: readonly Layer[];
  /** Groups stand in the order in which they were last put together. */
  place: number;
  readonly known: Known;
  /** What was last decided of these members. */
  decision: Decision | null;
}

/** What is known of the first members of a group: others only come behind them, so that none is looked at twice. */
export interface Known {
  /** How many members. */
  of: number;
  /** The first that keeps all filters, and the first whose stat is not known. */
  excluded: Layer | null;
  unknown: Unknown | null;
  /** Whether they have as many filters as the first. */
  isEven: boolean;
  merged: Merged;
}

/** `_equalization_groups`. */
export interface Groups {
  readonly of: Map<Layer, Group>;
  joined: number;
}

export function noGroups(): Groups {
  return { of: new Map(), joined: 0 };
}

/**
 * Puts layers into one group with all groups that they touch (`_update_equalization_groups`).
 * @returns the group, members of earlier groups first
 */
export function joinGroups(groups: Groups, joining: readonly Layer[], work: Work): Group {
  const touched = [...new Set(joining.flatMap((layer) => groups.of.get(layer) ?? []))];
  touched.sort((a, b) => a.place - b.place);
  const strangers = joining.filter((layer) => !groups.of.has(layer));
  const [first] = touched;
  if (first !== undefined && touched.length === 1 && strangers.length === 0) {
    first.place = groups.joined++;
    return first;
  }
  const members = [...touched.flatMap((group) => group.members), ...strangers];
  spend(work, members.length);
  const known = first?.known ?? { of: 0, excluded: null, unknown: null, isEven: true, merged: nothingMerged() };
  const group: Group = { members, place: groups.joined++, known, decision: null };
  for (const member of members) groups.of.set(member, group);
  return group;
}

/** All groups in their order. */
export function groupsInOrder({ of }: Groups): readonly (readonly Layer[])[] {
  return [...new Set(of.values())].sort((a, b) => a.place - b.place).map(({ members }) => members);
}
