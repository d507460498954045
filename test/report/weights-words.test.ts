import { expect, it } from 'vitest';
import type { Report } from '../../src/report/report.ts';
import { weightsWords } from '../../src/report/weights-words.ts';

function wordsOf(states: readonly ('raw' | 'folded' | 'unknown')[]): string {
  const folding = new Set(states).size === 1 ? states[0] : 'mixed';
  const layers = states.map((state) => ({ folding: state }));
  return weightsWords({ inputs: { dense: { folding }, pruned: { folding } }, layers } as unknown as Report).dense;
}

it('says that BatchNorm is folded in only where it is', () => {
  expect(wordsOf(['raw', 'raw'])).toBe('raw weights');
  expect(wordsOf(['raw', 'folded', 'unknown'])).toBe('BatchNorm folded into 1 of 3 layers');
  expect(wordsOf(['raw', 'unknown'])).toBe('raw weights, as far as is known');
});
