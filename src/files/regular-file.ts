import { type BigIntStats, closeSync, constants, fstatSync, openSync, readSync, statSync } from 'node:fs';
import type { ByteSource, Refuse } from '../bytes/index.ts';
import { InputError } from '../errors/input-error.ts';
import type { RunningHash } from './hash-here.ts';
import { runningHash } from './running-hash.ts';

/** A regular file opened for reading. */
export interface RegularFile extends ByteSource {
  /** Device, inode and link count when it was opened, exact. */
  readonly stats: BigIntStats;
  /**
   * Has what is read from now on hashed on the way, so that `sha256` is that of the very bytes that were used, and few are read for it alone.
   * @param largest bytes of the largest tensor in it
   */
  hashWhileRead(largest: number): void;
  sha256(): string;
  /** @throws InputError where it was written to, or another file took its place, since it was opened */
  requireUnchanged(): void;
  /** Closes the file; nothing may be read after it. */
  close(): void;
}

/** Node refuses a read of 2^31 bytes or more, so large tensors are read in pieces. */
const MAX_READ_BYTES = 1024 * 1024 * 1024;

/** What the codes of failed calls mean, each as what would follow `the file FILE`. */
const CAUSES: Readonly<Record<string, string>> = {
  ENOENT: 'does not exist',
  ENOTDIR: 'does not exist: a part of its path is not a directory',
  EACCES: 'may not be read: permission denied',
  EPERM: 'may not be read: operation not permitted',
  EISDIR: 'is a directory, not a file',
  ELOOP: 'is a symbolic link that may not be followed',
  ENAMETOOLONG: 'has a path that is too long',
  ENXIO: 'is not a regular file',
  ERR_INVALID_ARG_VALUE: 'has a NUL character in its path',
  EMFILE: 'cannot be opened: too many open files',
};

/** What a failed file system call means to the user; anything else is a bug and returned as it is. */
export function fileError(error: unknown, refuse: Refuse): unknown {
  const code = error instanceof Error && 'code' in error ? String(error.code) : null;
  return code === null ? error : refuse(CAUSES[code] ?? `cannot be read (${code})`);
}

/**
 * Opens a regular file. O_NONBLOCK keeps a FIFO from hanging the open; what is not a regular file is refused after it.
 *
 * @param flags further open flags, such as O_NOFOLLOW.
 * @throws InputError for a missing or unreadable file, a directory, FIFO or device.
 */
export function openRegularFile(path: string, flags = 0, refuse: Refuse = refusing(path)): RegularFile {
  let descriptor: number;
  try {
    // Windows has neither flag, whatever the types say.
    descriptor = openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0) | flags);
  } catch (error) {
    throw fileError(error, refuse);
  }
  try {
    const stats = fstatSync(descriptor, { bigint: true });
    if (stats.isDirectory()) throw refuse('is a directory, not a file');
    if (!stats.isFile()) throw refuse('is not a regular file');
    return opened(path, descriptor, stats);
  } catch (error) {
    closeSync(descriptor);
    throw error;
  }
}

function opened(path: string, descriptor: number, stats: BigIntStats): RegularFile {
  let isOpen = true;
  const size = Number(stats.size);
  const readOnly = (target: Uint8Array, position: number, length: number): void => {
    // A closed descriptor's number may already be another file's.
    if (!isOpen) throw new Error(`${path} is read after it was closed`);
    readFully(path, descriptor, target, position, length);
  };
  const bytes = { size, read: readOnly };
  let hash: RunningHash | null = null;
  const hashing = (largest = 0): RunningHash => {
    hash ??= runningHash(bytes, largest);
    return hash;
  };
  let readPart = inBlocks(bytes);
  return {
    name: path,
    size,
    stats,
    read: (target, position, length) => readPart(target, position, length),
    hashWhileRead(largest) {
      readPart = hashing(largest).read;
    },
    sha256: () => hashing().digest(),
    requireUnchanged() {
      const atPath = statSync(path, { bigint: true, throwIfNoEntry: false });
      if (isSame(stats, fstatSync(descriptor, { bigint: true })) && atPath !== undefined && isSame(stats, atPath))
        return;
      throw changedMeanwhile(path);
    },
    close() {
      if (!isOpen) return;
      isOpen = false;
      readPart = readOnly;
      hash?.close();
      closeSync(descriptor);
    },
  };
}

/** Copying so much takes less than a call of the kernel. */
const SMALL_BYTES = 4 * 1024;
const BLOCK_BYTES = 16 * 1024;

/**
 * Small tensors lie side by side, BatchNorm's vectors and a long chain's kernels: where one follows another closely, what comes next is read with it.
 * A call of the kernel takes 4 microseconds.
 */
function inBlocks({ size, read }: Pick<ByteSource, 'size' | 'read'>): ByteSource['read'] {
  const block = Buffer.allocUnsafeSlow(Math.min(BLOCK_BYTES, size));
  let [start, end, last] = [0, 0, 0];
  return (target, position, length) => {
    const isNext = length <= SMALL_BYTES && position >= last && position - last < SMALL_BYTES;
    last = position + length;
    if (!isNext || last > size) return read(target, position, length);
    if (position < start || last > end) {
      end = start;
      const count = Math.min(block.length, size - position);
      read(block, position, count);
      [start, end] = [position, position + count];
    }
    target.set(block.subarray(position - start, position - start + length));
  };
}

/** Whether a file is the same and was not written to: its times of change cannot be set back, while those of its content can. */
export function isSame(before: BigIntStats, now: BigIntStats): boolean {
  return (['dev', 'ino', 'size', 'mtimeNs', 'ctimeNs'] as const).every((key) => before[key] === now[key]);
}

export function changedMeanwhile(file: string): InputError {
  return new InputError('was changed while it was checked; write it once, then check it', { file });
}

function refusing(file: string): Refuse {
  return (problem) => new InputError(problem, { file });
}

/**
 * Reads bytes [position, position + length) into target[0, length). Loops, because one read may return less than asked and
 * may not ask for 2^31 bytes or more.
 *
 * @throws InputError where the file has become shorter than it was when it was opened.
 */
function readFully(path: string, descriptor: number, target: Uint8Array, position: number, length: number): void {
  for (let done = 0; done < length; ) {
    let count: number;
    try {
      count = readSync(descriptor, target, done, Math.min(length - done, MAX_READ_BYTES), position + done);
    } catch (error) {
      throw fileError(error, refusing(path));
    }
    if (count === 0) {
      throw new InputError('ended early: it was changed while it was read; write it once, then check it', {
        file: path,
      });
    }
    done += count;
  }
}
