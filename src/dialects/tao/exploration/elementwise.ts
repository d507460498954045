import type { Layer } from '../../../network/index.ts';
import { mergeAll } from '../equalization.ts';
import { isFusion } from '../keras.ts';
import type { Stat } from '../norms/importance.ts';
import { TaoError } from '../refusal.ts';
import { survivors } from './broadcast.ts';
import { blocked, type Decision, unknown, whole } from './decision.ts';
import { decide } from './own.ts';
import { prunableParents } from './parents.ts';
import { type ExplorationState, joinGroups, statOf, writeShared } from './state.ts';

/**
 * What reads several layers element by element makes the nearest ones that can be pruned retain the same
 * (`_explore_elmtwise_layer`).
 * @returns false where the layer has no partners left and is not measured itself
 * @throws TaoError where the real pruner raises
 */
export function exploreElementwise(state: ExplorationState, layer: Layer): boolean {
  const { parents, opaque } = prunableParents(state.ground, layer, false);
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
  const isWhole = isFusion(layer) && state.ground.rules.fusion === 'keeps-whole';
  const members = isWhole ? equalized : joinGroups(state, equalized);
  const decision = isWhole ? whole(only.filters, members, 'broadcast', layer.name) : equalize(state, members, layer);
  for (const member of members) writeShared(state, member, decision);
  return true;
}

/** `_equalize_retained_indices`: exclusions count, names that keep a layer whole do not. */
function equalize(state: ExplorationState, members: readonly Layer[], at: Layer): Decision {
  const { excluded, spec } = state.ground;
  const kept = members.find((member) => excluded.has(member.name));
  if (kept !== undefined) return whole(members[0]!.filters, members, 'excluded', kept.name);
  const stats: Stat[] = [];
  for (const member of members) {
    const stat = statOf(state, member);
    if ('unknown' in stat) return unknown(members, stat);
    stats.push(stat);
  }
  if (members.some((member) => member.filters !== members[0]!.filters))
    throw new TaoError('ValueError', 'all input arrays must have the same shape', at.name);
  return decide(state, mergeAll(stats, spec.criterion), 'group', members);
}
