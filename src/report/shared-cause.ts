import type { Finding } from '../verdict/index.ts';

/** One cause of several findings, to be reported once; null where they have several, or none. */
export function sharedCause(findings: readonly Finding[]): string | null {
  const [first, second] = findings;
  if (first?.cause === undefined || second === undefined) return null;
  return findings.every(({ cause }) => cause === first.cause) ? first.cause : null;
}
