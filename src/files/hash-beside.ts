import type { Hash } from 'node:crypto';
import { join } from 'node:path';
import type { Worker } from 'node:worker_threads';
import type { ByteSource } from '../bytes/index.ts';
import { isAside, type RunningHash } from './hash-here.ts';
import {
  type HashOrder,
  makeRing,
  OWNER,
  PIECE_BYTES,
  pieceIn,
  piecesOf,
  ringIn,
  STATE,
  tell,
  WORD,
} from './hash-ring.ts';
import { sha256 } from './sha256.ts';

const IS_BUNDLED = import.meta.filename.endsWith('.cjs');
const PROGRAM = join(import.meta.dirname, IS_BUNDLED ? 'hash.cjs' : '../../dist/hash.cjs');

/** It holds nothing but the ring. In megabytes. */
const SMALL = { maxYoungGenerationSizeMb: 1, maxOldGenerationSizeMb: 8 };

/** A thread takes 25 ms to start; one that has not by then, for want of threads or memory, is not waited for. */
const PATIENCE_MS = 500;

/** A piece takes a quarter of a millisecond; a thread that has not done one by then has died, and what it had with it. */
const LIFE_SIGN_MS = 120_000;

/**
 * Hashes in a thread of its own, which takes longer than reading and judging do: it has to be at work from the start to the end. So the file is read
 * into the ring, ahead of whoever asks for it as far as there is room, and what is asked for is copied from there. What was passed over, or is
 * asked for again when it has gone, is read from the file. Where no thread starts, all is hashed here.
 * @param start starts the thread
 * @param lifeSign milliseconds without a piece hashed after which it is taken for dead
 */
export function hashBeside(
  { size, read }: Pick<ByteSource, 'size' | 'read'>,
  start: (order: HashOrder) => void = startThread,
  lifeSign: number = LIFE_SIGN_MS,
): RunningHash {
  const order = makeRing(size);
  const ring = ringIn(order);
  const { words, places } = ring;
  const pieces = piecesOf(size);
  let own: Hash | null = null;
  let digest: string | null = null;
  let isClosed = false;
  /** Pieces that were read. */
  let count = 0;
  /** The last piece that was asked for: those before it may go. */
  let wanted = 0;
  const hashed = (): number => (own === null ? Atomics.load(words, WORD.hashed) : count);
  const readNext = (): void => {
    const piece = pieceIn(ring, size, count);
    read(piece, count * PIECE_BYTES, piece.length);
    count += 1;
    if (own === null) tell(words, WORD.read, count);
    else own.update(piece);
  };
  /** The thread has not begun, so that all that was read is still there. */
  const takeOver = (): void => {
    own = sha256();
    for (let k = 0; k < count; k++) own.update(pieceIn(ring, size, k));
  };
  const readUpTo = (end: number): void => {
    while (count < end) {
      for (let done = hashed(); count - done >= places.length; done = hashed())
        if (!isHashing(words, WORD.hashed, done, lifeSign)) takeOver();
      readNext();
    }
  };
  const readAhead = (): void => {
    const free = Math.min(hashed(), wanted) + places.length;
    while (own === null && count < Math.min(free, pieces)) readNext();
  };
  const close = (): void => {
    isClosed = true;
    Atomics.store(words, WORD.state, STATE.givenUp);
    // Whatever it waits for, there is something now.
    tell(words, WORD.read, count + 1);
  };
  try {
    start(order);
  } catch {
    // No more threads are allowed, for one.
    takeOver();
  }
  try {
    readAhead();
  } catch (error) {
    close();
    throw error;
  }
  return {
    read(target, position, length) {
      // Refuses what lies behind the file's end.
      if (position + length > size) return read(target, position, length);
      // Before it, so that what is asked for is what is in the cache.
      readAhead();
      const isOnTheSide = isAside(position - wanted * PIECE_BYTES, length);
      if (isOnTheSide && position + length > count * PIECE_BYTES) return read(target, position, length);
      for (let done = 0; done < length; ) {
        const k = Math.floor((position + done) / PIECE_BYTES);
        const gone = (count - places.length) * PIECE_BYTES - position - done;
        const from = position + done - k * PIECE_BYTES;
        const some = Math.min(length - done, gone > 0 ? gone : PIECE_BYTES - from);
        const part = target.subarray(done, done + some);
        done += some;
        if (gone > 0) {
          read(part, position + done - some, some);
          continue;
        }
        if (!isOnTheSide) wanted = Math.max(wanted, k);
        readUpTo(k + 1);
        copy(pieceIn(ring, size, k).subarray(from, from + some), part);
      }
    },
    digest() {
      if (digest !== null) return digest;
      if (isClosed) throw new Error('the hash of a file is asked for after it was closed');
      readUpTo(pieces);
      while (own === null && Atomics.load(words, WORD.state) !== STATE.done)
        if (!isHashing(words, WORD.state, STATE.hashing, lifeSign)) takeOver();
      digest = own?.digest('hex') ?? Buffer.from(ring.digest).toString('hex');
      return digest;
    },
    close,
  };
}

/** `set` copies shared memory byte by byte where both sides do not lie alike to a word's bounds, at 4 GB in a second; this is memcpy. */
function copy(bytes: Buffer, target: Uint8Array): void {
  Buffer.from(target.buffer, target.byteOffset, target.length).fill(bytes);
}

/**
 * Waits until a word changes; false where the thread never started, and now has nothing to do any more.
 * @throws Error where it started and died, so that a check ends without a hash rather than never
 */
function isHashing(words: Int32Array, word: number, value: number, lifeSign: number): boolean {
  const isStarted = Atomics.load(words, WORD.owner) === OWNER.thread;
  const woken = Atomics.wait(words, word, value, isStarted ? lifeSign : PATIENCE_MS);
  if (isStarted && woken === 'timed-out') throw new Error('the thread that hashes a file has stopped');
  return isStarted || Atomics.compareExchange(words, WORD.owner, OWNER.nobody, OWNER.caller) !== OWNER.nobody;
}

export function startThread(order: HashOrder): Worker {
  const { Worker: Thread } = process.getBuiltinModule('node:worker_threads');
  const thread = new Thread(PROGRAM, { workerData: order, env: {}, execArgv: [], resourceLimits: SMALL });
  // It is hashed without it then.
  thread.on('error', () => {});
  // What is not done when this process is, nobody asks for.
  thread.unref();
  return thread;
}
