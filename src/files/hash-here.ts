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

/**
 * SHA-256 takes bytes in their order. Those that are read in the file's order, as weights mostly are, are hashed where they lie; what was passed over
 * is read before them, once; what is read again is hashed already. So no order of reading has more read than one pass over the file.
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
      if (end <= upTo) return;
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
