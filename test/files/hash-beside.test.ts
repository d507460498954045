import { createHash } from 'node:crypto';
import { once } from 'node:events';
import type { Worker } from 'node:worker_threads';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hashBeside, startThread } from '../../src/files/hash-beside.ts';
import { hashHere, type RunningHash } from '../../src/files/hash-here.ts';
import { type HashOrder, OWNER, ringIn, WORD } from '../../src/files/hash-ring.ts';

const MIB = 1024 * 1024;
const PATTERN = Uint8Array.from({ length: 99_991 }, (_, k) => (k * 7919) >> 5);
const bytesOf = (length: number): Uint8Array => Buffer.alloc(length, PATTERN);
const expected = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

interface Watched {
  readonly size: number;
  read(target: Uint8Array, position: number, length: number): void;
  /** How much was read of it in all, and up to where. */
  readonly done: { bytes: number; upTo: number };
}

function fileOf(bytes: Uint8Array): Watched {
  const done = { bytes: 0, upTo: 0 };
  return {
    size: bytes.length,
    done,
    read(target, position, length) {
      if (position + length > bytes.length) throw new Error('ended early');
      target.set(bytes.subarray(position, position + length));
      done.bytes += length;
      done.upTo = Math.max(done.upTo, position + length);
    },
  };
}

/** Reads all of it by steps, into a buffer that is used again as a reader's is; the SHA-256 of what was handed out. */
function readBySteps(hash: RunningHash, size: number, step: number, afterwards = (_: number): void => {}): string {
  const handed = createHash('sha256');
  const buffer = new Uint8Array(step);
  for (let at = 0; at < size; at += step) {
    const length = Math.min(step, size - at);
    hash.read(buffer, at, length);
    handed.update(buffer.subarray(0, length));
    buffer.fill(0);
    afterwards(at);
  }
  return handed.digest('hex');
}

/** For a millisecond, in which a thread may do something. */
function sleep(): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
}

/** What fits into the smallest ring. */
const RING = 8 * MIB;

describe.each([
  ['here', hashHere],
  ['in a thread of its own', hashBeside],
] as const)('SHA-256 %s', (_, hashOf) => {
  it('has constants that lie between weights read for themselves, and not the file passed over for them', () => {
    const bytes = bytesOf(40 * MIB);
    const file = fileOf(bytes);
    const hash = hashOf(file);
    const constant = new Uint8Array(1000);
    const places = Array.from({ length: 38 }, (_, k) => (k + 2) * MIB - 5000);
    for (const at of places) {
      hash.read(constant, at, constant.length);
      expect(Buffer.compare(constant, bytes.subarray(at, at + constant.length))).toBe(0);
    }
    expect(readBySteps(hash, file.size, 300_001)).toBe(expected(bytes));
    expect(hash.digest()).toBe(expected(bytes));
    // The first of them are no farther than what is read next.
    expect(file.done.bytes).toBeLessThan(file.size + places.length * constant.length + 3 * MIB);
    hash.close();
  });

  it('goes on where all that is read is small', () => {
    const file = fileOf(bytesOf(20 * MIB));
    const hash = hashOf(file);
    readBySteps(hash, file.size, 50_000);
    expect(file.done.bytes).toBe(file.size);
    expect(hash.digest()).toBe(expected(bytesOf(20 * MIB)));
    hash.close();
  });
});

