import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { shellWord } from '../../src/prose/index.ts';

describe('a word of a command', () => {
  it('is what a shell passes on, whatever it holds', () => {
    const hostile = fc.string({ unit: fc.constantFrom(...' \'"`$(){};&|<>\\*?~#!\n\tab1-') });
    const words = fc.sample(hostile, { numRuns: 300, seed: 1 });
    const script = `printf '%s\\0' ${words.map((word) => shellWord(word)).join(' ')}`;
    const passed = execFileSync('sh', ['-c', script], { encoding: 'utf8' }).split('\0').slice(0, -1);
    expect(passed).toEqual(words);
  });

  it('has no quotes where it needs none', () => {
    for (const word of ['conv1', 'block_1/expand:0', 'specs/prune.yaml', '-x=1']) expect(shellWord(word)).toBe(word);
    expect(shellWord('')).toBe("''");
  });
});
