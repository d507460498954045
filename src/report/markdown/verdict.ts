import { thousands } from '../../prose/index.ts';
import { COMPUTES_THE_SAME } from '../execution.ts';
import type { Report } from '../report.ts';
import { line } from './blocks.ts';

const ICONS = { conforms: '✅', diverges: '❌', unverifiable: '❓' } as const;

export function icon(verdict: Report['verdict']): string {
  return verdict === null ? '' : `${ICONS[verdict]} `;
}

export function isWord(verdict: Report['verdict']): string {
  return verdict === 'unverifiable' ? 'is unverifiable' : (verdict ?? '');
}

export function areWord(verdict: Report['verdict']): string {
  return verdict === 'unverifiable' ? 'are unverifiable' : 'diverge';
}

export function summary({ verdict, totals, findings, dialect }: Report): string {
  const layers = `${thousands(totals.layers)} ${totals.layers === 1 ? 'layer' : 'layers'}`;
  switch (verdict) {
    case null:
      return layers;
    case 'conforms': {
      if (dialect === null) return `It is executed: ${COMPUTES_THE_SAME}.`;
      const ambiguous = totals.ambiguous > 0 ? `, ${thousands(totals.ambiguous)} of them ambiguous` : '';
      return `${layers} keep the filters that the spec asks for${ambiguous}.`;
    }
    case 'diverges':
      return totals.mismatch > 0
        ? `**${thousands(totals.mismatch)} of ${layers}** ${totals.mismatch === 1 ? 'is' : 'are'} not what the spec asks for.`
        : `${line(findings[0]?.title ?? 'It differs')}.`;
    case 'unverifiable':
      return totals.unverifiable > 0
        ? `**${thousands(totals.unverifiable)} of ${layers}** could not be verified.`
        : `${line(findings[0]?.title ?? 'It could not be verified')}.`;
  }
}
