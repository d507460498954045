export { type ChannelCorrespondence, correspondenceOf } from './correspondence-of.ts';
export { underDenseNames } from './named.ts';
export { type Preference, recoverRetention } from './recover.ts';
export { underNamesOf } from './results.ts';
export { foldedReference } from './same-model.ts';
export type { Disagreement, KernelOutcome, LayerRecovery, Recovery, ToldLayer } from './types.ts';
export { isVerified } from './types.ts';
