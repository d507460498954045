import { describe, expect, it } from 'vitest';
import { leastOf, multipleOf, ruledCount } from '../../../../src/dialects/declared/keep/counts.ts';
import type { KeepKeys } from '../../../../src/dialects/declared/keys.ts';
import { DEFAULTS, PRESETS } from '../../../../src/dialects/declared/presets.ts';

function countOf(n: number, keep: Partial<KeepKeys>): number {
  const keys = { ...DEFAULTS.keep, ...keep };
  return Math.max(multipleOf(n, ruledCount(n, keys)!, keys), leastOf(n, keys));
}

/** How each pruner counts: by its preset where it has one. */
const PRUNERS: Readonly<Record<string, readonly Partial<KeepKeys>[]>> = {
  'Torch-Pruning': [{ rounding: 'keep-floor', min: 0 }],
  'ln_structured, ao FPGM': [keepOf('ln_structured'), keepOf('torch-ao-fpgm')],
  'NNI, ao Saliency': [keepOf('nni'), keepOf('torch-ao-saliency')],
  TinyNN: [keepOf('tinynn')],
  PaddleSlim: [keepOf('paddleslim')],
  'Vitis d=2': [keepOf('vitis')],
  onnxsim: [keepOf('onnxsim')],
  'onnxsim grouped': [{ ...keepOf('onnxsim'), rounding: 'keep-nearest' }],
  'NNCF /8': [keepOf('nncf')],
  AIMET: [{ rounding: 'keep-floor' }],
};

/** Their multiples and blocks are given whole. */
function keepOf(preset: string): Partial<KeepKeys> {
  return PRESETS[preset]!.keep as Partial<KeepKeys>;
}

/** Channels and ratio, then what was kept, in the order above. */
const TABLE = [
  [33, 0.5, 16, 17, 17, 16, 17, 16, 17, 16, 24, 16],
  [10, 0.9, 0, 1, 1, 1, 1, 2, 1, 1, 8, 1],
  [20, 0.9, 1, 2, 2, 2, 2, 2, 2, 2, 8, 1],
  [64, 0.3, 44, 45, 45, 44, 45, 44, 45, 45, 48, 44],
  [7, 0.5, 3, 3, 4, 3, 3, 4, 3, 4, 7, 3],
  [15, 0.1, 13, 13, 14, 13, 13, 14, 13, 14, 15, 13],
  [14, 0.45, 7, 8, 8, 7, 8, 8, 8, 8, 8, 7],
  [31, 0.5, 15, 15, 16, 15, 15, 16, 15, 16, 16, 15],
] as const;

describe('one ratio and the counts of each pruner', () => {
  it.each(TABLE)('%i channels, ratio %d', (n, amount, ...kept) => {
    const counts = Object.entries(PRUNERS).map(([name, all]) => [
      name,
      all.map((keep) => countOf(n, { ...keep, amount })),
    ]);
    expect(counts).toEqual(Object.entries(PRUNERS).map(([name, all], k) => [name, all.map(() => kept[k])]));
  });
});

describe('the other rules', () => {
  it('removes or keeps a number, never more than there are', () => {
    expect(countOf(14, { rule: 'remove', amount: 5, min: 0 })).toBe(9);
    expect(countOf(4, { rule: 'remove', amount: 5, min: 0 })).toBe(0);
    expect(countOf(4, { rule: 'remove', amount: 5 })).toBe(1);
    expect(countOf(14, { rule: 'keep', amount: 5 })).toBe(5);
    expect(countOf(4, { rule: 'keep', amount: 5 })).toBe(4);
  });

  it.each([
    [16, 10, 'up', 16],
    [16, 10, 'down', 8],
    [16, 11, 'nearest', 8],
    [16, 12, 'nearest', 16],
    [10, 9, 'up', 10],
    [10, 7, 'down', 0],
  ] as const)('%i channels, %i of them to multiples of 8, %s', (n, count, to, expected) => {
    expect(multipleOf(n, count, { ...DEFAULTS.keep, multiple: { of: 8, to } })).toBe(expected);
  });

  it.each([
    [30, '20%', 6],
    [33, '20%', 6],
    [4, '20%', 1],
    [20, '1%', 1],
    [10, 3, 3],
    [2, 3, 2],
    [10, 0, 0],
  ] as const)('of %i channels at least %s stay', (n, min, expected) => {
    expect(leastOf(n, { ...DEFAULTS.keep, min })).toBe(expected);
  });
});
