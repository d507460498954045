import { InputError } from '../errors/input-error.ts';

/** Bytes that are read where they are wanted: a file, an upload, a part of memory. */
export interface ByteSource {
  /** How messages name it: a file's path as the user wrote it. */
  readonly name: string;
  readonly size: number;
  /**
   * Reads bytes [position, position + length) into target[0, length).
   * @throws InputError where they cannot be read
   */
  read(target: Uint8Array, position: number, length: number): void;
  /** SHA-256 of all of it, in lowercase hex, where this source can tell. */
  sha256?(): string;
}

/** Makes the error for one source or tensor from the rest of a sentence about it. */
export type Refuse = (problem: string) => InputError;

/** Bytes that are in memory already. */
export function memorySource(name: string, bytes: Uint8Array): ByteSource {
  return {
    name,
    size: bytes.length,
    read(target, position, length) {
      if (position + length > bytes.length) throw new InputError('ended early', { file: name });
      target.set(bytes.subarray(position, position + length));
    },
  };
}

/** All of a small file. */
export interface NamedBytes {
  /** How messages name it. */
  readonly name: string;
  readonly bytes: Uint8Array;
}

/**
 * Reads a file that a spec or config names, by a path relative to it.
 * @param limit bytes that it may have
 * @throws what `refuse` makes, where it cannot be read or is larger
 */
export type ReadNamed = (path: string, limit: number, refuse: Refuse) => NamedBytes;
