import { oneLine } from '../errors/input-error.ts';
import { filterWords, percentChange, shellWord, thousands } from '../prose/index.ts';
import type { Finding } from '../verdict/index.ts';
import { columns } from './columns.ts';
import { cutText, shortLine, shortName } from './escape.ts';
import { COMPUTES_THE_SAME, executionLines } from './execution.ts';
import { groupLetters } from './groups.ts';
import { lintText } from './lint.ts';
import type { Reader } from './reader.ts';
import type { Report, ReportLayer } from './report.ts';

/** Layers that match are shown up to this many; more are counted. */
const SHOWN_MATCHES = 4;
/** Layers that could not be verified are shown up to this many; the finding below names why. */
const SHOWN_UNVERIFIABLE = 8;
const MAX_FULL_FINDINGS = 4;
const MAX_TITLES = 12;
/** Filters and ranges of them in a row of the table. */
const MAX_IN_ROW = 6;
/** Characters of a reason in a row. */
const MAX_REASON = 100;
const MARKS: Readonly<Record<string, string>> = { match: ' ', ambiguous: '~', mismatch: 'x', unverifiable: '?' };

/** The result for a terminal: sizes, the layers worth looking at, why, and one verdict at the end. */
export function renderText(report: Report, { all, explain }: Reader): string {
  const blocks = [
    head(report),
    table(report, all),
    executionLines(report).map(shortLine).join('\n'),
    ...findings(report.findings, all),
    ...refusal(report),
    [
      ...report.lints.map((lint) => shortLine(lintText(lint))),
      ...report.notes.map((note) => `note: ${shortLine(note)}`),
    ].join('\n'),
    verdictLine(report, explain(report.model)),
  ];
  return `${blocks.filter((block) => block !== '').join('\n\n')}\n`;
}

function head(report: Report): string {
  const { totals, inputs } = report;
  const title = [`prunegate ${report.tool.version}`, report.dialect, report.specSummary]
    .filter((part) => part !== null)
    .join('  ');
  const saved =
    totals.parameters.pruned === null ? '' : `   (${percentChange(totals.parameters.pruned, totals.parameters.dense)})`;
  const rows = [
    [
      'dense',
      oneLine(inputs.dense.path),
      `${thousands(totals.layers)} layers, ${thousands(totals.filters.dense)} filters, ${thousands(totals.parameters.dense)} parameters`,
      `${inputs.dense.folding} weights`,
    ],
    ...(inputs.pruned === null || totals.parameters.pruned === null || totals.filters.retained === null
      ? []
      : [
          [
            'pruned',
            oneLine(inputs.pruned.path),
            `${thousands(totals.layers)} layers, ${thousands(totals.filters.retained)} filters, ${thousands(totals.parameters.pruned)} parameters${saved}`,
            `${inputs.pruned.folding} weights`,
          ],
        ]),
  ];
  return `${title}\n${columns(rows, '')}`;
}

function table(report: Report, all: boolean): string {
  const letters = groupLetters(report);
  const of = (verdict: string): readonly ReportLayer[] => report.layers.filter((layer) => layer.verdict === verdict);
  const [matches, open] = [of('match'), of('unverifiable')];
  const worth = [...of('mismatch'), ...of('ambiguous'), ...open.slice(0, SHOWN_UNVERIFIABLE)];
  if (!all && report.verdict === 'conforms' && worth.length === 0) return '';
  // Both models were executed, and nothing else was asked.
  if (!all && report.verdict !== null && worth.length + matches.length === 0) return '';
  const isWhole = all || report.verdict === null;
  const shown = isWhole ? report.layers : [...worth, ...matches.slice(0, SHOWN_MATCHES)];
  const changes = shown.map(change);
  const rows = shown.map((layer, at) => [
    MARKS[layer.verdict ?? 'match'] ?? ' ',
    shortName(layer.name),
    kept(layer),
    layer.rule,
    letters.get(layer.group ?? -1) ?? '',
    isSameChange(layer, shown[at - 1]) ? 'same' : changes[at]!,
  ]);
  const hidden = [
    ...(open.length > SHOWN_UNVERIFIABLE ? [`${open.length - SHOWN_UNVERIFIABLE} more could not be verified`] : []),
    ...(matches.length > SHOWN_MATCHES ? [`${matches.length - SHOWN_MATCHES} more match`] : []),
  ];
  const header = ['', 'layer', 'kept', 'rule that decided', 'group', ''];
  return `${columns([header, ...rows], '  ')}${!isWhole && hidden.length > 0 ? `\n     ... ${hidden.join(', ')} (--all shows them)` : ''}`;
}

