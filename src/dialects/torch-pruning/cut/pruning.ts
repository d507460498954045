import { type Flows, groupOf } from '../trace/group.ts';
import type { Module } from '../trace/module-graph.ts';
import { widthOf } from './cutting.ts';
import type { RankedGroup } from './ranked-groups.ts';

/** What the modules of a group lose of their outputs. */
export type Pruning =
  | {
      readonly kind: 'pruned';
      readonly outputs: ReadonlyMap<Module, readonly number[]>;
      /** And of their inputs, where those are pruned apart from their outputs. */
      readonly inputs: ReadonlyMap<Module, readonly number[]>;
    }
  /** Torch-Pruning leaves the group alone, because a module would lose everything. */
  | { readonly kind: 'skipped'; readonly module: Module; readonly side: 'in' | 'out'; readonly width: number }
  /** It prunes positions that the root does not have: what is left of the model then is not known here. */
  | { readonly kind: 'beyond' };

/**
 * The group once more, for the channels that go (base_pruner.py:641-751): channel groups lose the same positions, and
 * `check_pruning_group` looks for modules that would lose everything (dependency/graph.py:153-172).
 * @param pruned positions within one channel group
 */
export function prune(record: RankedGroup, pruned: readonly number[], flows: Flows): Pruning {
  const { group, channelGroups, size } = record;
  const repeated = Array.from({ length: channelGroups }, (_, g) =>
    pruned.map((position) => position + g * size),
  ).flat();
  const at = [...new Set(repeated)].sort((a, b) => a - b);
  const { module: root, side } = group.items[0]!;
  const width = widthOf(record);
  if (at.length >= width) return { kind: 'skipped', module: root, side: side === 'in' ? 'in' : 'out', width };
  if (at.some((position) => position >= width)) return { kind: 'beyond' };
  const [outputs, inputs] = [new Map<Module, readonly number[]>(), new Map<Module, readonly number[]>()];
  if (at.length === 0) return { kind: 'pruned', outputs, inputs };
  for (const item of groupOf(
    root,
    side,
    at.sort((a, b) => a - b),
    flows,
  ).items) {
    const isIn = item.side === 'in';
    const channels = isIn ? item.module.inWidth : item.module.outWidth;
    if (channels !== null && channels <= item.at.length)
      return { kind: 'skipped', module: item.module, side: isIn ? 'in' : 'out', width: channels };
    if (isIn) inputs.set(item.module, item.at);
    else if (item.module.layer.weight !== null) outputs.set(item.module, item.at);
  }
  return { kind: 'pruned', outputs, inputs };
}
