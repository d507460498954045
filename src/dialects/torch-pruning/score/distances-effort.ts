import type { Group } from '../trace/group.ts';

/** What distances between all filters and columns take, in weights that are read in the same time: about four of these steps. */
export function distancesEffort(groups: readonly Group[]): number {
  let steps = 0;
  for (const { items } of groups)
    for (const { module, side, at } of items) {
      const { weight } = module.layer;
      if (weight === null || 'opaque' in weight) continue;
      const others = side === 'in' ? weight.outCount : weight.inCount;
      steps += (at.length ** 2 / 2) * others * weight.kernelOffsets.length;
    }
  return steps / 4;
}
