/**
 * Memory by which a file's bytes reach the thread that hashes them: pieces that are filled and emptied in turn. Each side counts the pieces that it is
 * done with, and waits for the other's count.
 */
export interface HashRing {
  readonly words: Int32Array;
  /** Bytes that each piece holds; END after the last. */
  readonly lengths: Int32Array;
  readonly digest: Uint8Array;
  readonly pieces: readonly Uint8Array[];
}

const PIECES = 8;
/** Small enough to lie in a core's own cache while it is hashed. */
const PIECE_BYTES = 512 * 1024;
const DIGEST_BYTES = 32;

export const END = -1;

/** Places of `words`. */
export const OWNER = 0;
export const FILLED = 1;
export const EMPTIED = 2;
export const STATE = 3;
const WORDS = 4;

/** Who hashes: the thread takes it over as it starts, or whoever fills does, where it never started. */
export const NOBODY = 0;
export const THREAD = 1;
export const CALLER = 2;

export const HASHING = 0;
export const HASHED = 1;
/** Nobody wants the digest any more. */
export const GIVEN_UP = 2;

const HEAD_BYTES = 4 * (WORDS + PIECES) + DIGEST_BYTES;

export function makeRingMemory(): SharedArrayBuffer {
  return new SharedArrayBuffer(HEAD_BYTES + PIECES * PIECE_BYTES);
}

export function ringIn(memory: SharedArrayBuffer): HashRing {
  return {
    words: new Int32Array(memory, 0, WORDS),
    lengths: new Int32Array(memory, 4 * WORDS, PIECES),
    digest: new Uint8Array(memory, 4 * (WORDS + PIECES), DIGEST_BYTES),
    pieces: Array.from({ length: PIECES }, (_, k) => new Uint8Array(memory, HEAD_BYTES + k * PIECE_BYTES, PIECE_BYTES)),
  };
}

/** Sets a word, and wakes who waits for it. */
export function tell(words: Int32Array, word: number, value: number): void {
  Atomics.store(words, word, value);
  Atomics.notify(words, word);
}
