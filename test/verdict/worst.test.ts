import { expect, it } from 'vitest';
import type { Finding, Judgement } from '../../src/verdict/types.ts';
import { withFindings, worst, worstFirst } from '../../src/verdict/worst.ts';

const finding = (verdict: Finding['verdict'], title = ''): Finding => ({
  ...{ kind: 'gate', verdict, title, details: [], layers: [] },
  place: { file: null, line: null, key: '', layer: null, filters: [] },
});
const [mismatch, open] = [finding('mismatch'), finding('unverifiable')];

it('a finding makes a verdict worse, and never better', () => {
  expect(worst('conforms', [])).toBe('conforms');
  expect(worst('conforms', [open])).toBe('unverifiable');
  expect(worst('conforms', [open, mismatch])).toBe('diverges');
  expect(worst('unverifiable', [])).toBe('unverifiable');
  expect(worst('unverifiable', [mismatch])).toBe('diverges');
  expect(worst('diverges', [open])).toBe('diverges');
  expect(worst(null, [])).toBeNull();
  expect(worst(null, [open])).toBe('unverifiable');
});

it('what diverges stands before what could not be verified, each as it came', () => {
  const found = [
    finding('unverifiable', 'a'),
    finding('mismatch', 'b'),
    finding('unverifiable', 'c'),
    finding('mismatch', 'd'),
  ];
  expect(worstFirst(found).map(({ title }) => title)).toEqual(['b', 'd', 'a', 'c']);
});

it('findings and notes are added to those there are', () => {
  const judgement: Judgement = { verdict: 'conforms', layers: [], findings: [open], notes: ['first'] };
  expect(withFindings(judgement, [mismatch], ['second'])).toEqual({
    ...{ verdict: 'diverges', layers: [] },
    ...{ findings: [mismatch, open], notes: ['first', 'second'] },
  });
  expect(withFindings(judgement, []).notes).toEqual(['first']);
});
