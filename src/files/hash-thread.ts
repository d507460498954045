import { workerData } from 'node:worker_threads';
import { type HashOrder, OWNER, pieceIn, piecesOf, ringIn, STATE, tell, WORD } from './hash-ring.ts';
import { sha256 } from './sha256.ts';

/** The program of the thread that hashes what another one reads. It ends with the digest, or as soon as nobody wants it any more. */
function hashRing(order: HashOrder): void {
  const ring = ringIn(order);
  const { words, digest } = ring;
  const hash = sha256();
  if (Atomics.compareExchange(words, WORD.owner, OWNER.nobody, OWNER.thread) !== OWNER.nobody) return;
  for (let k = 0; k < piecesOf(order.size); tell(words, WORD.hashed, ++k)) {
    while (Atomics.load(words, WORD.read) === k) Atomics.wait(words, WORD.read, k);
    if (Atomics.load(words, WORD.state) === STATE.givenUp) return;
    hash.update(pieceIn(ring, order.size, k));
  }
  digest.set(hash.digest());
  tell(words, WORD.state, STATE.done);
}

hashRing(workerData as HashOrder);
