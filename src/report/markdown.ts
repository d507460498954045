import type { Finding } from '../verdict/index.ts';
import type { Report, ReportLayer, ReportSet } from './report.ts';

/** Layers in the table at most; the JSON report has them all. */
const MAX_ROWS = 100;
const ICONS: Readonly<Record<string, string>> = { conforms: '✅', diverges: '❌', unverifiable: '❔' };

/** The result for a pull request's reader: verdict first, then what diverges and why. */
export function renderMarkdown(report: Report | ReportSet): string {
  if ('reports' in report) return report.reports.map(renderMarkdown).join('\n\n');
  const { totals, verdict } = report;
  const title = `### ${ICONS[verdict ?? ''] ?? ''} prunegate: ${escaped(report.model)} ${verdict ?? ''}`;
  const sizes =
    totals.parameters.pruned === null
      ? ''
      : `${totals.filters.dense} → ${totals.filters.retained} filters, ${totals.parameters.dense} → ${totals.parameters.pruned} parameters`;
  const counts = `${totals.match} match, ${totals.mismatch} mismatch, ${totals.ambiguous} ambiguous, ${totals.unverifiable} unverifiable`;
  const worth = report.layers.filter((layer) => layer.verdict !== 'match');
  const hidden = worth.length - MAX_ROWS;
  const blocks = [
    title,
    `${totals.layers} layers: ${counts}. ${sizes}`.trim(),
    ...report.findings.map(findingBlock),
    worth.length === 0 ? '' : table(worth.slice(0, MAX_ROWS)),
    hidden > 0 ? `... and ${hidden} more layers in the JSON report.` : '',
    ...report.notes.map((note) => `> ${escaped(note)}`),
  ];
  return blocks.filter((block) => block !== '').join('\n\n');
}

function findingBlock({ title, details }: Finding): string {
  return [`**${escaped(title)}**`, ...details.map((line) => `- ${escaped(line)}`)].join('\n');
}

function table(layers: readonly ReportLayer[]): string {
  const rows = layers.map((layer) => {
    const kept = layer.actual === null ? '?' : String(layer.actual.length);
    return `| ${escaped(layer.name)} | ${kept} of ${layer.filters} | ${layer.verdict ?? ''} | ${layer.missing.join(' ')} | ${layer.unexpected.join(' ')} |`;
  });
  return ['| layer | kept | verdict | missing | unexpected |', '| --- | --- | --- | --- | --- |', ...rows].join('\n');
}

/** Names and paths come from model files: nothing in them may act as markdown, HTML or a mention. */
export function escaped(text: string): string {
  return text
    .replace(/[\u0000-\u001f\u007f\u202a-\u202e\u2066-\u2069]/g, ' ')
    .replace(/&/g, '&amp;')
    .replace(/</g, '&lt;')
    .replace(/>/g, '&gt;')
    .replace(/[\\`*_{}[\]|~#]/g, '\\$&')
    .replace(/@/g, '@\u200b');
}
