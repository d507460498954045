import { describe, expect, it } from 'vitest';
import { readReported } from '../../src/dialects/index.ts';
import { readTaoLog } from '../../src/dialects/tao/log.ts';
import { refusal } from '../onnx/support.ts';

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
