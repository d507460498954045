import { thousands } from '../prose/index.ts';
import { columns } from './columns.ts';
import { shortLine, shortName } from './escape.ts';
import type { Report, ReportSet } from './report.ts';

/** Findings of a model that are named; its own report has them all. */
const MAX_FINDINGS = 4;
const MARKS: Readonly<Record<string, string>> = { conforms: ' ', diverges: 'x', unverifiable: '?' };

/** Many models for a terminal: a line each, what is wrong with those that do not conform, and one verdict at the end. */
export function renderSet({ reports, verdict, tool }: ReportSet): string {
  const rows = reports.map((report) => [
    MARKS[report.verdict ?? ''] ?? '?',
    shortName(report.model),
    report.verdict ?? '',
    `${report.totals.match} of ${report.totals.layers} layers match`,
    retained(report),
  ]);
  const wrong = reports.filter((report) => report.verdict !== 'conforms').map(findings);
  const worst = reports.filter((report) => report.verdict === verdict).length;
  const count = verdict === 'conforms' ? `${reports.length} models` : `${worst} of ${reports.length} models`;
  const blocks = [`prunegate ${tool.version}`, columns(rows, ' '), ...wrong, `${verdict}: ${count}`];
  return `${blocks.filter((block) => block !== '').join('\n\n')}\n`;
}

function retained({ totals: { filters } }: Report): string {
  return filters.retained === null ? '' : `${thousands(filters.retained)} of ${thousands(filters.dense)} filters`;
}

function findings({ model, findings: all }: Report): string {
  const shown = all.slice(0, MAX_FINDINGS).map(({ title }) => `  ${shortLine(title)}`);
  const more = all.length > shown.length ? [`  ... and ${all.length - shown.length} more in its report`] : [];
  return [shortName(model), ...shown, ...more].join('\n');
}
