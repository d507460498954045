import { change, size } from '../../prose/index.ts';
import { type Detail, LIMITS, type Limits } from '../detail.ts';
import { escapedName } from '../escape.ts';
import { executionLines } from '../execution.ts';
import { lintText } from '../lint.ts';
import { COMPLETENESS_UNCHECKED, type ModelError, type Report, type ReportSet } from '../report.ts';
import { line, more, table } from './blocks.ts';
import { changesBlock } from './changes.ts';
import { findingBlocks, type LinkOf, sharedCauseBlock } from './findings.ts';
import { inputsFold } from './inputs.ts';
import { differences, layersFold } from './layers.ts';
import { lockBlock } from './lock.ts';
import { sinceBaseline, sizes } from './sizes.ts';
import { areWord, icon, isWord, summary } from './verdict.ts';

/** Of the headline's heading. */
const TOP = 3;

/** Where a text is read. */
export interface Medium {
  readonly linkOf: LinkOf;
  /** Whether secrets are masked there: a message of an error may quote an input, and with it one. */
  readonly isMasked: boolean;
}

const LOG: Medium = { linkOf: () => null, isMasked: true };

/** The result for a pull request's reader: verdict first, then what diverges and why. */
export function renderMarkdown(report: Report | ReportSet, detail: Detail = 'layers', medium = LOG): string {
  const limits = LIMITS[detail];
  const set = 'reports' in report ? report : { reports: [report], verdict: report.verdict, errors: [] };
  const [only] = set.reports;
  const [title = '', ...blocks] =
    set.reports.length === 1 && only !== undefined && set.errors.length === 0
      ? modelBlocks(only, limits, medium.linkOf, TOP)
      : setBlocks(set, limits, medium);
  // In the headline: it is all that some readers see.
  const open = 'completeness' in set && set.completeness === 'unchecked' ? `; ${COMPLETENESS_UNCHECKED}` : '';
  const advice =
    open === ''
      ? []
      : ['Nobody said which models there should be: give `models` or `config`, and one without a report fails.'];
  return [`${title}${open}`, ...advice, ...blocks].join('\n\n');
}

function setBlocks(
  { reports, verdict, errors }: Pick<ReportSet, 'reports' | 'verdict' | 'errors'>,
  limits: Limits,
  { linkOf, isMasked }: Medium,
): string[] {
  const unchecked = verdict === 'unverifiable' ? errors.length : 0;
  const worst = reports.filter((report) => report.verdict === verdict).length + unchecked;
  const title = `### ${icon(verdict)}prunegate: ${
    verdict === 'conforms'
      ? `all ${reports.length} models conform`
      : `${worst} of ${reports.length + errors.length} models ${worst === 1 ? isWord(verdict) : areWord(verdict)}`
  }`;
  const shown = [...reports].sort((a, b) => rank(a) - rank(b)).slice(0, limits.models);
  const rows = shown.map((report) => {
    const { filters, parameters } = report.totals;
    return [
      `${icon(report.verdict)}${escapedName(report.model)}`,
      summary(report),
      ...[filters.retained === null ? '' : change(filters.dense, filters.retained, size)],
      ...[parameters.pruned === null ? '' : change(parameters.dense, parameters.pruned, size)],
    ];
  });
  return [
    title,
    ...changesBlock(reports, limits.titles),
    ...uncheckedBlocks(errors, limits, isMasked),
    ...(rows.length === 0 ? [] : [table(['model', 'verdict', 'filters', 'parameters'], rows)]),
    ...more(reports.length - shown.length, limits.models === 0 ? 'models' : 'more models', 'are in the report'),
    ...shown
      .filter((report) => report.verdict !== 'conforms')
      .flatMap((report) => modelBlocks(report, limits, linkOf, TOP + 1)),
  ];
}

function uncheckedBlocks(errors: readonly ModelError[], { models }: Limits, isMasked: boolean): string[] {
  const shown = errors.slice(0, models).map(({ model, message }) => {
    const why = isMasked ? `: ${line(message)}` : '. The job summary says why.';
    return `${icon('unverifiable')}${escapedName(model)} was not checked${why}`;
  });
  return [
    ...shown,
    ...more(errors.length - shown.length, shown.length === 0 ? 'models' : 'more models', 'were not checked'),
  ];
}

function modelBlocks(report: Report, limits: Limits, linkOf: LinkOf, level: number): string[] {
  const blocks = [
    `${'#'.repeat(level)} ${icon(report.verdict)}prunegate: ${escapedName(report.model)} ${isWord(report.verdict)}`.trimEnd(),
    isReportedBelow(report, limits) ? 'No layer diverges, but something else does.' : summary(report),
    ...gate(report),
    ...(level === TOP ? changesBlock([report], limits.titles) : []),
    ...lockBlock(report, limits.rows),
    sizes(report),
    ...sinceBaseline(report, limits),
    ...sharedCauseBlock(report, limits),
    ...differences(report, limits),
    ...findingBlocks(report, limits, linkOf),
    ...executed(report, limits),
    ...report.lints.slice(0, limits.notes).map((lint) => `> ${line(lintText(lint))}`),
    ...report.notes.slice(0, limits.notes).map((note) => `> ${line(note)}`),
    ...(limits.notes === 0 ? [] : more(report.notes.length - limits.notes, 'more notes', 'are in the JSON report')),
    ...(limits.allLayers || report.verdict === null ? [layersFold(report), inputsFold(report)] : []),
  ];
  return blocks.filter((block) => block !== '');
}

/** A failed gate or a foreign layer has no layer to count, and a finding with a title of its own. */
function isReportedBelow({ verdict, totals, findings }: Report, limits: Limits): boolean {
  return verdict === 'diverges' && totals.mismatch === 0 && findings.length > 0 && limits.findings > 0;
}

/** What executing both models showed, for a reader who has room. */
function executed(report: Report, { lines }: Limits): string[] {
  const shown = executionLines(report).filter((text) => !text.startsWith('pruning: '));
  return lines === 0 || shown.length === 0 ? [] : [shown.map((each) => `- ${line(each)}`).join('\n')];
}

/** A verdict of another colour than the check needs a word. */
function gate({ verdict, conclusion }: Report): string[] {
  if (verdict === 'conforms' && conclusion === 'failure')
    return ['It fails the gate all the same: `fail-on` names `ambiguous`.'];
  if (verdict === 'conforms' || verdict === null || conclusion !== 'neutral') return [];
  return ['This does not fail the gate: `warn-only` or `fail-on` says so.'];
}

function rank({ verdict }: Report): number {
  return verdict === null ? 3 : ['diverges', 'unverifiable', 'conforms'].indexOf(verdict);
}
