import type { ByteSource } from '../bytes/index.ts';
import { sha256 } from './sha256.ts';

/** SHA-256 of a file that is made while it is read, of the very bytes that are handed out. */
export interface RunningHash {
  /** Reads bytes [position, position + length) of the file into target[0, length). */
  read(target: Uint8Array, position: number, length: number): void;
  /** Of the whole file, in lowercase hex. */
  digest(): string;
  /** Ends what hashes. */
  close(): void;
}

/** Piece in which is read what nobody asked for. */
const CHUNK_BYTES = 1024 * 1024;

const [SMALL_BYTES, FAR_BYTES] = [64 * 1024, 1024 * 1024];

/**
 * Whether something is looked at on the side, as constants are that lie between weights: something small, far ahead of what is read in the file's order.
 * To pass over all before it would have that read once more, and late. It is read for itself, and hashed when the file has been read up to there.
 * @param gap bytes between what was read last and where it begins
 */
export function isAside(gap: number, length: number): boolean {
  return length <= SMALL_BYTES && gap > FAR_BYTES;
}

/**
 * SHA-256 takes bytes in their order. Those that are read in the file's order, as weights mostly are, are hashed where they lie; what was passed over
 * is read before them, once; what is read again is hashed already. So no order of reading has more read for it than one pass over the file.
 */
export function hashHere({ size, read }: Pick<ByteSource, 'size' | 'read'>): RunningHash {
  const hash = sha256();
  let upTo = 0;
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
  return {
    read(target, position, length) {
      read(target, position, length);
      const end = position + length;
      if (end <= upTo || isAside(position - upTo, length)) return;
      fillUpTo(position);
      hash.update(target.subarray(upTo - position, length));
      upTo = end;
    },
    digest() {
      fillUpTo(size);
      digest ??= hash.digest('hex');
      return digest;
    },
    close() {},
  };
}
