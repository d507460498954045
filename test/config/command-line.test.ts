import { describe, expect, it } from 'vitest';
import { linesOfWords, splitWords } from '../../src/config/command-line.ts';

const textsOf = (text: string): string[] => splitWords(text)!.map((word) => word.text);

describe('a command line', () => {
  it.each([
    ['-pth 0.1  -el a b', ['-pth', '0.1', '-el', 'a', 'b']],
    [`-m 'my model' -k "a \\"b\\" $KEY"`, ['-m', 'my model', '-k', 'a "b" $KEY']],
    ['-m a\\ b', ['-m', 'a', 'b']],
    ['prune \\\n  -eq union \\\n', ['prune', '-eq', 'union']],
    ["-el ''", ['-el', '']],
    ['', []],
  ])('is split as a shell does: %j', (text, words) => {
    expect(textsOf(text)).toEqual(words);
  });

  it.each([
    ['cd x && a prune -pth 0.1; ls', [['cd', 'x'], ['a', 'prune', '-pth', '0.1'], ['ls']]],
    [
      'a -pth 0.1 2>&1 | tee log',
      [
        ['a', '-pth', '0.1'],
        ['tee', 'log'],
      ],
    ],
    ['a -pth 0.1 > out.log 2> err -v', [['a', '-pth', '0.1', '-v']]],
    ['a -pth 0.1 >out.log', [['a', '-pth', '0.1']]],
    ['a "b;c" -k \'x&&y\'', [['a', 'b;c', '-k', 'x&&y']]],
    ['# first\nexport K=1\na \\\n  -pth 0.1 # here\nls\n', [['export', 'K=1'], ['a', '-pth', '0.1'], ['ls']]],
    // YAML folds lines where none is continued.
    ['a\n-pth 0.1\n-el b', [['a', '-pth', '0.1', '-el', 'b']]],
    ['a # -pth 0.1', [['a', '#', '-pth', '0.1']]],
    ["a\n# don't\n-v", [['a', '-v']]],
    ['a -k x#y', [['a', '-k', 'x#y']]],
  ])('has several commands: %j', (text, commands) => {
    const words = splitWords(text)!;
    const numbers = [...new Set(words.map(({ command }) => command))];
    expect(numbers.map((k) => words.filter(({ command }) => command === k).map((word) => word.text))).toEqual(commands);
  });

  it('is none where a quote is not closed', () => {
    expect(splitWords('-m "a')).toBeNull();
    expect(splitWords("-m 'a")).toBeNull();
  });

  it('knows the line of each word, of one that occurs again too', () => {
    const text = '-eq union\n-pth 0.1\n-el union\n';
    expect(linesOfWords(textsOf(text), { text, line: 7 })).toEqual([7, 7, 8, 8, 9, 9]);
  });
});