function kept(layer: ReportLayer): string {
  const retained = layer.actual ?? layer.expected;
  return retained === null ? `? of ${layer.filters}` : `${retained.length} of ${layer.filters}`;
}

/** Members of a group miss the same filters: once is enough. */
function isSameChange(layer: ReportLayer, before: ReportLayer | undefined): boolean {
  const isCut = layer.verdict === 'mismatch' && layer.missing.length + layer.unexpected.length > 0;
  return isCut && before !== undefined && layer.group === before.group && change(layer) === change(before);
}

function change(layer: ReportLayer): string {
  if (layer.verdict === null) return retainedWords(layer);
  const parts = [
    layer.missing.length > 0 ? `missing ${filterWords(layer.missing, MAX_IN_ROW)}` : '',
    layer.unexpected.length > 0 ? `unexpected ${filterWords(layer.unexpected, MAX_IN_ROW)}` : '',
  ].filter((part) => part !== '');
  if (parts.length > 0) return parts.join('; ');
  // What could not be verified is reported below the table, once for all layers with one cause.
  return layer.verdict === 'mismatch' || layer.verdict === 'ambiguous'
    ? cutText(oneLine(layer.reason), MAX_REASON)
    : '';
}

function retainedWords({ actual, expected, reason }: ReportLayer): string {
  const retained = actual ?? expected;
  return retained === null ? shortLine(reason) : filterWords(retained, retained.length);
}

function refusal({ refusal: raised, findings }: Report): string[] {
  if (raised === null || findings.some(({ details }) => details.includes(raised.message))) return [];
  const at = raised.layer === null || raised.message.includes(raised.layer) ? '' : ` at ${raised.layer}`;
  return [shortLine(`note: on this model the real pruner may raise${at}: ${raised.message}`)];
}

/** The worst in full, then titles: nobody reads the twentieth explanation. */
function findings(all: readonly Finding[], isWhole: boolean): string[] {
  const full = isWhole ? all : all.slice(0, MAX_FULL_FINDINGS);
  const rest = all.slice(full.length);
  const titles = rest.slice(0, MAX_TITLES).map(({ title }) => shortLine(title));
  const more = rest.length > MAX_TITLES ? [`... and ${rest.length - MAX_TITLES} more findings`] : [];
  return [
    ...full.map(findingText),
    [...titles, ...more, ...(rest.length > 0 ? ['(--all explains them)'] : [])].join('\n'),
  ];
}

function findingText({ title, details }: Finding): string {
  return [shortLine(title), ...details.map((line) => `  ${shortLine(line)}`)].join('\n');
}

function verdictLine(report: Report, explain: string | null): string {
  const { totals, verdict } = report;
  const layers = `${totals.layers} layers`;
  switch (verdict) {
    case 'conforms': {
      if (report.dialect === null) return `conforms: ${COMPUTES_THE_SAME}`;
      const ambiguous = totals.ambiguous > 0 ? `, ${totals.ambiguous} of them ambiguous` : '';
      return `conforms: ${layers} keep the filters that the spec asks for${ambiguous}`;
    }
    case 'diverges':
      return totals.mismatch > 0
        ? `diverges: ${totals.mismatch} of ${layers}${pointer(report, explain)}`
        : `diverges: ${shortLine(report.findings[0]?.title ?? '')}`;
    case 'unverifiable':
      return totals.unverifiable > 0
        ? `unverifiable: ${totals.unverifiable} of ${layers} could not be checked`
        : `unverifiable: ${shortLine(report.findings[0]?.title ?? '')}`;
    case null:
      return '';
  }
}

/** Where to look for the numbers behind the worst divergence. */
function pointer({ layers, findings }: Report, explain: string | null): string {
  const explained = new Set(layers.filter((layer) => layer.explanation !== null).map((layer) => layer.name));
  const worst = findings.flatMap((finding) => finding.layers).find((name) => explained.has(name));
  // A command that is cut would be another one.
  if (worst === undefined || explain === null || shortName(worst) !== oneLine(worst)) return '';
  return `. Why ${shortName(worst)}? ${explain} --layer ${oneLine(shellWord(worst))}`;
}
