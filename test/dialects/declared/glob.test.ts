import { describe, expect, it } from 'vitest';
import { matches } from '../../../src/dialects/declared/glob.ts';

describe('patterns of layer names', () => {
  it.each([
    ['fc', 'fc', true],
    ['fc', 'fc2', false],
    ['head.*', 'head.0', true],
    ['head.*', 'head', false],
    ['*.conv?', 'layer1.0.conv2', true],
    ['*.conv?', 'layer1.0.conv', false],
    ['layer*.conv1', 'layer1.0.conv1', true],
    ['a*b*c', 'aXbYbZc', true],
    ['a*b*c', 'aXbYbZ', false],
    ['*', '', true],
    ['', '', true],
    ['[ab].conv', 'a.conv', false],
  ])('%j and %j', (pattern, name, expected) => expect(matches(pattern, name)).toBe(expected));

  it('takes no longer for patterns that are made to', () => {
    expect(matches(`${'a*'.repeat(200)}b`, 'a'.repeat(2000))).toBe(false);
  });
});
