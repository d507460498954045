import type { RetainedIndices } from '../../network/index.ts';
import type { Decision } from './decide.ts';
import type { Group, Groups, Member } from './groups.ts';

/** What was decided on every group of a model. */
export interface Decided {
  readonly groups: Groups;
  readonly decisions: readonly Decision[];
  /** A layer's group, its place in it, and what was decided; null for a layer that is not prunable. */
  of(layer: string): { readonly group: Group; readonly member: Member; readonly decision: Decision } | null;
}

/** The filters of a layer whose channels a mask keeps. */
export function retainedOf(channels: Int32Array, mask: Uint8Array): RetainedIndices {
  return [...channels.keys()].filter((k) => mask[channels[k]!] === 1);
}
