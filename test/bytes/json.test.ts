import { describe, expect, it } from 'vitest';
import { measureJson } from '../../src/bytes/index.ts';
import { InputError } from '../../src/errors/input-error.ts';
import { refusal } from '../onnx/support.ts';

const LIMITS = { depth: 3, containers: 5, keys: 4 };
const measure = (text: string) => measureJson(text, LIMITS, (problem) => new InputError(problem));

describe('a JSON text is measured before it is parsed', () => {
  it.each([
    ['[]', { containers: 1, keys: 0 }],
    ['{"a": [1, 2], "b": {"c": null}}', { containers: 3, keys: 3 }],
    ['{"[[[[{{{{": "]]:::"}', { containers: 1, keys: 1 }],
    [JSON.stringify({ 'a\\": [[[[': '\\' }), { containers: 1, keys: 1 }],
    ['{"a": 1, "a": 2}', { containers: 1, keys: 2 }],
    ['"[[[[[[', { containers: 0, keys: 0 }],
    ['"\\', { containers: 0, keys: 0 }],
  ])('%s', (text, size) => expect(measure(text)).toEqual(size));

  it.each([
    ['deep lists', '['.repeat(4), 'is nested deeper than 3 levels'],
    ['deep mappings', '{"a":'.repeat(4), 'is nested deeper than 3 levels'],
    ['many lists', `[${'[],'.repeat(5)}`, 'holds more than 5 lists and mappings'],
    ['many keys', `{${'"a":1,'.repeat(5)}`, 'holds more than 4 keys'],
  ])('and refused for %s', (_, text, problem) => expect(refusal(() => measure(text))).toBe(problem));
});
