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
