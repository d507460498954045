import { InputError } from '../../../errors/input-error.ts';

/**
 * What explorations may still look at and write, in layers. The pruner's own rules write whole groups again and again: a chain of
 * a thousand residual blocks takes a million of it, and a graph that is made to take for ever would take all time (CWE-407).
 */
export interface Work {
  left: number;
}

const LIMIT = 12_000_000;

export function limitedWork(): Work {
  return { left: LIMIT };
}

/** @throws InputError where it is more than is left */
export function spend(work: Work, layers: number): void {
  work.left -= layers;
  if (work.left < 0)
    throw new InputError(
      'the model has more element-wise operators over more layers than are followed: no real one has',
    );
}

/** What `made` comes to; null where it takes more than is left. */
export function withinWork<T>(work: Work, made: () => T): T | null {
  try {
    return made();
  } catch (error) {
    if (work.left >= 0) throw error;
    return null;
  }
}
