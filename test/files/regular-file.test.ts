import { createHash } from 'node:crypto';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import type { ByteSource } from '../../src/bytes/index.ts';
import { openRegularFile } from '../../src/files/regular-file.ts';
import { runningHash } from '../../src/files/running-hash.ts';

const SIZE = 3000;
const content = Uint8Array.from({ length: SIZE }, (_, k) => (k * 167) % 251);
/** @param onByte hears of every byte that is read */
const memory = (onByte: (k: number) => void): Pick<ByteSource, 'size' | 'read'> => ({
  size: SIZE,
  read(target, position, length) {
    target.set(content.subarray(position, position + length));
    for (let k = position; k < position + length; k++) onByte(k);
  },
});
const wanted = createHash('sha256').update(content).digest('hex');

describe('a file that is hashed while it is read', () => {
  const stretch = fc
    .tuple(fc.nat(SIZE), fc.nat(SIZE))
    .map(([a, b]) => ({ position: Math.min(a, b), length: Math.abs(a - b) }));

  it('has the hash of all its bytes, in whatever order they are read, and has each read for it once at most', () => {
    fc.assert(
      fc.property(fc.array(stretch), (stretches) => {
        const times = new Int32Array(SIZE);
        const hash = runningHash(
          memory((k) => times[k]!++),
          0,
        );
        for (const { position, length } of stretches) {
          const target = new Uint8Array(length);
          hash.read(target, position, length);
          expect(Buffer.compare(target, content.subarray(position, position + length))).toBe(0);
          for (let k = position; k < position + length; k++) times[k]!--;
        }
        expect(hash.digest()).toBe(wanted);
        expect(hash.digest()).toBe(wanted);
        expect(Math.max(...times)).toBeLessThanOrEqual(1);
      }),
    );
  });

  it('needs nothing read for it alone where its bytes are read in their order', () => {
    let bytes = 0;
    const hash = runningHash(
      memory(() => bytes++),
      0,
    );
    for (let at = 0; at < SIZE; at += 100) hash.read(new Uint8Array(100), at, 100);
    expect(hash.digest()).toBe(wanted);
    expect(bytes).toBe(SIZE);
  });

  it('has no memory of a thread taken for it where its tensors are small, however large it is', () => {
    const read = vi.fn();
    runningHash({ size: 1e9, read }, 16e6).close();
    // The ring of a thread is filled ahead.
    expect(read).not.toHaveBeenCalled();
  });

  it('has the hash of what was read, not of what lies there later', () => {
    const path = join(mkdtempSync(join(tmpdir(), 'prunegate-hash-')), 'model.onnx');
    writeFileSync(path, content);
    const file = openRegularFile(path);
    file.hashWhileRead(0);
    file.read(new Uint8Array(SIZE), 0, SIZE);
    writeFileSync(path, content.toReversed());
    expect(file.sha256()).toBe(wanted);
    expect(() => file.requireUnchanged()).toThrow('was changed while it was checked');
    file.close();
  });
});

describe('a file of which small parts are read', () => {
  const size = 200_000;
  const bytes = Uint8Array.from({ length: size }, (_, k) => (k * 7919) >> 3);
  const path = join(mkdtempSync(join(tmpdir(), 'prunegate-file-')), 'model.onnx');
  writeFileSync(path, bytes);
  /** A step onward from where the last part ended, or a jump to anywhere, and how much is read there. */
  const part = fc.record({
    jump: fc.option(fc.nat(size), { freq: 4 }),
    gap: fc.nat(6000),
    length: fc.oneof(fc.nat(300), fc.nat(6000)),
  });

  it('hands out what lies there, whatever was read before', () => {
    fc.assert(
      fc.property(fc.array(part, { maxLength: 60 }), (parts) => {
        const file = openRegularFile(path);
        let at = 0;
        for (const { jump, gap, length } of parts) {
          const position = Math.min(jump ?? at + gap, size);
          const target = new Uint8Array(Math.min(length, size - position));
          file.read(target, position, target.length);
          expect(Buffer.compare(target, bytes.subarray(position, position + target.length))).toBe(0);
          at = position + target.length;
        }
        file.close();
      }),
    );
  });

  it('refuses what lies behind its end, and nothing before it', () => {
    const file = openRegularFile(path);
    const target = new Uint8Array(100);
    file.read(target, size - 300, 100);
    file.read(target, size - 200, 100);
    expect(() => file.read(target, size - 50, 100)).toThrow('ended early');
    file.read(target, size - 100, 100);
    expect(Buffer.compare(target, bytes.subarray(size - 100))).toBe(0);
    file.close();
  });

  it('refuses all once it is closed, what was read with something else as well', () => {
    const file = openRegularFile(path);
    const target = new Uint8Array(100);
    for (const position of [0, 100, 200]) file.read(target, position, 100);
    file.close();
    expect(() => file.read(target, 300, 100)).toThrow('after it was closed');
  });
});
