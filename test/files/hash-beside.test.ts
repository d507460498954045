import { createHash } from 'node:crypto';
import { once } from 'node:events';
import type { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { type ByteHash, hashBeside, startThread } from '../../src/files/hash-beside.ts';
import { OWNER, ringIn, THREAD } from '../../src/files/hash-ring.ts';

const MIB = 1024 * 1024;
const PATTERN = Uint8Array.from({ length: 99_991 }, (_, k) => (k * 7919) >> 5);
const bytesOf = (length: number): Uint8Array => Buffer.alloc(length, PATTERN);
const expected = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** Adds by steps, in a buffer that is used again as a reader's is. */
function added(hash: ByteHash, bytes: Uint8Array, step: number): string {
  const buffer = new Uint8Array(step);
  for (let k = 0; k < bytes.length; k += step) {
    const part = bytes.subarray(k, k + step);
    buffer.set(part);
    hash.update(buffer.subarray(0, part.length));
    buffer.fill(0);
  }
  hash.end();
  return hash.digest();
}

describe('SHA-256 in a thread of its own', () => {
  it.each([0, 10, MIB / 2, MIB, MIB + 1, 9 * MIB + 5, 30 * MIB])('is that of %i bytes', (length) => {
    const bytes = bytesOf(length);
    const hash = hashBeside();
    expect(added(hash, bytes, 777_777)).toBe(expected(bytes));
    hash.close();
  });

  it('is that of pieces that fit exactly', () => {
    const bytes = bytesOf(8 * MIB);
    expect(added(hashBeside(), bytes, MIB / 4)).toBe(expected(bytes));
  });

  it.each([10, 3 * MIB, 20 * MIB])('is made here of %i bytes where no thread starts', (length) => {
    const bytes = bytesOf(length);
    expect(
      added(
        hashBeside(() => {}),
        bytes,
        777_777,
      ),
    ).toBe(expected(bytes));
  });

  it('is not waited for without end where its thread dies', () => {
    const dies = (memory: SharedArrayBuffer): void => void Atomics.store(ringIn(memory).words, OWNER, THREAD);
    const hash = hashBeside(dies, 10);
    expect(() => added(hash, bytesOf(20 * MIB), MIB)).toThrow('has stopped');
  });

  it('lets go of its thread where nobody asks for the digest', async () => {
    const { hash, ended } = watched();
    hash.update(bytesOf(20 * MIB));
    hash.close();
    expect(await ended()).toEqual([0]);
  });

  it('lets go of its thread once all is added', async () => {
    const { hash, ended } = watched();
    hash.update(bytesOf(2 * MIB));
    hash.end();
    expect(await ended()).toEqual([0]);
    expect(hash.digest()).toBe(expected(bytesOf(2 * MIB)));
  });
});

function watched(): { readonly hash: ByteHash; ended(): Promise<unknown> } {
  const threads: Worker[] = [];
  return { hash: hashBeside((memory) => threads.push(startThread(memory))), ended: () => once(threads[0]!, 'exit') };
}
