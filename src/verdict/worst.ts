import type { Finding, Judgement, RunVerdict } from './types.ts';

const ORDER: readonly RunVerdict[] = ['diverges', 'unverifiable', 'conforms'];

/** The verdict with more findings: never a better one. */
export function worst(verdict: RunVerdict | null, findings: readonly Finding[]): RunVerdict | null {
  const found = findings.map((finding): RunVerdict => (finding.verdict === 'mismatch' ? 'diverges' : 'unverifiable'));
  return ORDER.find((one) => one === verdict || found.includes(one)) ?? null;
}

/** Mismatches before what could not be verified, earlier ones first. */
export function worstFirst(findings: readonly Finding[]): readonly Finding[] {
  return [
    ...findings.filter(({ verdict }) => verdict === 'mismatch'),
    ...findings.filter(({ verdict }) => verdict !== 'mismatch'),
  ];
}

/** A judgement with more findings and notes. */
export function withFindings(
  judgement: Judgement,
  findings: readonly Finding[],
  notes: readonly string[] = [],
): Judgement {
  return {
    ...judgement,
    verdict: worst(judgement.verdict, findings),
    findings: worstFirst([...judgement.findings, ...findings]),
    notes: [...judgement.notes, ...notes],
  };
}
