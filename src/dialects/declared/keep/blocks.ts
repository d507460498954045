import type { Layer, Network } from '../../../network/index.ts';
import type { Groups } from '../groups.ts';

/**
 * Blocks of channels by which a group is ranked: the groups of grouped (not depthwise) convolutions among its members, and of those
 * that read exactly its channels. Several are ranked by a block that all of them are made of.
 */
export function blocksOf(network: Network, groups: Groups, position: number): number {
  const { members, size } = groups.all[position]!;
  const grouped = [...network.prunable.values()].filter(
    (layer) => layer.groups > 1 && layer.kind !== 'depthwise' && (isMember(layer) || readsExactly(layer)),
  );
  return grouped.reduce((blocks, layer) => leastCommon(blocks, layer.groups), 1);

  function isMember(layer: Layer): boolean {
    return members.some((member) => member.layer.id === layer.id);
  }

  function readsExactly({ calls }: Layer): boolean {
    const columns = calls[0]?.columns;
    if (!(columns instanceof Int32Array) || columns.length !== size) return false;
    return columns.every((id) => id >= 0 && groups.groupOf[id] === position);
  }
}

function leastCommon(a: number, b: number): number {
  let [x, y] = [a, b];
  while (y !== 0) [x, y] = [y, x % y];
  return (a / x) * b;
}