describe('SHA-256 in a thread of its own', () => {
  it.each([0, 10, MIB / 2, MIB, MIB + 1, 9 * MIB + 5, 30 * MIB])('is that of %i bytes, read once', (length) => {
    const bytes = bytesOf(length);
    const file = fileOf(bytes);
    const hash = hashBeside(file);
    expect(readBySteps(hash, length, 777_777)).toBe(expected(bytes));
    expect(hash.digest()).toBe(expected(bytes));
    expect(hash.digest()).toBe(expected(bytes));
    expect(file.done.bytes).toBe(length);
    hash.close();
  });

  it('is that of the whole file, and what is asked for right, in whatever order it is read', () => {
    const size = 30 * MIB + 77;
    const bytes = bytesOf(size);
    const stretch = fc.tuple(fc.nat(size), fc.nat(3 * MIB), fc.nat(7));
    fc.assert(
      fc.property(fc.array(stretch, { maxLength: 12 }), (stretches) => {
        const file = fileOf(bytes);
        const hash = hashBeside(file);
        let asked = 0;
        for (const [position, most, offset] of stretches) {
          const length = Math.min(most, size - position);
          const target = new Uint8Array(length + offset).subarray(offset);
          hash.read(target, position, length);
          expect(Buffer.compare(target, bytes.subarray(position, position + length))).toBe(0);
          asked += length;
        }
        expect(hash.digest()).toBe(expected(bytes));
        expect(file.done.bytes).toBeLessThanOrEqual(size + asked);
        hash.close();
      }),
      // Each takes a thread: one that fails is not looked for a smaller one of.
      { numRuns: 15, endOnFailure: true },
    );
  });

  it('is of the very bytes that were handed out, whatever becomes of the file', () => {
    const bytes = bytesOf(30 * MIB);
    const hash = hashBeside(fileOf(bytes));
    const before = expected(bytes);
    const handed = readBySteps(hash, bytes.length, 300_001, () => {
      for (let k = 0; k < bytes.length; k += 4096) bytes[k]!++;
    });
    expect(handed).not.toBe(before);
    expect(hash.digest()).toBe(handed);
    hash.close();
  });

  it('has something to do ahead of whoever reads, and no more than the ring holds', () => {
    const file = fileOf(bytesOf(40 * MIB));
    const hash = hashBeside(file);
    expect(file.done.upTo).toBe(RING);
    // What was passed over is not waited for.
    for (let tries = 0; file.done.upTo < 4 * MIB + RING && tries < 5000; tries++) {
      hash.read(new Uint8Array(MIB / 8), 4 * MIB, MIB / 8);
      sleep();
    }
    expect(file.done.upTo).toBe(4 * MIB + RING);
    // What is looked at on the side has nothing before it dropped.
    for (let tries = 0; tries < 50; tries++) {
      hash.read(new Uint8Array(1), 11 * MIB, 1);
      sleep();
    }
    expect(file.done.upTo).toBe(4 * MIB + RING);
    readBySteps(hash, file.size, MIB, (at) =>
      expect(file.done.upTo).toBeLessThanOrEqual(Math.max(at + MIB, 4 * MIB) + RING),
    );
    hash.close();
  });

  it('refuses what lies behind the end of the file', () => {
    const hash = hashBeside(fileOf(bytesOf(MIB)));
    expect(() => hash.read(new Uint8Array(10), MIB - 5, 10)).toThrow('ended early');
    hash.close();
  });

  it.each([10, 3 * MIB, 20 * MIB])('is made here of %i bytes where no thread starts', (length) => {
    const bytes = bytesOf(length);
    const hash = hashBeside(fileOf(bytes), () => {});
    expect(readBySteps(hash, length, 777_777)).toBe(expected(bytes));
    expect(hash.digest()).toBe(expected(bytes));
  });

  it('is made here where no thread may start', () => {
    const bytes = bytesOf(20 * MIB);
    const hash = hashBeside(fileOf(bytes), () => {
      throw new Error('ERR_WORKER_INIT_FAILED');
    });
    expect(readBySteps(hash, bytes.length, 777_777)).toBe(expected(bytes));
    expect(hash.digest()).toBe(expected(bytes));
  });

  it('is not waited for without end where its thread dies', () => {
    const dies = (order: HashOrder): void => void Atomics.store(ringIn(order).words, WORD.owner, OWNER.thread);
    const hash = hashBeside(fileOf(bytesOf(20 * MIB)), dies, 10);
    expect(() => readBySteps(hash, 20 * MIB, MIB)).toThrow('has stopped');
  });

  it('is not waited for once it was closed', () => {
    const hash = hashBeside(fileOf(bytesOf(20 * MIB)));
    hash.close();
    expect(() => hash.digest()).toThrow('after it was closed');
  });

  it('lets go of its thread where nobody asks for the digest', async () => {
    const { hash, ended } = watched(20 * MIB);
    readBySteps(hash, 10 * MIB, MIB);
    hash.close();
    expect(await ended()).toEqual([0]);
  });

  it('lets go of its thread where the file has become shorter before anything is asked for', async () => {
    const threads: Worker[] = [];
    const file = { ...fileOf(bytesOf(3 * MIB)), size: 5 * MIB };
    expect(() => hashBeside(file, (order) => threads.push(startThread(order)))).toThrow('ended early');
    expect(await once(threads[0]!, 'exit')).toEqual([0]);
  });

  it('lets go of its thread once all is read', async () => {
    const { hash, ended } = watched(12 * MIB);
    readBySteps(hash, 12 * MIB, MIB);
    expect(await ended()).toEqual([0]);
    expect(hash.digest()).toBe(expected(bytesOf(12 * MIB)));
  });
});

function watched(size: number): { readonly hash: RunningHash; ended(): Promise<unknown> } {
  const threads: Worker[] = [];
  const hash = hashBeside(fileOf(bytesOf(size)), (order) => threads.push(startThread(order)));
  return { hash, ended: () => once(threads[0]!, 'exit') };
}
