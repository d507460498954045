import { describe, expect, it } from 'vitest';
import { gateOf, isExpected, isRecovered } from '../../src/verdict/gate.ts';

type Judged = Parameters<typeof gateOf>[0];
const judged = (verdict: Judged['verdict'], layers: readonly string[] = [], kinds: readonly string[] = []): Judged =>
  ({ verdict, layers: layers.map((one) => ({ verdict: one })), findings: kinds.map((kind) => ({ kind })) }) as never;
const ALL = { failOn: ['mismatch', 'unverifiable', 'ambiguous'], warnOnly: false } as const;
const NONE = { failOn: [], warnOnly: false } as const;

describe('the gate', () => {
  it('passes what conforms, and nothing else is ever a success', () => {
    expect(gateOf(judged('conforms'), ALL)).toEqual({ conclusion: 'success', exitCode: 0 });
    for (const verdict of ['diverges', 'unverifiable', null] as const)
      expect(gateOf(judged(verdict), NONE)).toEqual({ conclusion: 'neutral', exitCode: 0 });
  });

  it('fails with 1 on what diverges, with 3 on what could not be verified, each where that is asked for', () => {
    expect(gateOf(judged('diverges'), ALL)).toEqual({ conclusion: 'failure', exitCode: 1 });
    expect(gateOf(judged('unverifiable'), ALL)).toEqual({ conclusion: 'failure', exitCode: 3 });
    expect(gateOf(judged('diverges'), { ...ALL, failOn: ['unverifiable', 'ambiguous'] }).exitCode).toBe(0);
    expect(gateOf(judged('unverifiable'), { ...ALL, failOn: ['mismatch', 'ambiguous'] }).exitCode).toBe(0);
  });

  it('fails on one ambiguous layer where that is asked for', () => {
    const one = judged('conforms', ['match', 'ambiguous']);
    expect(gateOf(one, ALL)).toEqual({ conclusion: 'failure', exitCode: 1 });
    expect(gateOf(one, { ...ALL, failOn: ['mismatch', 'unverifiable'] })).toEqual({
      conclusion: 'success',
      exitCode: 0,
    });
    expect(gateOf(judged('conforms', ['match', 'match']), ALL).exitCode).toBe(0);
  });

  it('only warns where that is asked for', () => {
    expect(gateOf(judged('diverges'), { ...ALL, warnOnly: true })).toEqual({ conclusion: 'neutral', exitCode: 0 });
    expect(gateOf(judged('conforms'), { ...ALL, warnOnly: true })).toEqual({ conclusion: 'success', exitCode: 0 });
  });

  it('fails where a pull request lowers what is asked for, whatever it says the gate fails on', () => {
    expect(gateOf(judged('diverges', [], ['gate', 'policy-lowered']), NONE)).toEqual({
      conclusion: 'failure',
      exitCode: 1,
    });
    expect(gateOf(judged('diverges', [], ['gate']), NONE).exitCode).toBe(0);
  });
});

describe('what is known of a model', () => {
  const expected = (layers: readonly object[], refusal: object | null = null): Parameters<typeof isExpected>[0] =>
    ({ refusal, layers: new Map(layers.map((layer, k) => [`${k}`, layer])) }) as never;

  it('is all that should be retained where no layer is open, nor rests on what its weights may be', () => {
    const known = { expected: [0], assumes: null };
    expect(isExpected(expected([known, known]))).toBe(true);
    expect(isExpected(expected([known, { ...known, expected: null }]))).toBe(false);
    expect(isExpected(expected([known, { ...known, assumes: { of: 'weights' } }]))).toBe(false);
    expect(isExpected(expected([known, { ...known, assumes: { of: 'order' } }]))).toBe(true);
    expect(isExpected(expected([known], { message: 'raises' }))).toBe(false);
  });

  it('is all that is retained where every kernel was found in the dense model', () => {
    const recovered = (...layers: readonly object[]): Parameters<typeof isRecovered>[0] =>
      ({ layers: new Map(layers.map((layer, k) => [`${k}`, layer])) }) as never;
    const exact = { kernel: { kind: 'exact' }, actual: [0] };
    expect(isRecovered(recovered(exact, exact), null)).toBe(true);
    expect(isRecovered(recovered(exact, { ...exact, actual: null }), null)).toBe(false);
    expect(isRecovered(recovered(exact, { kernel: { kind: 'unmatched' }, actual: [0] }), null)).toBe(false);
  });
});
