import { availableParallelism } from 'node:os';
import type { ByteSource } from '../bytes/index.ts';
import { hashBeside } from './hash-beside.ts';
import { hashHere, type RunningHash } from './hash-here.ts';

/** One file at a time, until it is closed: the dense model is read first and is the larger one, and two of them would wait for each other's core on small machines. */
let isThreadTaken = false;

/** Of fewer bytes hashing is no wait that is worth the 30 MB that a thread and its ring take. */
const SMALL_BYTES = 128 * 1024 * 1024;

/** Where a large file is hashed by a thread of its own; a small one, and a second one, is hashed here. */
export function runningHash(file: Pick<ByteSource, 'size' | 'read'>): RunningHash {
  if (file.size <= SMALL_BYTES || isThreadTaken || !isCoreLeft()) return hashHere(file);
  isThreadTaken = true;
  const hash = hashBeside(file);
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
