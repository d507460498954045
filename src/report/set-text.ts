import { thousands } from '../prose/index.ts';
import { columns } from './columns.ts';
import { shortLine, shortName } from './escape.ts';
import type { Reader } from './reader.ts';
import { COMPLETENESS_UNCHECKED, type Report, type ReportSet } from './report.ts';
import { PLAIN, type Style, TONES } from './style.ts';
import { renderText } from './text.ts';

/** Models that do not conform are shown whole up to this many; of more there are the worst findings. */
const MAX_WHOLE = 8;
/** Findings of a model that are named; its own report has them all. */
const MAX_FINDINGS = 4;
const MARKS: Readonly<Record<string, string>> = { conforms: ' ', diverges: 'x', unverifiable: '?' };

/** Many models for a terminal: what is wrong with those that do not conform, a line for each model, and one verdict at the end. */
export function renderSet(set: ReportSet, reader: Reader): string {
  const { reports, tool } = set;
  const { style = PLAIN } = reader;
  const wrong = reports.filter((report) => report.verdict !== 'conforms');
  const whole = wrong.map((report, at) =>
    reader.all || report.verdict === null || at < MAX_WHOLE
      ? `${style('title', shortName(report.model))}\n${renderText(report, reader).trimEnd()}`
      : findings(report),
  );
  return `${[`prunegate ${tool.version}`, ...whole].join('\n\n')}\n\n${renderOverview(set, reader)}`;
}

/** Name and verdict of each model; the last line says the whole. */
export function renderOverview(
  { reports, errors, verdict, completeness }: ReportSet,
  { style = PLAIN }: Reader,
): string {
  const rows = [
    ...reports.map((report) => [
      MARKS[report.verdict ?? ''] ?? ' ',
      shortName(report.model),
      verdictWord(report, style),
      layers(report),
      retained(report),
    ]),
    ...errors.map(({ model }) => ['?', shortName(model), 'not checked', '', '']),
  ];
  const blocks = [
    ...errors.map(({ model, message }) => `${shortName(model)}\n  ${shortLine(message)}`),
    columns(rows, ' '),
    ...(verdict === null
      ? []
      : [
          `${verdictLine(reports, errors.length, verdict)}${completeness === 'unchecked' ? `; ${COMPLETENESS_UNCHECKED} (give models or config)` : ''}`,
        ]),
  ];
  return `${blocks.join('\n\n')}\n`;
}

function verdictWord({ verdict }: Report, style: Style): string {
  return verdict === null ? '' : style(TONES[verdict]!, verdict);
}

function verdictLine(reports: readonly Report[], unchecked: number, verdict: NonNullable<Report['verdict']>): string {
  const all = reports.length + unchecked;
  if (verdict === 'conforms') return `conforms: ${all} models`;
  const worst = reports.filter((report) => report.verdict === verdict).length;
  return `${verdict}: ${worst + (verdict === 'unverifiable' ? unchecked : 0)} of ${all} models`;
}

function layers({ totals, dialect }: Report): string {
  return dialect === null ? '' : `${totals.match} of ${totals.layers} layers match`;
}

function retained({ totals: { filters } }: Report): string {
  return filters.retained === null ? '' : `${thousands(filters.retained)} of ${thousands(filters.dense)} filters`;
}

function findings({ model, findings: all }: Report): string {
  const shown = all.slice(0, MAX_FINDINGS).map(({ title }) => `  ${shortLine(title)}`);
  const more = all.length > shown.length ? [`  ... and ${all.length - shown.length} more in its report`] : [];
  return [shortName(model), ...shown, ...more].join('\n');
}
