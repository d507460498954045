import { describe, expect, it } from 'vitest';
import { type Gains, judgeGates } from '../../src/verdict/index.ts';

const CONFORMS = { verdict: 'conforms', layers: [], findings: [], notes: [] } as const;
const COST = { dense: 100, pruned: 50 };
const GAINS: Gains = {
  parameters: COST,
  macs: COST,
  bytes: COST,
  latencyRatio: 1.05,
  latencyNoise: { low: 0.98, high: 1.2 },
  latencyMs: { dense: 10, pruned: 10.5 },
  flips: null,
};
const OPEN = {
  maxLatencyRatio: null,
  minParameterReduction: null,
  minMacReduction: null,
  minSizeReduction: null,
  maxFiltersFlipped: null,
};
const at = (key: string) => ({ file: null, line: null, key });

describe('a gate on latency', () => {
  const judged = (low: number, most: number) =>
    judgeGates(CONFORMS, { ...OPEN, maxLatencyRatio: most }, { ...GAINS, latencyNoise: { low, high: 1.2 } }, at);

  it('does not fail inside the noise, and says how noisy it is', () => {
    const { verdict, findings, notes } = judged(0.98, 1);
    expect({ verdict, findings }).toEqual({ verdict: 'conforms', findings: [] });
    expect(notes).toEqual([
      'The latency ratio is 1.05, more than max-latency-ratio allows, 1; half of the ratios lie between 0.98 and 1.2, so that it may be noise, and does not fail.',
    ]);
  });

  it('fails beyond it', () => {
    const { verdict, findings, notes } = judged(1.02, 1);
    expect(verdict).toBe('diverges');
    expect(findings[0]!.details[0]).toContain('Half of the ratios lie between 1.02 and 1.2: it is no noise.');
    expect(notes).toEqual([]);
  });

  it('passes below, without a word', () => {
    expect(judged(0.98, 1.1)).toMatchObject({ verdict: 'conforms', findings: [], notes: [] });
  });
});

it('a gate on flips is open where nothing was compared, and where a layer could not be', () => {
  const flips = { problem: null, flipped: [], count: 0, open: ['a'], added: [], gone: [] };
  for (const found of [null, flips, { ...flips, open: [], problem: 'why' }, { ...flips, open: [], gone: ['b'] }])
    expect(judgeGates(CONFORMS, { ...OPEN, maxFiltersFlipped: 5 }, { ...GAINS, flips: found }, at).verdict).toBe(
      'unverifiable',
    );
  const some = { ...flips, flipped: [{ layer: 'b', gained: [1, 2], lost: [3, 4, 5, 6] }], count: 6 };
  const { findings } = judgeGates(CONFORMS, { ...OPEN, maxFiltersFlipped: 5 }, { ...GAINS, flips: some }, at);
  expect(findings).toMatchObject([{ verdict: 'mismatch', layers: ['b'], details: ['b gained 1, 2 and lost 3-6.'] }]);
});
