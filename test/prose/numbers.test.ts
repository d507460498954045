import { describe, expect, it } from 'vitest';
import { percent, percentChange, percentDown, scoreText, size, thousands } from '../../src/prose/index.ts';

it.each([
  [0, '0'],
  [999_999, '999,999'],
  [1e6, '1.00 M'],
  [12_345_678, '12.3 M'],
  [123_456_789, '123 M'],
  [999_600_000, '1.00 G'],
  [4.2e9, '4.20 G'],
  [3e13, '30.0 T'],
  [5e15, '5,000 T'],
])('%i is %s', (n, words) => {
  expect(size(n)).toBe(words);
});

it('says shares and changes in percent', () => {
  expect([percent(0.125), percent(1 / 3, 4), percent(0)]).toEqual(['12.5%', '33.33%', '0%']);
  expect([percentChange(16, 100), percentChange(150, 100), percentChange(7, 7), percentChange(1, 0)]).toEqual([
    '-84%',
    '+50%',
    '±0%',
    '',
  ]);
  expect([percentDown(0.9999), percentDown(1), percentDown(0.5)]).toEqual(['99%', '100%', '50%']);
  expect(thousands(30602)).toBe('30,602');
});

describe('a score', () => {
  it.each([
    [0.82149, '0.8215'],
    [0, '0.000'],
    [-12.5, '-12.50'],
    [99_999, '1.000e+5'],
    [123_456, '1.235e+5'],
    [0.000_123_45, '1.234e-4'],
  ])('of %s is %s', (value, text) => {
    expect(scoreText(value)).toBe(text);
  });
});
