import { describe, expect, it } from 'vitest';
import { capitalized, counted, decapitalized, joined, listed, sentence } from '../../src/prose/index.ts';

describe('words', () => {
  it.each([
    [[], ''],
    [['a'], 'a'],
    [['a', 'b'], 'a and b'],
    [['a', 'b', 'c'], 'a, b and c'],
    [['a', 'b', 'c', 'd'], 'a, b and 2 more layers'],
  ])('%j are joined as %s', (names, words) => {
    expect(joined(names)).toBe(words);
  });

  it('are listed up to a number, then counted', () => {
    expect([1, 2, 3].map((most) => listed(['a', 'b', 'c'], most))).toEqual([
      'a and 2 more',
      'a, b and 1 more',
      'a, b, c',
    ]);
  });

  it('end in one stop', () => {
    expect(['it is', 'it is.', 'is it?'].map(sentence)).toEqual(['it is.', 'it is.', 'is it?']);
  });

  it('begin with a capital, but names keep their spelling', () => {
    expect(
      ['it keeps 3', 'the first', 'conv1 keeps 3', 'onnxruntime says', 'iteration/conv keeps'].map(capitalized),
    ).toEqual(['It keeps 3', 'The first', 'conv1 keeps 3', 'onnxruntime says', 'iteration/conv keeps']);
    expect(decapitalized('The first')).toBe('the first');
  });

  it('count', () => {
    expect([0, 1, 2].map((n) => counted(n, 'filter'))).toEqual(['no filters', '1 filter', '2 filters']);
    expect([1, 2].map((n) => counted(n, 'axis', 'axes'))).toEqual(['1 axis', '2 axes']);
  });
});
