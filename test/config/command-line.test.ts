import { describe, expect, it } from 'vitest';
import { linesOfWords, splitWords } from '../../src/config/command-line.ts';

describe('a command line', () => {
  it.each([
    ['-pth 0.1  -el a b', ['-pth', '0.1', '-el', 'a', 'b']],
    [`-m 'my model' -k "a \\"b\\" $KEY"`, ['-m', 'my model', '-k', 'a "b" $KEY']],
    ['-m a\\ b', ['-m', 'a', 'b']],
    ['prune \\\n  -eq union \\\n', ['prune', '-eq', 'union']],
    ["-el ''", ['-el', '']],
    ['', []],
  ])('is split as a shell does: %j', (text, words) => {
    expect(splitWords(text)).toEqual(words);
  });

  it('is none where a quote is not closed', () => {
    expect(splitWords('-m "a')).toBeNull();
    expect(splitWords("-m 'a")).toBeNull();
  });

  it('knows the line of each word, of one that occurs again too', () => {
    const text = '-eq union\n-pth 0.1\n-el union\n';
    expect(linesOfWords(splitWords(text)!, { text, line: 7 })).toEqual([7, 7, 8, 8, 9, 9]);
  });
});
