import type { Layer } from '../../../network/index.ts';
import { mergeIn, statOfMerged } from '../equalization.ts';
import { isFusion } from '../keras.ts';
import { TaoError } from '../refusal.ts';
import { survivors } from './broadcast.ts';
import { blocked, type Decision, unknown, whole } from './decision.ts';
import { type Group, joinGroups } from './groups.ts';
import { decide } from './own.ts';
import { prunableParents } from './parents.ts';
import { type ExplorationState, statOf, writeShared } from './state.ts';

/**
 * What reads several layers element by element makes the nearest ones that can be pruned retain the same
 * (`_explore_elmtwise_layer`).
 * @returns false where the layer has no partners left and is not measured itself
 * @throws TaoError where the real pruner raises
 */
export function exploreElementwise(state: ExplorationState, layer: Layer): boolean {
  const { parents, opaque } = prunableParents(state, layer, false);
  if (opaque !== null) {
    const decision = blocked(parents, `${opaque.name} (${opaque.op}) above ${layer.name} could not be placed`);
    for (const member of parents) writeShared(state, member, decision);
    return true;
  }
  const { equalized, dropped } = survivors(state, layer, parents);
  for (const parent of dropped) writeShared(state, parent, whole(parent.filters, [parent], 'broadcast', layer.name));
  const [only] = equalized;
  if (only === undefined) {
    if (layer.kind !== 'conv') throw new TaoError('ValueError', 'Unhandled number of weights: 0', layer.name);
    return false;
  }
  if (equalized.length === 1) {
    if (only.kind === 'depthwise') state.isPruned.set(only, false);
    return true;
  }
  const decision =
    isFusion(layer) && state.ground.rules.fusion === 'keeps-whole'
      ? whole(only.filters, equalized, 'broadcast', layer.name)
      : equalize(state, joinGroups(state.groups, equalized, state.ground.work), layer);
  for (const member of decision.members) writeShared(state, member, decision);
  return true;
}

/** `_equalize_retained_indices`: exclusions count, names that keep a layer whole do not. */
function equalize(state: ExplorationState, group: Group, at: Layer): Decision {
  // What is the same group decides the same.
  group.decision ??= decisionOf(state, group, at);
  return group.decision;
}

function decisionOf(state: ExplorationState, group: Group, at: Layer): Decision {
  const { members, known } = group;
  learn(state, group);
  if (known.excluded !== null) return whole(members[0]!.filters, members, 'excluded', known.excluded.name);
  if (known.unknown !== null) return unknown(members, known.unknown);
  if (!known.isEven) throw new TaoError('ValueError', 'all input arrays must have the same shape', at.name);
  return decide(state, statOfMerged(known.merged, state.ground.spec.criterion), 'group', members);
}

/** Looks at the members that have come since. */
function learn(state: ExplorationState, { members, known }: Group): void {
  const { excluded, spec } = state.ground;
  for (; known.of < members.length; known.of++) {
    const member = members[known.of]!;
    const stat = statOf(state, member);
    if (excluded.has(member.name)) known.excluded ??= member;
    if (member.filters !== members[0]!.filters) known.isEven = false;
    if ('unknown' in stat) known.unknown ??= stat;
    else if (known.isEven) mergeIn(known.merged, stat, spec.criterion);
  }
}
