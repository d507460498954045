export { compareLock, type LockComparison, type LockDifference, lockChanges } from './compare.ts';
export { type MakeHash, specDigest, weightsDigest } from './digest.ts';
export { rangesText } from './ranges.ts';
export { MAX_LOCK_BYTES, parseLock } from './read.ts';
export type { Lock, LockableModel, LockedLayer, LockedModel } from './types.ts';
export { lockedModel, lockText } from './write.ts';
