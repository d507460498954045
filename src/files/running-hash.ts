import { availableParallelism } from 'node:os';
import type { ByteSource } from '../bytes/index.ts';
import { hashBeside } from './hash-beside.ts';
import { hashHere, type RunningHash } from './hash-here.ts';

/** One file at a time, until it is closed: the dense model is read first and is the larger one, and two of them would wait for each other's core on small machines. */
let isThreadTaken = false;

/** Of fewer bytes hashing is no wait that is worth a thread. */
const SMALL_BYTES = 128 * 1024 * 1024;

/**
 * A thread takes 10 MB under Node 20 and 20 under Node 24, and its ring 8 and more. What a check may take grows with its model's largest tensor, so that
 * there is room for them where this one is large. ViT-B/16 (346 MB; its largest has 9) took 148 MB with them under Node 24 and takes 128.
 */
const LARGE_TENSOR_BYTES = 32 * 1024 * 1024;

/**
 * Where a large file of large tensors is hashed by a thread of its own; any other, and a second one, is hashed here.
 * @param largest bytes of the largest tensor in it
 */
export function runningHash(file: Pick<ByteSource, 'size' | 'read'>, largest: number): RunningHash {
  const isSmall = file.size <= SMALL_BYTES || largest < LARGE_TENSOR_BYTES;
  if (isSmall || isThreadTaken || !isCoreLeft()) return hashHere(file);
  const hash = hashBeside(file);
  isThreadTaken = true;
  return {
    ...hash,
    close() {
      hash.close();
      isThreadTaken = false;
    },
  };
}

/** Whether a core is left beside this thread, and beside another that checks models and hashes as well where this is one of two. */
function isCoreLeft(): boolean {
  const { isMainThread } = process.getBuiltinModule('node:worker_threads');
  return availableParallelism() >= (isMainThread ? 2 : 4);
}
