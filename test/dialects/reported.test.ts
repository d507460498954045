import { zipSync } from 'fflate';
import { describe, expect, it } from 'vitest';
import { readReported } from '../../src/dialects/index.ts';
import { readTaoLog } from '../../src/dialects/tao/log.ts';
import { refusal } from '../onnx/support.ts';
import { npy } from '../tensor-files/npy.ts';

const AT = { file: null, line: null, key: '--reported' };
const read = (text: string) => readReported({ name: 'r.json', bytes: Buffer.from(text) }, AT, readTaoLog);

describe('reported indices', () => {
  it('are read from JSON, whatever its keys hold', () => {
    const key = 'a"]: {[';
    expect([...read(JSON.stringify({ [key]: [2, 1], b: [] })).named]).toEqual([
      [key, [1, 2]],
      ['b', []],
    ]);
  });

  it('are read from a log that begins with a printed array', () => {
    expect(read('[3 1]\n').rows).toEqual([[1, 3]]);
  });

  it('are named by the word before them, of a line that begins with anything', () => {
    const named = (text: string) => [...read(text).named.keys()];
    expect(named('12:30:01 kept filters of block/conv1 = [1 2]\n')).toEqual(['block/conv1']);
    expect(named(`${'#'.repeat(1000)} conv1 : [1]\nconv2:[2]`)).toEqual(['conv1', 'conv2']);
    expect(named('progress 1/9\rprogress 2/9\rconv3: [4]\r\n')).toEqual(['conv3']);
  });

  it.each([
    ['a mapping nested beyond all sense', `{"a": ${'['.repeat(100_000)}`, 'r.json: is nested deeper than 16 levels'],
    ['a list nested beyond all sense', '['.repeat(100_000), 'r.json: is nested deeper than 16 levels'],
    ['more lists than any model has', `{"a": [${'[],'.repeat(200_001)}`, 'holds more than 200000 lists and mappings'],
    ['a layer twice', '{"a": [1], "\\u0061": [1]}', 'r.json: names a layer twice'],
    ['a list that is none', '{"a": [1.5]}', 'r.json:1: a: must be a list of filter indices (found [1.5])'],
    ['half of itself', '{"a": [1', 'r.json: is not JSON: '],
  ])('are refused with %s', (_, text, problem) => expect(refusal(() => read(text))).toContain(problem));
});

describe('reported masks', () => {
  const masks = (arrays: Readonly<Record<string, Uint8Array>> | Uint8Array) => {
    const bytes = arrays instanceof Uint8Array ? arrays : zipSync({ ...arrays });
    return [...readReported({ name: 'm.npz', bytes }, AT, readTaoLog).named];
  };
  /** Four filters of 2 x 1 x 1, of which the second is masked whole and the third in part. */
  const kernel = npy('<f4', '(4, 2, 1, 1)', Float32Array.of(1, 1, 0, 0, 0, 1, 1, 1));

  it('keep a filter that holds a 1, whatever their arrays are called', () => {
    const bools = npy('|b1', '(3,)', Uint8Array.of(1, 0, 1));
    expect(masks({ 'a.npy': kernel, 'b.npy': bools })).toEqual([
      ['a', [0, 2, 3]],
      ['b', [0, 2]],
    ]);
    expect(masks({ 'a.weight_mask.npy': kernel, 'b.weight.npy': kernel, 'b.bias.npy': bools })).toEqual([
      ['a', [0, 2, 3]],
      ['b', [0, 2, 3]],
    ]);
    expect(masks({ 'a.npy': npy('|b1', '(2,)', Uint8Array.of(0, 0)) })).toEqual([['a', []]]);
  });

  it.each([
    [
      'numbers that may be indices',
      { 'a.npy': npy('<i8', '(2,)', BigInt64Array.of(0n, 1n)) },
      'a: is no mask: give one',
    ],
    ['weights', { 'a.npy': npy('<f4', '(2, 1)', Float32Array.of(1, 0.5)) }, 'other numbers than 0 and 1'],
    ['NaN', { 'a.npy': npy('<f4', '(2, 1)', Float32Array.of(1, Number.NaN)) }, 'other numbers than 0 and 1'],
    ['two of one layer', { 'a.npy': kernel, 'a.weight.npy': kernel }, 'a.weight: is a second mask of its layer'],
    ['an array without a name', kernel, 'm.npz: is one array without a name'],
    ['a pickle', { 'a.npy': npy('|O', '(1,)', Uint8Array.of(0x80)) }, 'a: holds a pickle, which is never read'],
    [
      'what torch.save writes',
      { 'masks/data.pkl': Uint8Array.of(0x80, 2) },
      'holds no arrays: save them with numpy.savez',
    ],
    [
      'a file that was cut off',
      new Uint8Array(16 * 1024 * 1024).fill(1).map((_, k) => kernel[k] ?? 0),
      'a bool for each filter',
    ],
  ])('are refused with %s', (_, arrays, problem) => expect(refusal(() => masks(arrays))).toContain(problem));
});
