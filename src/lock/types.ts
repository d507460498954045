import type { KeyPath, Place } from '../errors/place.ts';
import type { RetainedIndices } from '../network/index.ts';

/** One layer as it was agreed. */
export interface LockedLayer {
  /** Of the dense layer. */
  readonly filters: number;
  readonly retained: RetainedIndices;
}

/** What was agreed of one model. */
export interface LockedModel {
  readonly dialect: string;
  /** Of the effective spec; SHA-256. */
  readonly spec: string;
  /** Of the dense model's weights, by their elements; SHA-256. */
  readonly weights: string;
  /** In the order of the dense model's graph. */
  readonly layers: ReadonlyMap<string, LockedLayer>;
}

/** A lock file. */
export interface Lock {
  /** As the user would write its path. */
  readonly file: string;
  readonly models: ReadonlyMap<string, LockedModel>;
  /** Where a value stands: `['models', name, 'layers', layer]`. */
  at(path: KeyPath): Place;
}

/** A model as it is now: what a lock would say of it. Layers whose filters are not known have null. */
export interface LockableModel {
  readonly dialect: string;
  readonly spec: string;
  readonly weights: string;
  readonly layers: readonly LockableLayer[];
}

export interface LockableLayer {
  readonly name: string;
  readonly filters: number;
  readonly actual: RetainedIndices | null;
}
