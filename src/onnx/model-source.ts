import { type ByteSource, memorySource, type Refuse } from '../bytes/index.ts';

/** A model's bytes, and those that it keeps beside itself. */
export interface ModelSource extends ByteSource {
  readonly beside: Beside;
}

/** Finds external data. A location is relative and holds plain segments: it has passed `locationProblem`. */
export interface Beside {
  /** The data at a location; it lasts until another is opened. @throws what `refuse` makes */
  open(location: string, refuse: Refuse): ByteSource;
  /** Bytes at a location; null where there is nothing. */
  size(location: string): number | null;
}

/**
 * A model in memory.
 * @param beside its external data by location
 */
export function memoryModel(
  name: string,
  bytes: Uint8Array,
  beside: ReadonlyMap<string, Uint8Array> = new Map(),
): ModelSource {
  return {
    ...memorySource(name, bytes),
    beside: {
      open(location, refuse) {
        const found = beside.get(location);
        if (found === undefined) throw refuse('is not given');
        return memorySource(location, found);
      },
      size: (location) => beside.get(location)?.length ?? null,
    },
  };
}
