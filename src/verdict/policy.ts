import type { PolicyChange, PolicyComparison } from '../config/index.ts';
import type { Finding, Judgement } from './types.ts';
import { withFindings } from './worst.ts';

/** Adds what a pull request asks less for than its base: it fails, or is only noted where that was asked for. */
export function judgePolicy(judgement: Judgement, policy: PolicyComparison | null): Judgement {
  const lowered = (policy?.changes ?? []).filter(({ isLowered }) => isLowered);
  if (policy === null || lowered.length === 0) return judgement;
  if (policy.mode === 'report') {
    const notes = lowered.map((change) => `${capital(titleOf(change))}, which does not fail under policy: report.`);
    return withFindings(judgement, [], notes);
  }
  return withFindings(judgement, lowered.map(loweredFinding));
}

/** The finding that a change lowers the bar. */
export function loweredFinding(change: PolicyChange): Finding {
  return {
    kind: 'policy-lowered',
    verdict: 'mismatch',
    title: titleOf(change),
    details: ['What the base branch asks for holds until this is merged.'],
    layers: [],
    place: { ...change.at, layer: null, filters: [] },
  };
}

function titleOf({ key, model, before, after }: PolicyChange): string {
  const whose = model === null ? '' : ` of ${model}`;
  const what =
    key === 'models'
      ? `model ${before} is gone`
      : `${key}${whose} was ${valueText(before)}, and is ${valueText(after)}`;
  return `this pull request lowers the bar: ${what}`;
}

/** A value of prunegate.yml in a line. */
export function valueText(value: unknown): string {
  if (value === null) return 'not given';
  return Array.isArray(value) ? `[${value.join(', ')}]` : String(value);
}

function capital(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
}
