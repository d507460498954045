export { underDenseNames } from './align/named.ts';
export { type FoldedReference, foldedReference } from './align/same-model.ts';
export type { Allowed } from './allowed.ts';
export type { ChannelCorrespondence } from './correspondence.ts';
export type { Preference } from './placing.ts';
export { recoverRetention } from './recover.ts';
export type { Disagreement, KernelOutcome, LayerRecovery, RecognizedLayer, Recovery, ZeroedFilters } from './types.ts';
export { isVerified } from './types.ts';
