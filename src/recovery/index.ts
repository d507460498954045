export { type ChannelCorrespondence, correspondenceOf } from './correspondence-of.ts';
export { type Preference, recoverRetention } from './recover.ts';
export { differenceBeyondRounding } from './same-model.ts';
export type { Disagreement, KernelOutcome, LayerRecovery, Recovery } from './types.ts';
