import { workerData } from 'node:worker_threads';
import { EMPTIED, END, FILLED, GIVEN_UP, HASHED, NOBODY, OWNER, ringIn, STATE, THREAD, tell } from './hash-ring.ts';
import { sha256 } from './sha256.ts';

/** The program of the thread that hashes what another one reads. It ends with the digest, or as soon as nobody wants it any more. */
function hashRing(memory: SharedArrayBuffer): void {
  const { words, lengths, digest, pieces } = ringIn(memory);
  const hash = sha256();
  if (Atomics.compareExchange(words, OWNER, NOBODY, THREAD) !== NOBODY) return;
  for (let emptied = 0; ; tell(words, EMPTIED, ++emptied)) {
    while (Atomics.load(words, FILLED) === emptied) Atomics.wait(words, FILLED, emptied);
    if (Atomics.load(words, STATE) === GIVEN_UP) return;
    const k = emptied % pieces.length;
    const length = lengths[k]!;
    if (length === END) break;
    hash.update(pieces[k]!.subarray(0, length));
  }
  digest.set(hash.digest());
  tell(words, STATE, HASHED);
}

hashRing(workerData as SharedArrayBuffer);
