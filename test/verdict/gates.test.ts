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

  it('does not fail where what is allowed is the edge of the noise, and says so', () => {
    const { verdict, notes } = judged(1.02, 1.02);
    expect([verdict, notes.length]).toEqual(['conforms', 1]);
  });

  it('passes below and at just what it allows, and where nothing is asked or measured, without a word', () => {
    for (const most of [1.1, 1.05])
      expect(judged(0.98, most)).toMatchObject({ verdict: 'conforms', findings: [], notes: [] });
    expect(judgeGates(CONFORMS, OPEN, GAINS, at).notes).toEqual([]);
    for (const unknown of [{ latencyRatio: null }, { latencyNoise: null }])
      expect(judgeGates(CONFORMS, { ...OPEN, maxLatencyRatio: 0.5 }, { ...GAINS, ...unknown }, at).notes).toEqual([]);
  });
});

describe('a gate on what pruning saves', () => {
  const saved = (dense: number | null, pruned: number | null, least: number) => {
    const gains: Gains = { ...GAINS, macs: { dense, pruned } };
    return judgeGates(CONFORMS, { ...OPEN, minMacReduction: least }, gains, at);
  };

  it('passes from just as much as it asks for', () => {
    expect(saved(100, 50, 0.5)).toMatchObject({ verdict: 'conforms', findings: [] });
    expect(saved(100, 51, 0.5)).toMatchObject({
      verdict: 'diverges',
      findings: [
        {
          ...{
            kind: 'gate',
            verdict: 'mismatch',
            layers: [],
            place: { key: 'minMacReduction', layer: null, filters: [] },
          },
          title: 'pruning saves 49% of the multiply-accumulates, less than min-mac-reduction asks for, 50%',
          details: ['The dense model takes 100 multiply-accumulates, the pruned one 51.'],
        },
      ],
    });
  });

  it('is open where one of both costs is not known, or there is nothing to save', () => {
    for (const [dense, pruned] of [
      [null, 50],
      [100, null],
      [0, 0],
    ] as const)
      expect(saved(dense, pruned, 0)).toMatchObject({
        verdict: 'unverifiable',
        findings: [
          {
            verdict: 'unverifiable',
            details: ['How many multiply-accumulates the models take could not be determined.'],
          },
        ],
      });
  });

  it('looks at the cost that it is named after', () => {
    const gains: Gains = { ...GAINS, parameters: { dense: 10, pruned: 9 }, bytes: { dense: 10, pruned: 1 } };
    const titles = (key: 'minParameterReduction' | 'minSizeReduction') =>
      judgeGates(CONFORMS, { ...OPEN, [key]: 0.5 }, gains, at).findings.map(({ title }) => title);
    expect(titles('minParameterReduction')).toHaveLength(1);
    expect(titles('minSizeReduction')).toEqual([]);
  });
});

it('a gate on latency is open where no latency was measured', () => {
  for (const unknown of [
    { latencyRatio: null },
    { latencyMs: { dense: null, pruned: 1 } },
    { latencyMs: { dense: 1, pruned: null } },
  ])
    expect(judgeGates(CONFORMS, { ...OPEN, maxLatencyRatio: 2 }, { ...GAINS, ...unknown }, at).verdict).toBe(
      'unverifiable',
    );
});

it('a gate on latency fails where nothing is known of the noise, and passes at just what it allows', () => {
  const judged = (most: number) =>
    judgeGates(CONFORMS, { ...OPEN, maxLatencyRatio: most }, { ...GAINS, latencyNoise: null }, at);
  expect(judged(1.05)).toMatchObject({ verdict: 'conforms', notes: [] });
  expect(judged(1.04)).toMatchObject({ verdict: 'diverges', notes: [] });
});

it('a gate on flips passes at just what it allows, names a dozen of many layers, and counts the rest', () => {
  const names = Array.from({ length: 14 }, (_, k) => `l${k}`);
  const flipped = names.map((layer) => ({ layer, gained: [1], lost: [2] }));
  const flips = { problem: null, flipped, count: 28, open: [], added: [], gone: [] };
  const judged = (most: number) => judgeGates(CONFORMS, { ...OPEN, maxFiltersFlipped: most }, { ...GAINS, flips }, at);
  expect(judged(28)).toMatchObject({ verdict: 'conforms', findings: [] });
  const [finding] = judged(27).findings;
  expect(finding).toMatchObject({ layers: names, place: { layer: 'l0' } });
  expect(finding!.details).toHaveLength(13);
  expect(finding!.details.at(-1)).toBe('... and 2 more layers.');
  const dozen = { ...flips, flipped: flipped.slice(0, 12) };
  const shown = judgeGates(CONFORMS, { ...OPEN, maxFiltersFlipped: 1 }, { ...GAINS, flips: dozen }, at);
  expect(shown.findings[0]!.details).toHaveLength(12);
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
