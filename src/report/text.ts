import { oneLine } from '../errors/input-error.ts';
import { filterWords, percentChange, shellWord, thousands } from '../prose/index.ts';
import type { Finding } from '../verdict/index.ts';
import { baselineLine, flipLines } from './baseline-lines.ts';
import { columns, filledColumns } from './columns.ts';
import { cutText, shortLine, shortName } from './escape.ts';
import { COMPUTES_THE_SAME, executionLines } from './execution.ts';
import { groupLetters } from './groups.ts';
import { lintText } from './lint.ts';
import type { Reader } from './reader.ts';
import type { Report, ReportLayer } from './report.ts';
import { PLAIN, type Style, TONES } from './style.ts';
import { findingBlocks, findingText, globalFinding, remediesOf } from './text-findings.ts';
import { weightsWords } from './weights-words.ts';

/** Layers that match are shown up to this many; more are counted. */
const SHOWN_MATCHES = 4;
/** Layers that could not be verified are shown up to this many; the finding below names why. */
const SHOWN_UNVERIFIABLE = 8;
/** Layers that flipped since the baseline. */
const MAX_FLIPS = 6;
/** Filters and ranges of them in a row of the table. */
const MAX_IN_ROW = 6;
/** Characters of a reason in a row. */
const MAX_REASON = 100;
const MARKS: Readonly<Record<string, string>> = { match: ' ', ambiguous: '~', mismatch: 'x', unverifiable: '?' };

/** The result for a terminal: sizes, the layers worth looking at, why, and one verdict at the end. */
export function renderText(report: Report, { all, explain, style = PLAIN }: Reader): string {
  const global = globalFinding(report);
  // Who reads a log, or a merged report, cannot ask again.
  const hint = explain(report.model) === null ? 'the JSON report has them' : '--all shows them';
  const blocks = [
    head(report),
    global === null ? '' : findingText(global, { remedies: remediesOf(report), style, told: null }),
    table(report, { all, style, global, hint }),
    executionLines(report).map(shortLine).join('\n'),
    sinceBaseline(report),
    ...findingBlocks(report, { isWhole: all, style, hint }),
    ...refusal(report),
    [
      ...report.lints.map((lint) => shortLine(lintText(lint))),
      ...report.notes.map((note) => `note: ${shortLine(note)}`),
    ].join('\n'),
    toned(verdictLine(report, explain(report.model)), report, style),
  ];
  return `${blocks.filter((block) => block !== '').join('\n\n')}\n`;
}

function head(report: Report): string {
  const { totals, inputs } = report;
  const title = [`prunegate ${report.tool.version}`, report.dialect, report.specSummary]
    .filter((part) => part !== null)
    .join('  ');
  const { dense, pruned } = totals.parameters;
  const saved = pruned === null || dense === 0 ? '' : `   (${percentChange(pruned, dense)})`;
  const words = weightsWords(report);
  const rows = [
    [
      'dense',
      oneLine(inputs.dense.path),
      `${thousands(totals.layers)} layers, ${thousands(totals.filters.dense)} filters, ${thousands(totals.parameters.dense)} parameters`,
      words.dense,
    ],
    ...(inputs.pruned === null || totals.parameters.pruned === null || totals.filters.retained === null
      ? []
      : [
          [
            'pruned',
            oneLine(inputs.pruned.path),
            `${thousands(totals.layers)} layers, ${thousands(totals.filters.retained)} filters, ${thousands(totals.parameters.pruned)} parameters${saved}`,
            words.pruned,
          ],
        ]),
  ];
  return `${title}\n${columns(rows, '')}`;
}

interface TableView {
  readonly all: boolean;
  readonly style: Style;
  /** What stands above the table: its layers are only counted. */
  readonly global: Finding | null;
  /** Where the reader finds the rest. */
  readonly hint: string;
}

function table(report: Report, { all, style, global, hint }: TableView): string {
  const letters = groupLetters(report);
  const of = (verdict: string): readonly ReportLayer[] => report.layers.filter((layer) => layer.verdict === verdict);
  const said = new Set(global?.layers);
  const [matches, open] = [of('match'), of('unverifiable')];
  const shownOpen = open.filter(({ name }) => !said.has(name)).slice(0, SHOWN_UNVERIFIABLE);
  const worth = [...of('mismatch'), ...of('ambiguous'), ...shownOpen];
  if (!all && report.verdict === 'conforms' && worth.length === 0) return '';
  // Both models were executed, and nothing else was asked.
  if (!all && report.verdict !== null && worth.length + matches.length === 0) return '';
  const isWhole = all || report.verdict === null;
  const shown = isWhole ? report.layers : [...worth, ...matches.slice(0, SHOWN_MATCHES)];
  if (shown.length === 0) return '';
  const changes = shown.map(change);
  const rows = shown.map((layer, at) => [
    mark(layer, style),
    shortName(layer.name),
    kept(layer),
    layer.rule,
    letters.get(layer.group ?? -1) ?? '',
    isSameChange(layer, shown[at - 1]) ? 'same' : changes[at]!,
  ]);
  const hidden = [
    ...(open.length > shownOpen.length ? [`${open.length - shownOpen.length} more could not be verified`] : []),
    ...(matches.length > SHOWN_MATCHES ? [`${matches.length - SHOWN_MATCHES} more match`] : []),
  ];
  const header = ['', 'layer', 'kept', 'rule that decided', 'group', ''];
  return `${filledColumns(header, rows, '  ')}${!isWhole && hidden.length > 0 ? `\n     ... ${hidden.join(', ')} (${hint})` : ''}`;
}

function mark({ verdict }: ReportLayer, style: Style): string {
  const sign = MARKS[verdict ?? 'match'] ?? ' ';
  return sign === ' ' ? sign : style(TONES[verdict ?? ''] ?? 'open', sign);
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

function sinceBaseline(report: Report): string {
  const sentence = baselineLine(report);
  if (sentence === null) return '';
  const flips = flipLines(report);
  const more = flips.length > MAX_FLIPS ? [`  ... and ${flips.length - MAX_FLIPS} more layers`] : [];
  return [sentence, ...flips.slice(0, MAX_FLIPS).map((flip) => `  ${flip}`), ...more].map(shortLine).join('\n');
}

function refusal({ refusal: raised, findings }: Report): string[] {
  if (raised === null || findings.some(({ details }) => details.includes(raised.message))) return [];
  const at = raised.layer === null || raised.message.includes(raised.layer) ? '' : ` at ${raised.layer}`;
  return [shortLine(`note: on this model the real pruner may raise${at}: ${raised.message}`)];
}

/** The verdict's own word stands out. */
function toned(line: string, { verdict }: Report, style: Style): string {
  if (verdict === null || !line.startsWith(verdict)) return line;
  return `${style(TONES[verdict]!, verdict)}${line.slice(verdict.length)}`;
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
