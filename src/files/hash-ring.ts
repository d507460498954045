/**
 * Memory that a file passes through on its way to whoever reads it and to the thread that hashes it: pieces of the file, in its order, each in the place
 * of one that both are done with.
 */
export interface HashRing {
  readonly words: Int32Array;
  readonly digest: Uint8Array;
  readonly places: readonly Buffer[];
}

/** What a thread that hashes is given. */
export interface HashOrder {
  readonly memory: SharedArrayBuffer;
  /** Bytes of the file. */
  readonly size: number;
}

/** Read in a tenth of a millisecond, hashed in a quarter. */
export const PIECE_BYTES = 512 * 1024;
/**
 * The thread lives on what lies in the ring while nothing of the file is asked for, as when pruned weights are read and hashed. That takes the longer the
 * larger the model's layers are, and so the ring has a part of its pieces.
 */
const PART = 1 / 32;
const [LEAST_PLACES, MOST_PLACES] = [16, 128];
const DIGEST_BYTES = 32;

/** Places of `words`. `read` and `hashed` count pieces. */
export const WORD = { owner: 0, read: 1, hashed: 2, state: 3 } as const;

/** Who hashes: the thread takes it over as it starts, or whoever reads does, where it never started. */
export const OWNER = { nobody: 0, thread: 1, caller: 2 } as const;

/** It is given up where nobody wants the digest any more. */
export const STATE = { hashing: 0, done: 1, givenUp: 2 } as const;

const WORDS = Object.keys(WORD).length;
const HEAD_BYTES = 4 * WORDS + DIGEST_BYTES;

export function makeRing(size: number): HashOrder {
  return { memory: new SharedArrayBuffer(HEAD_BYTES + placesFor(size) * PIECE_BYTES), size };
}

export function ringIn({ memory, size }: HashOrder): HashRing {
  const place = (k: number): Buffer => Buffer.from(memory, HEAD_BYTES + k * PIECE_BYTES, PIECE_BYTES);
  return {
    words: new Int32Array(memory, 0, WORDS),
    digest: new Uint8Array(memory, 4 * WORDS, DIGEST_BYTES),
    places: Array.from({ length: placesFor(size) }, (_, k) => place(k)),
  };
}

function placesFor(size: number): number {
  return Math.min(MOST_PLACES, Math.max(LEAST_PLACES, Math.ceil(PART * piecesOf(size))), piecesOf(size));
}

/** How many pieces a file has. */
export function piecesOf(size: number): number {
  return Math.ceil(size / PIECE_BYTES);
}

/** Where the k-th piece of a file lies, once it was read. */
export function pieceIn({ places }: HashRing, size: number, k: number): Buffer {
  return places[k % places.length]!.subarray(0, Math.min(PIECE_BYTES, size - k * PIECE_BYTES));
}

/** Sets a word, and wakes who waits for it. */
export function tell(words: Int32Array, word: number, value: number): void {
  Atomics.store(words, word, value);
  Atomics.notify(words, word);
}
