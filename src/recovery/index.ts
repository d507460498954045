export { type Preference, recoverRetention } from './recover.ts';
export type { Disagreement, KernelOutcome, LayerRecovery, Recovery } from './types.ts';
