import { expect, it } from 'vitest';
import { InputError } from '../../src/errors/input-error.ts';

it('an error is a line that can be read, whatever a name in it is', () => {
  const { message } = new InputError('is no layer', { file: 'm.onnx', key: `a\n${'b'.repeat(1_000_000)}`, value: 1 });
  expect(message).toMatch(/^m\.onnx: a\\u000ab{100}/);
  expect(message.length).toBe(2000);
  expect(new InputError('is no layer', { file: 'm.onnx', key: 'a' }).message).toBe('m.onnx: a: is no layer');
});
