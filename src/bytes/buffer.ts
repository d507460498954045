import { InputError } from '../errors/input-error.ts';

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

/** Enough for every typed array and for a vector. */
const ALIGNMENT = 16;

/** So many bytes, and those up to where what follows them may lie. */
export function aligned(bytes: number): number {
  return Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
}

/**
 * A buffer of `bytes` bytes that need not grow. Pages that are not written to take no memory.
 * @param behind bytes of room that its memory has behind it
 */
export function reusableBuffer(bytes: number, behind = 0): ReusableBuffer {
  if (bytes > MAX_MEMORY_BYTES) return { bytes: new Uint8Array(bytes), memory: null };
  const room = Math.min(bytes + behind, MAX_MEMORY_BYTES);
  const memory = new WebAssembly.Memory({ initial: Math.ceil(room / PAGE_BYTES) + 1 });
  return { bytes: new Uint8Array(memory.buffer, 0, bytes), memory };
}

/** Where a view of memory lies in it. */
type Stretch = Pick<ArrayBufferView, 'byteOffset' | 'byteLength'>;

/** The room behind `used` in the memory that it lies in, as a buffer of its own; null where there is less than `bytes`. */
export function bufferBehind(used: Stretch, memory: WebAssembly.Memory, bytes: number): ReusableBuffer | null {
  const start = aligned(used.byteOffset + used.byteLength);
  if (start + bytes > memory.buffer.byteLength) return null;
  return { bytes: new Uint8Array(memory.buffer, start), memory };
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
