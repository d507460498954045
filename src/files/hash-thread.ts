import { workerData } from 'node:worker_threads';
import {
  DONE,
  GIVEN_UP,
  HASHED,
  type HashOrder,
  NOBODY,
  OWNER,
  pieceIn,
  piecesOf,
  READ,
  ringIn,
  STATE,
  THREAD,
  tell,
} from './hash-ring.ts';
import { sha256 } from './sha256.ts';

/** The program of the thread that hashes what another one reads. It ends with the digest, or as soon as nobody wants it any more. */
function hashRing(order: HashOrder): void {
  const ring = ringIn(order);
  const { words, digest } = ring;
  const hash = sha256();
  if (Atomics.compareExchange(words, OWNER, NOBODY, THREAD) !== NOBODY) return;
  for (let k = 0; k < piecesOf(order.size); tell(words, HASHED, ++k)) {
    while (Atomics.load(words, READ) === k) Atomics.wait(words, READ, k);
    if (Atomics.load(words, STATE) === GIVEN_UP) return;
    hash.update(pieceIn(ring, order.size, k));
  }
  digest.set(hash.digest());
  tell(words, STATE, DONE);
}

hashRing(workerData as HashOrder);
