import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { columns } from '../../src/report/columns.ts';
import { fitted } from '../../src/report/fit.ts';

/** Words that are there, in their order, and nothing else. */
const words = (text: string): readonly string[] => text.split(/\s+/).filter((word) => word !== '');

describe('text in a terminal', () => {
  it('goes on two places farther in than its first line', () => {
    expect(fitted('  Filter 3 should stay: 17th of 32 by its own norm, but 1st by another', 40)).toBe(
      '  Filter 3 should stay: 17th of 32 by\n    its own norm, but 1st by another',
    );
  });

  it('goes on below the last column, which begins in the next line where it has no room', () => {
    const rows = [
      ['conv1', '16 of 32', 'threshold of the spec, after union with all others of it'],
      ['conv2', '16 of 32', 'minimum'],
    ];
    expect(fitted(columns(rows, ''), 51)).toBe(
      [
        ...['conv1  16 of 32  threshold of the spec, after union', '                 with all others of it'],
        'conv2  16 of 32  minimum',
      ].join('\n'),
    );
    const wide = columns([['a name of many letters', 'one of them', 'and why it is so']], '');
    expect(fitted(wide, 45)).toBe('a name of many letters  one of them\n  and why it is so');
  });

  it('is measured without its colours', () => {
    const title = '\u001b[1mconv1 and conv2 kept the wrong 3 of 16\u001b[22m';
    expect(fitted(title, 40)).toBe(title);
    expect(fitted(`${title} filters`, 40)).toBe(`${title}\n  filters`);
  });

  it('has commands whole, to be copied', () => {
    const remedy = `      python3 export_onnx.py ${'--with-a-flag '.repeat(10)}`;
    const pointer = `diverges: 2 of 14 layers. Why conv1? prunegate explain --dense ${'dense'.repeat(20)}.onnx --layer conv1`;
    for (const line of [remedy, pointer]) expect(fitted(line, 60)).toBe(line);
  });

  it('loses no word, and has no line that is too long but for one word', () => {
    const word = fc.stringMatching(/^[a-z\u4e00]{1,12}$/);
    const line = fc.array(fc.tuple(word, fc.constantFrom(' ', ' ', '  ', '    '))).map((all) => all.flat().join(''));
    fc.assert(
      fc.property(fc.array(line), fc.integer({ min: 40, max: 120 }), (lines, width) => {
        const text = lines.join('\n');
        const shown = fitted(text, width);
        expect(words(shown)).toEqual(words(text));
        for (const one of shown.split('\n'))
          if (/^[ -~]*$/.test(one) && one.trimEnd().length > width) expect(words(one).length).toBeLessThan(2);
      }),
    );
  });

  it('is left as it is in a terminal for nobody', () => {
    const text = 'word '.repeat(40);
    expect(fitted(text, 20)).toBe(text);
  });
});
