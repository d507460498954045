import { zipSync } from 'fflate';
import { describe, expect, it } from 'vitest';
import { type NumpyArray, numpyArrays } from '../../src/tensor-files/index.ts';
import { npy } from './npy.ts';

const LIMIT = 1024;
const arraysOf = (bytes: Uint8Array): ReadonlyMap<string | null, NumpyArray> =>
  numpyArrays({ name: 'x.npy', bytes }, LIMIT);
const only = (bytes: Uint8Array): NumpyArray => arraysOf(bytes).get(null)!;

describe('numpy files', () => {
  it.each([1, 2])('of format version %i are read', (version) => {
    const values = Float32Array.of(1, -2.5, 3, 4, 5, 6);
    const arrays = arraysOf(npy('<f4', '(1, 2, 3)', values, 'False', version));
    expect([...arrays]).toEqual([[null, { type: 'float32', dims: [1, 2, 3], elements: values }]]);
  });

  it('give scalars, vectors and every type that models take', () => {
    expect(only(npy('<i8', '()', BigInt64Array.of(-7n)))).toEqual({
      type: 'int64',
      dims: [],
      elements: BigInt64Array.of(-7n),
    });
    expect(only(npy('|b1', '(2,)', Uint8Array.of(1, 0))).type).toBe('bool');
    expect(only(npy('<f2', '(1,)', Uint16Array.of(0x3c00))).type).toBe('float16');
  });

  it('of vectors may be in either order, which is the same', () => {
    expect([...only(npy('<f4', '(2,)', Float32Array.of(1, 2), 'True')).elements]).toEqual([1, 2]);
  });

  it('in archives are named, compressed or not, and other files in them are passed over', () => {
    const a = npy('<f4', '(2,)', Float32Array.of(1, 2));
    const archive = zipSync({ 'input_1.npy': a, 'b/c.npy': [a, { level: 0 }], 'readme.txt': Buffer.from('hi') });
    const arrays = arraysOf(archive);
    expect([...arrays.keys()]).toEqual(['input_1', 'b/c']);
    for (const { elements } of arrays.values()) expect([...elements]).toEqual([1, 2]);
  });

  const long = Buffer.from(npy('<f4', '(1,)', Float32Array.of(1)));
  long.writeUInt16LE(0xffff, 8);
  const bad: [string, Uint8Array, string][] = [
    ['something else', Buffer.from('an image of a cat'), 'is no .npy'],
    ['an empty file', Buffer.alloc(0), 'is no .npy'],
    ['Fortran order', npy('<f4', '(2, 1)', Float32Array.of(1, 2), 'True'), 'ascontiguousarray'],
    ['big-endian elements', npy('>f4', '(1,)', Float32Array.of(1)), 'type that models do not take (found ">f4")'],
    [
      'too few elements',
      npy('<f4', '(3,)', Float32Array.of(1, 2)),
      'should hold 12 bytes of elements by its header (found 8)',
    ],
    ['a shape of 2^60 elements', npy('<f4', '(1152921504606846976,)', Float32Array.of(1)), 'should hold'],
    ['a shape beyond all numbers', npy('<f4', `(0, ${'9'.repeat(400)})`, Float32Array.of()), 'should hold'],
    ['a header longer than the file', long, 'header that is cut off'],
    ['an archive without arrays', zipSync({ 'a.txt': Buffer.from('hi') }), 'holds no arrays'],
  ];
  it.each(bad)('with %s are refused by name', (_, bytes, problem) => {
    expect(() => arraysOf(bytes)).toThrow(problem);
    expect(() => arraysOf(bytes)).toThrow('x.npy');
  });
});
