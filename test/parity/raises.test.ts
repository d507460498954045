import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { expectationOf, FIXTURES, networkOf } from '../support/golden.ts';

const folder = join(FIXTURES, 'raises');
const shared = JSON.parse(readFileSync(join(folder, 'errors.json'), 'utf8'));
const cases = readdirSync(folder)
  .filter((file) => file.endsWith('.onnx'))
  .map((file) => {
    const name = file.replace('.onnx', '');
    const own = name.startsWith('r2')
      ? JSON.parse(readFileSync(join(folder, `${name}.json`), 'utf8'))
      : { prune: shared.prune, raises: shared.raises[name] };
    return { name, path: join(folder, file), prune: own.prune, raises: String(own.raises) };
  });

describe('models on which the real pruner raises', () => {
  it.each(cases)('$name: $raises', ({ path, prune, raises }) => {
    const { refusal } = expectationOf(networkOf(path), prune);
    expect(refusal?.message).toBe(raises);
  });
});
