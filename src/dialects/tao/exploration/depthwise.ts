import type { Layer } from '../../../network/index.ts';
import { mergePair } from '../equalization.ts';
import { TaoError } from '../refusal.ts';
import { blocked, type Decision, unknown, whole } from './decision.ts';
import { joinGroups } from './groups.ts';
import { decide } from './own.ts';
import { prunableParents } from './parents.ts';
import { type ExplorationState, keepsAll, statOf, writeShared } from './state.ts';

/**
 * A depthwise convolution is pruned alike with the first layer that can be pruned above it (`_explore_conv_dw_layer`).
 * @throws TaoError where the real pruner raises
 */
export function exploreDepthwise(state: ExplorationState, layer: Layer): void {
  const { choices } = state.ground;
  if (layer.filters !== layer.groups)
    throw new TaoError('ValueError', 'DepthwiseConv2D for pruning can only have depth_multiplier == 1.', layer.name);
  const { parents, opaque } = prunableParents(state, layer, true);
  if (opaque !== null) {
    const between = `${opaque.name} (${opaque.op}) between it and its partner could not be placed`;
    const decision = blocked([layer, ...parents], between);
    for (const member of decision.members) writeShared(state, member, decision);
    return;
  }
  const group = [...parents, layer];
  joinGroups(state.groups, group, state.ground.work);
  if (parents.length === 0) throw new TaoError('IndexError', 'list index out of range', layer.name);
  const option = parents.length === 1 ? 0 : choices.choose(`first parent of ${layer.name}`, parents.length, group);
  const first = parents[option]!;
  const decision = decidePair(state, first, layer);
  writeShared(state, first, decision);
  writeShared(state, layer, decision);
}

/** `_equalize_dw_retained_indices` */
function decidePair(state: ExplorationState, first: Layer, layer: Layer): Decision {
  if (first.kind === 'dense')
    throw new TaoError('AttributeError', "'Dense' object has no attribute 'filters'", layer.name);
  const members = [first, layer];
  const kept = members.find((member) => keepsAll(state, member));
  if (kept !== undefined) {
    // A DepthwiseConv2D's own `filters` is None.
    if (first.kind === 'depthwise')
      throw new TaoError('TypeError', "'NoneType' object cannot be interpreted as an integer", layer.name);
    return whole(first.filters, members, 'excluded', kept.name);
  }
  const [a, b] = [statOf(state, first), statOf(state, layer)];
  if ('unknown' in a) return unknown(members, a);
  if ('unknown' in b) return unknown(members, b);
  if (first.filters !== layer.filters)
    throw new TaoError('ValueError', 'operands could not be broadcast together', layer.name);
  return decide(state, mergePair(a, b, state.ground.spec.criterion), 'pair', members);
}
