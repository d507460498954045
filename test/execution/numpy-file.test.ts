import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { zipSync } from 'fflate';
import { describe, expect, it } from 'vitest';
import { readArrays } from '../../src/execution/numpy-file.ts';

const work = mkdtempSync(join(tmpdir(), 'prunegate-numpy-'));
let written = 0;

/** The bytes of numpy.save. */
function npy(descr: string, shape: string, elements: ArrayBufferView, order = 'False', version = 1): Buffer {
  const header = `{'descr': '${descr}', 'fortran_order': ${order}, 'shape': ${shape}, }`;
  const length = version === 1 ? 2 : 4;
  const padded = `${header.padEnd(Math.ceil((header.length + 9 + length) / 64) * 64 - 9 - length)}\n`;
  const size = Buffer.alloc(length);
  size.writeUIntLE(padded.length, 0, length);
  const data = Buffer.from(elements.buffer, elements.byteOffset, elements.byteLength);
  return Buffer.concat([
    Buffer.from([0x93]),
    Buffer.from('NUMPY'),
    Buffer.from([version, 0]),
    size,
    Buffer.from(padded, 'latin1'),
    data,
  ]);
}

function save(bytes: Uint8Array): string {
  const path = join(work, `${written++}.npy`);
  writeFileSync(path, bytes);
  return path;
}

describe('numpy files', () => {
  it.each([1, 2])('of format version %i are read', (version) => {
    const values = Float32Array.of(1, -2.5, 3, 4, 5, 6);
    const arrays = readArrays(save(npy('<f4', '(1, 2, 3)', values, 'False', version)));
    expect([...arrays]).toEqual([[null, { type: 'float32', dims: [1, 2, 3], elements: values }]]);
  });

  it('give scalars, vectors and every type that models take', () => {
    expect(readArrays(save(npy('<i8', '()', BigInt64Array.of(-7n)))).get(null)).toEqual({
      type: 'int64',
      dims: [],
      elements: BigInt64Array.of(-7n),
    });
    expect(readArrays(save(npy('|b1', '(2,)', Uint8Array.of(1, 0)))).get(null)!.type).toBe('bool');
    expect(readArrays(save(npy('<f2', '(1,)', Uint16Array.of(0x3c00)))).get(null)!.type).toBe('float16');
  });

  it('in archives are named, compressed or not, and other files in them are passed over', () => {
    const a = npy('<f4', '(2,)', Float32Array.of(1, 2));
    const path = save(zipSync({ 'input_1.npy': a, 'b/c.npy': [a, { level: 0 }], 'readme.txt': Buffer.from('hi') }));
    expect([...readArrays(path).keys()]).toEqual(['input_1', 'b/c']);
  });

  const bad: [string, Uint8Array, RegExp][] = [
    ['something else', Buffer.from('an image of a cat'), /is no \.npy or \.npz file and no picture/],
    ['an empty file', Buffer.alloc(0), /is no \.npy/],
    ['Fortran order', npy('<f4', '(2, 1)', Float32Array.of(1, 2), 'True'), /ascontiguousarray/],
    ['big-endian elements', npy('>f4', '(1,)', Float32Array.of(1)), /type that models do not take \(found ">f4"\)/],
    [
      'too few elements',
      npy('<f4', '(3,)', Float32Array.of(1, 2)),
      /should hold 12 bytes of elements by its header \(found 8\)/,
    ],
    ['a shape of 2^60 elements', npy('<f4', '(1152921504606846976,)', Float32Array.of(1)), /should hold/],
    [
      'an archive that is cut off',
      zipSync({ 'a.npy': npy('<f4', '(1,)', Float32Array.of(1)) }).slice(0, 40),
      /is not a readable \.npz file/,
    ],
    ['an archive without arrays', zipSync({ 'a.txt': Buffer.from('hi') }), /holds no arrays/],
  ];
  it.each(bad)('with %s are refused by name', (_, bytes, problem) => {
    const path = save(bytes);
    expect(() => readArrays(path)).toThrow(problem);
    expect(() => readArrays(path)).toThrow(path);
  });

  it('that are not there are refused by name', () => {
    expect(() => readArrays(join(work, 'none.npy'))).toThrow(/none\.npy: cannot be read: ENOENT/);
  });
});
