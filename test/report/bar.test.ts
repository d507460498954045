import { describe, expect, it } from 'vitest';
import { bar } from '../../src/report/bar.ts';

describe('a bar', () => {
  it.each([
    [16, 32, '████░░░░'],
    [0, 32, '░░░░░░░░'],
    [32, 32, '████████'],
    [1, 1000, '█░░░░░░░'],
    [999, 1000, '███████░'],
    [0, 0, '░░░░░░░░'],
  ])('of %i of %i is %s', (part, whole, text) => {
    expect(bar(part, whole)).toBe(text);
  });
});
