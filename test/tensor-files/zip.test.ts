import { deflateSync, zipSync } from 'fflate';
import { describe, expect, it } from 'vitest';
import { unzip } from '../../src/tensor-files/zip.ts';
import { refusal } from '../onnx/support.ts';

const LIMIT = 4096;
const open = (bytes: Uint8Array): Map<string, Uint8Array> => unzip({ name: 'x.npz', bytes }, '.npy', LIMIT);
const content = Buffer.from('some elements, '.repeat(20));
const archive = (): Buffer => Buffer.from(zipSync({ 'a.npy': content }));

/** Where the archive's only entry of the directory begins. */
const entryOf = (bytes: Buffer): number => bytes.indexOf('PK\x01\x02', 0, 'latin1');

it('files come out as they went in, with a comment behind the directory too', () => {
  const bytes = archive();
  bytes.writeUInt16LE(3, bytes.length - 2);
  expect([...open(Buffer.concat([bytes, Buffer.from('abc')]))]).toEqual([['a.npy', new Uint8Array(content)]]);
});

describe('an archive is refused', () => {
  const changed = (change: (bytes: Buffer, entry: number) => void): Buffer => {
    const bytes = archive();
    change(bytes, entryOf(bytes));
    return bytes;
  };

  it.each<[string, Uint8Array, string]>([
    ['that is cut off', archive().subarray(0, 40), 'is not a readable archive: it is cut off'],
    ['that is encrypted', changed((b, at) => b.writeUInt16LE(1, at + 8)), 'it is encrypted'],
    ['in another compression', changed((b, at) => b.writeUInt16LE(12, at + 10)), 'method 12'],
    ['with more in it than it says', changed((b, at) => b.writeUInt32LE(10, at + 24)), 'the 10 bytes that it claims'],
    ['with less in it than it says', changed((b, at) => b.writeUInt32LE(900, at + 24)), '900 bytes that it claims'],
    ['with bytes that do not inflate', changed((b) => b.fill(0xff, 40, 50)), 'a.npy is damaged'],
    ['whose file lies elsewhere', changed((b, at) => b.writeUInt32LE(7, at + 42)), 'is not where it should be'],
    ['whose file is cut off', changed((b, at) => b.writeUInt32LE(2 ** 30, at + 20)), 'a.npy is cut off'],
    ['whose directory lies elsewhere', changed((b) => b.writeUInt32LE(3, b.length - 6)), 'its directory is damaged'],
    ['with more entries than there are', changed((b) => b.writeUInt16LE(9, b.length - 12)), 'its directory is damaged'],
  ])('%s', (_, bytes, problem) => {
    expect(refusal(() => open(bytes))).toContain(problem);
  });

  it('with a name twice', () => {
    const bytes = Buffer.from(zipSync({ 'a.npy': content, 'b.npy': content }));
    bytes[bytes.lastIndexOf('b.npy')] = 'a'.charCodeAt(0);
    expect(refusal(() => open(bytes))).toContain('it holds a.npy twice');
  });

  it('that claims more than the limit, before anything of it is unpacked', () => {
    const bytes = changed((b, at) => b.writeUInt32LE(2 ** 31, at + 24));
    expect(refusal(() => open(bytes))).toContain('holds 2147483648 bytes, more than the 4096 that are read');
  });

  it('that unpacks to a thousand times what it claims, having read little of it', () => {
    const bomb = deflateSync(new Uint8Array(64 * 1024 * 1024), { level: 9 });
    const bytes = Buffer.from(zipSync({ 'a.npy': [bomb, { level: 0 }] }));
    const entry = entryOf(bytes);
    bytes.writeUInt16LE(8, entry + 10);
    bytes.writeUInt32LE(LIMIT, entry + 24);
    // What is behind the first pieces is never looked at, or the damage there would be reported.
    bytes.fill(0xff, 40_000, entry);
    const before = process.memoryUsage().arrayBuffers;
    expect(refusal(() => open(bytes))).toContain('does not have the 4096 bytes that it claims');
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(64 * 1024 * 1024);
  });
});
