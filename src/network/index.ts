export { alignNames } from './align.ts';
export { readNetwork } from './build.ts';
export type { ChannelMap, Dim } from './channels.ts';
export { FIXED_CHANNEL } from './channels.ts';
export { foldAll, foldLike } from './fold.ts';
export { type NetworkSize, sizeOf } from './size.ts';
export type {
  Call,
  Channels,
  Coupling,
  Folding,
  Follower,
  FollowerRole,
  Layer,
  LayerKind,
  Network,
  NetworkTensor,
  Opaque,
  RetainedIndices,
  Weight,
} from './types.ts';
export { exportUnfolded } from './unfold.ts';
