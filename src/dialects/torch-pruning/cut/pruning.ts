import type { TorchSpec } from '../spec.ts';
import { groupOf } from '../trace/group.ts';
import type { Dependencies } from '../trace/groups.ts';
import type { Module } from '../trace/module-graph.ts';
import { widthOf } from './cutting.ts';
import type { HeadCut } from './heads.ts';
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
  | {
      readonly kind: 'skipped';
      readonly name: string;
      readonly side: 'in' | 'out';
      readonly width: number;
      /** Whether what would lose everything is taken for a parameter, and may be a buffer. */
      readonly mayBeBuffer?: boolean;
    }
  /** It prunes positions that the root does not have: what is left of the model then is not known here. */
  | { readonly kind: 'beyond' }
  /** What would lose everything may be a buffer, which is not pruned. */
  | { readonly kind: 'unsure'; readonly name: string };

/** What prunings hang on beside the channels that go. */
export interface Pruned extends Pick<Dependencies, 'flows' | 'parameters'> {
  /** Whole heads that go, by group. */
  readonly heads: ReadonlyMap<RankedGroup, HeadCut>;
  readonly spec: TorchSpec;
}

/** Where heads are shared, keys and values lose nothing once heads may go, not even channels (base_pruner.py:735-747). */
function sparedIn({ attention }: RankedGroup, whole: HeadCut | undefined): ((module: Module) => boolean) | null {
  if (attention === null) return null;
  const left = whole?.left ?? attention.heads;
  const fewest = Math.min(...left.values());
  if ([...left.values()].every((count) => count === fewest)) return null;
  return (module) => left.get(module) === fewest;
}

/**
 * The group once more, for the channels that go (base_pruner.py:641-751): channel groups lose the same positions, and
 * `check_pruning_group` looks for modules that would lose everything (dependency/graph.py:153-172).
 * @param pruned positions within one channel group
 */
export function prune(
  record: RankedGroup,
  pruned: readonly number[],
  { flows, parameters, heads, spec }: Pruned,
): Pruning {
  const { group, channelGroups, size } = record;
  const whole = heads.get(record);
  const repeated = Array.from({ length: channelGroups }, (_, g) =>
    pruned.map((position) => position + g * size),
  ).flat();
  const at = [...new Set([...repeated, ...(whole?.channels ?? [])])].sort((a, b) => a - b);
  const { module: root, side } = group.items[0]!;
  const width = widthOf(record);
  if (at.length >= width) return { kind: 'skipped', name: root.layer.name, side: side === 'in' ? 'in' : 'out', width };
  if (at.some((position) => position >= width)) return { kind: 'beyond' };
  const [outputs, inputs] = [new Map<Module, readonly number[]>(), new Map<Module, readonly number[]>()];
  if (at.length === 0) return { kind: 'pruned', outputs, inputs };
  const isSpared = spec.prunesHeads ? sparedIn(record, whole) : null;
  for (const item of groupOf(root, side, at, flows).items) {
    if (isSpared?.(item.module) === true) continue;
    const isIn = item.side === 'in';
    const channels = isIn ? item.module.inWidth : item.module.outWidth;
    if (channels !== null && channels <= item.at.length)
      return { kind: 'skipped', name: item.module.layer.name, side: isIn ? 'in' : 'out', width: channels };
    // A parameter may be ignored as a module is (base_pruner.py:133).
    const lost = parameters(item.module).find(
      ({ name, width: all }) => all <= item.at.length && !spec.ignored.includes(name),
    );
    if (lost !== undefined)
      return lost.isSure
        ? { kind: 'skipped', name: lost.name, side: 'out', width: lost.width, mayBeBuffer: !lost.isNamed }
        : { kind: 'unsure', ...lost };
    if (isIn) inputs.set(item.module, item.at);
    else if (item.module.layer.weight !== null) outputs.set(item.module, item.at);
  }
  return { kind: 'pruned', outputs, inputs };
}
