import { type BigIntStats, closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { InputError } from '../config/errors.ts';
import { HASH_CHUNK_BYTES, MAX_READ_BYTES } from './limits.ts';

/** A regular file opened for reading. */
export interface RegularFile {
  /** As the user wrote it, for messages. */
  readonly path: string;
  readonly descriptor: number;
  /** Bytes when it was opened. */
  readonly size: number;
  /** Device, inode and link count, exact. */
  readonly stats: BigIntStats;
}

const CAUSES: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  ENOTDIR: 'there is no such file: a part of its path is not a directory',
  EACCES: 'may not be read: permission denied',
  EPERM: 'may not be read: operation not permitted',
  EISDIR: 'is a directory: name the .onnx file',
  ELOOP: 'is a symbolic link that may not be followed',
  ENAMETOOLONG: 'the path is too long',
  ENXIO: 'is not a regular file: name the .onnx file',
  ERR_INVALID_ARG_VALUE: 'the path holds a NUL character',
  EMFILE: 'cannot be opened: too many open files',
};

/** Makes the error for one file or tensor from the rest of a sentence about it. */
export type Refuse = (problem: string) => InputError;

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
    if (stats.isDirectory()) throw refuse('is a directory: name the .onnx file');
    if (!stats.isFile()) throw refuse('is not a regular file: name the .onnx file');
    return { path, descriptor, size: Number(stats.size), stats };
  } catch (error) {
    closeSync(descriptor);
    throw error;
  }
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
export function readFully(file: RegularFile, target: Uint8Array, position: number, length: number): void {
  for (let done = 0; done < length; ) {
    let count: number;
    try {
      count = readSync(file.descriptor, target, done, Math.min(length - done, MAX_READ_BYTES), position + done);
    } catch (error) {
      throw fileError(error, refusing(file.path));
    }
    if (count === 0) {
      throw new InputError('ended early: it was changed while it was read; write it once, then check it', {
        file: file.path,
      });
    }
    done += count;
  }
}

/**
 * A zeroed buffer for a tensor's bytes, on an offset that every typed array accepts.
 *
 * @throws InputError where this process cannot hold so many bytes.
 */
export function allocate(bytes: number, file: string, key: string): Uint8Array {
  try {
    return new Uint8Array(bytes);
  } catch {
    throw new InputError(`its ${bytes} bytes do not fit in memory`, { file, key });
  }
}

/** A buffer that successive reads share, so that walking a large model does not wait for the garbage collector. */
export interface ReusableBuffer {
  bytes: Uint8Array;
  /** Where `bytes` lies at the start of, with room behind it, so that WebAssembly works on a tensor where it was read; null where it lies elsewhere. */
  memory: WebAssembly.Memory | null;
}

const PAGE_BYTES = 65_536;
/** A WebAssembly memory of more than 65,536 pages does not exist; larger tensors are read into an ordinary buffer. */
const MAX_MEMORY_BYTES = 2 ** 31;

/** A buffer of `bytes` bytes that need not grow. Pages that are not written to take no memory. */
export function reusableBuffer(bytes: number): ReusableBuffer {
  if (bytes > MAX_MEMORY_BYTES) return { bytes: new Uint8Array(bytes), memory: null };
  const memory = new WebAssembly.Memory({ initial: Math.ceil(bytes / PAGE_BYTES) + 1 });
  return { bytes: new Uint8Array(memory.buffer, 0, bytes), memory };
}

/** The first `bytes` bytes of a shared buffer, grown where needed; a new buffer where none is shared. */
export function bufferFor(bytes: number, file: string, key: string, reuse: ReusableBuffer | undefined): Uint8Array {
  if (reuse === undefined) return allocate(bytes, file, key);
  if (reuse.bytes.length < bytes) {
    reuse.bytes = allocate(bytes, file, key);
    reuse.memory = null;
  }
  return reuse.bytes.subarray(0, bytes);
}

/** SHA-256 of the whole file, in lowercase hex, with one small buffer whatever the file's size. */
export function sha256Of(file: RegularFile): string {
  // Loading crypto takes 2 ms, and a check that is only printed hashes nothing.
  const { createHash } = process.getBuiltinModule('node:crypto');
  const hash = createHash('sha256');
  const chunk = new Uint8Array(Math.min(HASH_CHUNK_BYTES, Math.max(file.size, 1)));
  for (let position = 0; position < file.size; position += chunk.length) {
    const length = Math.min(chunk.length, file.size - position);
    readFully(file, chunk, position, length);
    hash.update(length === chunk.length ? chunk : chunk.subarray(0, length));
  }
  return hash.digest('hex');
}
