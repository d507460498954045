import { describe, expect, it } from 'vitest';
import { allFilters, filterWords, sameFilters } from '../../src/prose/index.ts';

describe('index lists', () => {
  it.each([
    [[1, 2], [1, 2], true],
    [[], [], true],
    [[1, 2], [1, 3], false],
    [[1], [1, 2], false],
    [[12], [1, 2], false],
    [null, [], false],
    [null, null, false],
    [undefined, null, false],
  ])('%j and %j are the same: %s', (a, b, expected) => {
    expect(sameFilters(a, b)).toBe(expected);
    expect(sameFilters(b, a)).toBe(expected);
  });

  it.each([
    [[], 'none'],
    [[7], '7'],
    [[3, 19, 22], '3, 19, 22'],
    [[3, 4], '3, 4'],
    [[3, 4, 5], '3-5'],
    [[0, 3, 4, 5, 6, 7, 8, 13, 14, 17], '0, 3-8, 13, 14, 17'],
    // As they stand: a list in another order is no range.
    [[5, 4, 3], '5, 4, 3'],
    [[1, 2, 2, 3, 4], '1, 2, 2-4'],
  ])('%j is %s', (filters, words) => {
    expect(filterWords(filters)).toBe(words);
  });

  it('has every filter of a layer', () => {
    expect([allFilters(3), allFilters(0)]).toEqual([[0, 1, 2], []]);
  });

  it('says how many filters are left out, ranges counted whole', () => {
    expect(filterWords([0, 2, 4, 6, 7, 8], 3)).toBe('0, 2, 4 and 3 more');
    expect(filterWords([0, 1, 2, 9, 11], 2)).toBe('0-2, 9 and 1 more');
    expect(filterWords([0, 1, 2, 9], 2)).toBe('0-2, 9');
  });
});
