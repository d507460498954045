import type { FailOn } from '../config/index.ts';
import type { Expectation } from '../dialects/index.ts';
import { isVerified, type Recovery } from '../recovery/index.ts';
import type { Judgement } from './types.ts';

/** What a verdict means for the gate. */
export type Conclusion = 'success' | 'failure' | 'neutral';

export interface Gate {
  readonly conclusion: Conclusion;
  /** 0 fine, 1 diverges, 3 unverifiable (product contract). */
  readonly exitCode: 0 | 1 | 3;
}

/** What the gate fails on, and whether it only warns. */
export interface GatePolicy {
  readonly failOn: readonly FailOn[];
  readonly warnOnly: boolean;
}

/** Makes a gate's conclusion of a verdict. What the gate does not fail on is neutral, never a success. */
export function gateOf(
  { verdict, layers, findings }: Pick<Judgement, 'verdict' | 'layers' | 'findings'>,
  { failOn, warnOnly }: GatePolicy,
): Gate {
  const isLowered = findings.some(({ kind }) => kind === 'policy-lowered');
  // Not for fail-on to decide, which may be what was lowered.
  const exitCode = isLowered ? 1 : failure(verdict, layers, failOn);
  if (exitCode === 0) return { conclusion: verdict === 'conforms' ? 'success' : 'neutral', exitCode };
  return warnOnly ? { conclusion: 'neutral', exitCode: 0 } : { conclusion: 'failure', exitCode };
}

function failure(
  verdict: Judgement['verdict'],
  layers: Judgement['layers'],
  failOn: readonly FailOn[],
): Gate['exitCode'] {
  if (verdict === 'diverges' && failOn.includes('mismatch')) return 1;
  if (verdict === 'unverifiable' && failOn.includes('unverifiable')) return 3;
  return failOn.includes('ambiguous') && layers.some((layer) => layer.verdict === 'ambiguous') ? 1 : 0;
}

/** Whether it is known of every layer what it should retain. */
export function isExpected({ refusal, layers }: Expectation): boolean {
  return (
    refusal === null &&
    [...layers.values()].every(({ expected, assumes }) => expected !== null && assumes?.of !== 'weights')
  );
}

/** Whether it is known of every layer what it does retain. */
export function isRecovered({ layers }: Recovery, tolerance: number | null): boolean {
  return [...layers.values()].every(({ kernel, actual }) => isVerified(kernel, tolerance) && actual !== null);
}
