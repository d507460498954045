import { join } from 'node:path';
import type { Worker } from 'node:worker_threads';
import {
  CALLER,
  EMPTIED,
  END,
  FILLED,
  GIVEN_UP,
  HASHED,
  HASHING,
  makeRingMemory,
  NOBODY,
  OWNER,
  ringIn,
  STATE,
  THREAD,
  tell,
} from './hash-ring.ts';
import { sha256 } from './sha256.ts';

/** SHA-256 of bytes that are added in their order. */
export interface ByteHash {
  /** What was added may change afterwards. */
  update(bytes: Uint8Array): void;
  /** Nothing more is added. */
  end(): void;
  /** Of all that was added until it ended, in lowercase hex; asked for once, before it is closed. */
  digest(): string;
  /** Nothing more is asked of it. */
  close(): void;
}

const IS_BUNDLED = import.meta.filename.endsWith('.cjs');
const PROGRAM = join(import.meta.dirname, IS_BUNDLED ? 'hash.cjs' : '../../dist/hash.cjs');

/** It holds nothing but the ring. In megabytes. */
const SMALL = { maxYoungGenerationSizeMb: 1, maxOldGenerationSizeMb: 8 };

/** A thread takes 20 ms to start; one that has not by then, for want of threads or memory, is not waited for. */
const PATIENCE_MS = 500;

/** A piece takes a third of a millisecond; a thread that has not done one by then has died, and what it had with it. */
const LIFE_SIGN_MS = 120_000;

export function hashHere(): ByteHash {
  const hash = sha256();
  return { update: (bytes) => void hash.update(bytes), end() {}, digest: () => hash.digest('hex'), close() {} };
}

/**
 * Hashes in a thread of its own: that takes as long as reading and judging do, and copying the bytes for it a tenth. The thread is there from the first
 * piece to the last. Where none starts, they are hashed here.
 * @param start starts the thread on the ring's memory
 * @param lifeSign milliseconds without a piece hashed after which it is taken for dead
 */
export function hashBeside(
  start: (memory: SharedArrayBuffer) => void = startThread,
  lifeSign: number = LIFE_SIGN_MS,
): ByteHash {
  const memory = makeRingMemory();
  const ring = ringIn(memory);
  const { words, lengths, pieces } = ring;
  let own: ByteHash | null = null;
  let filled = 0;
  let inPiece = 0;
  const room = (): boolean => {
    for (let emptied = 0; ; ) {
      emptied = Atomics.load(words, EMPTIED);
      if (filled - emptied < pieces.length) return true;
      if (!isHashing(words, EMPTIED, emptied, lifeSign)) return false;
    }
  };
  const send = (length: number): void => {
    if (filled === 0) start(memory);
    lengths[filled % pieces.length] = length;
    filled += 1;
    inPiece = 0;
    tell(words, FILLED, filled);
  };
  /** Nothing was hashed yet, so that all of it still lies in the pieces. */
  const takeOver = (): ByteHash => {
    const hash = hashHere();
    for (let k = 0; k < filled; k++) if (lengths[k] !== END) hash.update(pieces[k]!.subarray(0, lengths[k]));
    own = hash;
    return hash;
  };
  return {
    update(bytes) {
      for (let done = 0; done < bytes.length; ) {
        if (own === null && inPiece === 0 && !room()) takeOver();
        if (own !== null) return own.update(bytes.subarray(done));
        const piece = pieces[filled % pieces.length]!;
        const length = Math.min(bytes.length - done, piece.length - inPiece);
        piece.set(bytes.subarray(done, done + length), inPiece);
        done += length;
        inPiece += length;
        if (inPiece === piece.length) send(inPiece);
      }
    },
    end() {
      if (own === null && inPiece > 0) send(inPiece);
      if (own === null && !room()) takeOver();
      if (own === null) send(END);
    },
    digest() {
      while (own === null && Atomics.load(words, STATE) !== HASHED)
        if (!isHashing(words, STATE, HASHING, lifeSign)) takeOver();
      return own?.digest() ?? Buffer.from(ring.digest).toString('hex');
    },
    close() {
      Atomics.store(words, STATE, GIVEN_UP);
      // Whatever it waits for, there is something now.
      tell(words, FILLED, filled + 1);
    },
  };
}

/**
 * Waits until a word changes; false where the thread never started, and now has nothing to do any more.
 * @throws Error where it started and died, so that a check ends without a hash rather than never
 */
function isHashing(words: Int32Array, word: number, value: number, lifeSign: number): boolean {
  const isStarted = Atomics.load(words, OWNER) === THREAD;
  const woken = Atomics.wait(words, word, value, isStarted ? lifeSign : PATIENCE_MS);
  if (isStarted && woken === 'timed-out') throw new Error('the thread that hashes a file has stopped');
  return isStarted || Atomics.compareExchange(words, OWNER, NOBODY, CALLER) !== NOBODY;
}

export function startThread(memory: SharedArrayBuffer): Worker {
  const { Worker: Thread } = process.getBuiltinModule('node:worker_threads');
  const thread = new Thread(PROGRAM, { workerData: memory, env: {}, execArgv: [], resourceLimits: SMALL });
  // It is hashed without it then.
  thread.on('error', () => {});
  // What is not done when this process is, nobody asks for.
  thread.unref();
  return thread;
}
