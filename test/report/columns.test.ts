import { expect, it } from 'vitest';
import { columns } from '../../src/report/columns.ts';

it('columns are as wide as their widest cell, as a terminal shows it', () => {
  const rows = [
    ['layer', 'kept'],
    ['conv1', '16 of 32'],
    ['畳み込み', '3'],
    ['', 'x'],
  ];
  expect(columns(rows, '  ')).toBe('  layer     kept\n  conv1     16 of 32\n  畳み込み  3\n            x');
});

it.each([
  ['plain', 5],
  ['', 0],
  ['畳み込み', 8],
  ['ｶﾀｶﾅ', 4],
  ['e\u0301te\u0301', 3],
  ['한글', 4],
  ['±0%', 3],
  ['✅', 2],
  ['⚠\uFE0F', 2],
  ['👩\u200D🔬', 2],
])('%s takes %i places', (text, places) => {
  const [line] = columns([[text, '|']], '').split('\n');
  expect(line).toBe(`${text}${' '.repeat(2)}|`);
  expect(
    columns(
      [
        ['x'.repeat(20), '|'],
        [text, '|'],
      ],
      '',
    ).split('\n')[1],
  ).toBe(`${text}${' '.repeat(22 - places)}|`);
});
