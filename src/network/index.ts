export { type BareConstant, bareConstants } from './bare-constants.ts';
export { readNetwork } from './build.ts';
export type { ChannelMap, Dim } from './channels.ts';
export { FIXED_CHANNEL, ownersAmong } from './channels.ts';
export { encoded } from './constants.ts';
export type {
  CutSite,
  HeadsSite,
  IntegerOperand,
  KernelSite,
  PicksSite,
  RangeSite,
  SizesSite,
  VectorSite,
} from './cut-sites.ts';
export { disjointSets } from './disjoint-sets.ts';
export { BLOCK_BYTES, type FilterBlock, filterBlocks, type Onlooker } from './filter-blocks.ts';
export { type Arithmetic, biasFollower, type FoldedLayer, foldAll, foldLayer, shiftOf, withFolded } from './fold.ts';
export { nodeName, operatorName } from './graph-parts.ts';
export { lazily } from './lazily.ts';
export { layerNames, type NameScheme, nameScheme } from './name-scheme.ts';
export { isMadeUp } from './names/index.ts';
export { moduleAround } from './names/torch.ts';
export { once, onceByValue, onceFor } from './once.ts';
export {
  isConcatenation,
  type Operand,
  type Operation,
  type Operations,
  type Setting,
  type Settings,
  takesChannels,
} from './operation-types.ts';
export { operationsOf } from './operations.ts';
export { firstPlace, rangeOf, sequence } from './range.ts';
export { makersIn, makersOf } from './reads.ts';
export { type NetworkSize, sizeOf } from './size.ts';
export type { TensorView } from './tensor-view.ts';
export type {
  Call,
  Channels,
  Coupling,
  Folding,
  Follower,
  FollowerRole,
  Layer,
  LayerKind,
  LayerSort,
  MaskedPart,
  Network,
  NetworkNode,
  NetworkTensor,
  Norm,
  Opaque,
  Reader,
  RetainedIndices,
  UnseenWeight,
  Weight,
} from './types.ts';
export { exportUnfolded } from './unfold.ts';
export type { Leads } from './walk.ts';
export { weightTypes } from './weight-types.ts';
