import { availableParallelism } from 'node:os';
import type { ByteSource } from '../bytes/index.ts';
import { hashBeside, hashHere } from './hash-beside.ts';

/** SHA-256 of a file that grows with what is read of it. */
export interface RunningHash {
  /** Takes bytes [position, position + length) of the file, which lie at the start of `bytes`. */
  add(bytes: Uint8Array, position: number, length: number): void;
  /** Of the whole file, in lowercase hex. */
  digest(): string;
  /** Ends what hashes. */
  close(): void;
}

/** Piece in which is read what nobody asked for. */
const CHUNK_BYTES = 1024 * 1024;

/** What is left behind the last weights of a file is read with them: its thread ends there, and not with the check. */
const TAIL_BYTES = 64 * 1024;

/** One file at a time, until it is closed: the dense model is read first and is the larger one, and two of them would wait for each other's core on small machines. */
let isThreadTaken = false;

/** Of fewer bytes hashing is no wait that is worth the 20 MB that a thread takes. */
const SMALL_BYTES = 128 * 1024 * 1024;

/**
 * SHA-256 takes bytes in their order. Those that are read in the file's order, as weights mostly are, are hashed where they lie; what was passed over
 * is read before them, once; what is read again is hashed already. So no order of reading has more read than one pass over the file.
 */
export function runningHash({ size, read }: Pick<ByteSource, 'size' | 'read'>): RunningHash {
  const isBeside = size > SMALL_BYTES && isCoreLeft() && !isThreadTaken;
  const hash = isBeside ? hashBeside() : hashHere();
  if (isBeside) isThreadTaken = true;
  let upTo = 0;
  let isWhole = false;
  let chunk: Uint8Array | null = null;
  let digest: string | null = null;
  const fillUpTo = (end: number): void => {
    while (upTo < end) {
      chunk ??= new Uint8Array(Math.min(CHUNK_BYTES, size));
      const length = Math.min(chunk.length, end - upTo);
      read(chunk, upTo, length);
      hash.update(chunk.subarray(0, length));
      upTo += length;
    }
  };
  const finish = (): void => {
    if (isWhole) return;
    fillUpTo(size);
    hash.end();
    isWhole = true;
  };
  return {
    add(bytes, position, length) {
      const end = position + length;
      if (end <= upTo) return;
      fillUpTo(position);
      hash.update(bytes.subarray(upTo - position, length));
      upTo = end;
      if (isBeside && size - upTo <= TAIL_BYTES) finish();
    },
    digest() {
      finish();
      digest ??= hash.digest();
      return digest;
    },
    close() {
      hash.close();
      if (isBeside) isThreadTaken = false;
    },
  };
}

/** Whether a core is left beside this thread, and beside another that checks models and hashes as well where this is one of two. */
function isCoreLeft(): boolean {
  const { isMainThread } = process.getBuiltinModule('node:worker_threads');
  return availableParallelism() >= (isMainThread ? 2 : 4);
}
