import type { Spec } from '../dialects/index.ts';
import type { Report } from '../report/index.ts';

export interface Annotation {
  readonly level: 'error' | 'warning';
  readonly title: string;
  readonly message: string;
  readonly file: string | null;
  readonly line: number | null;
}

/** The runner keeps the first ten errors of a step and drops the rest (ExecutionContext.cs, _maxCountPerIssueType). */
const MAX_ANNOTATIONS = 10;
/** The runner cuts a message there, silently (ExecutionContext.cs). */
const MAX_MESSAGE = 4096;
/** GitHub's limit for a check annotation's title. */
const MAX_TITLE = 255;

/**
 * What reviewers read beside the spec: the headline first, for it must survive the limit, then the worst findings, one
 * for an equalization group.
 */
export function annotationsOf(report: Report, spec: Spec | null, level: Annotation['level']): readonly Annotation[] {
  if (report.verdict === 'conforms' || report.verdict === null) return [];
  const { totals } = report;
  const count =
    report.verdict === 'diverges'
      ? `${totals.mismatch} of ${totals.layers} layers diverge`
      : `${totals.unverifiable} of ${totals.layers} layers could not be verified`;
  const headline = annotation(
    level,
    `prunegate: ${report.model} ${report.verdict}`,
    `${count}. The job summary has them all.`,
    spec,
    'threshold',
  );
  const findings = report.findings.map(({ title, details, specKey }) =>
    annotation(level, `prunegate: ${title}`, details.join('\n'), spec, specKey),
  );
  return [headline, ...findings].slice(0, MAX_ANNOTATIONS);
}

function annotation(
  level: Annotation['level'],
  title: string,
  message: string,
  spec: Spec | null,
  key: string,
): Annotation {
  return {
    level,
    title: cut(title, MAX_TITLE),
    // The runner does not print an annotation without a message.
    message: cut(message === '' ? title : message, MAX_MESSAGE),
    file: spec?.file ?? null,
    line: spec?.line(key) ?? null,
  };
}

function cut(text: string, limit: number): string {
  return text.length <= limit ? text : `${text.slice(0, limit - 3)}...`;
}
