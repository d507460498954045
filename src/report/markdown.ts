import { duration, filterWords, percentChange, size, thousands } from '../prose/index.ts';
import type { Finding } from '../verdict/index.ts';
import { bar } from './bar.ts';
import { baselineLine, flipLines } from './baseline-lines.ts';
import { changesBlock } from './changes.ts';
import { type Detail, LIMITS, type Limits } from './detail.ts';
import { escapedName } from './escape.ts';
import { COMPUTES_THE_SAME, executionLines } from './execution.ts';
import { describeGpu } from './gpu.ts';
import { groupLetters } from './groups.ts';
import { lintText } from './lint.ts';
import { lockBlock } from './lock-block.ts';
import { folded, line, more, table } from './markdown-blocks.ts';
import { COMPLETENESS_UNCHECKED, type ModelError, type Report, type ReportLayer, type ReportSet } from './report.ts';
import { sharedCause } from './shared-cause.ts';

const ICONS = { conforms: '✅', diverges: '❌', unverifiable: '❓' } as const;
const LAYER_ICONS = { match: '✅', mismatch: '❌', ambiguous: '≈', unverifiable: '❓' } as const;
/** Details of a finding, and layers that differ, up to so many are not folded up. */
const UNFOLDED = 3;
const UNFOLDED_LAYERS = 6;
/** Of the headline's heading. */
const TOP = 3;
/** Findings with one cause that are shown in full. */
const EXAMPLES = 2;
/** Filters and ranges of them in the table of all layers. */
const MAX_RETAINED = 64;

/** The page of the line that decided on a finding; null where there is none. */
export type LinkOf = (finding: Finding) => Link | null;

export interface Link {
  /** Plain text. */
  readonly text: string;
  readonly url: string;
}

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
      ...[filters.retained === null ? '' : change(filters.dense, filters.retained)],
      ...[parameters.pruned === null ? '' : change(parameters.dense, parameters.pruned)],
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
  const shared = sharedCause(report.findings);
  const full = shared === null ? limits.findings : Math.min(limits.findings, EXAMPLES);
  const blocks = [
    `${'#'.repeat(level)} ${icon(report.verdict)}prunegate: ${escapedName(report.model)} ${isWord(report.verdict)}`.trimEnd(),
    isReportedBelow(report, limits) ? 'No layer diverges, but something else does.' : summary(report),
    ...gate(report),
    ...(level === TOP ? changesBlock([report], limits.titles) : []),
    ...lockBlock(report, limits.rows),
    sizes(report),
    ...sinceBaseline(report, limits),
    ...(shared === null || limits.findings === 0 ? [] : [causeLine(shared)]),
    ...differences(report, limits),
    ...report.findings
      .slice(0, full)
      .map((finding) => findingBlock(finding, limits, linkOf(finding), finding.cause === shared)),
    ...titles(report.findings.slice(full), limits),
    ...executed(report, limits),
    ...report.lints.slice(0, limits.notes).map((lint) => `> ${line(lintText(lint))}`),
    ...report.notes.slice(0, limits.notes).map((note) => `> ${line(note)}`),
    ...(limits.notes === 0 ? [] : more(report.notes.length - limits.notes, 'more notes', 'are in the JSON report')),
    ...(limits.allLayers || report.verdict === null ? [layersFold(report), inputsFold(report)] : []),
  ];
  return blocks.filter((block) => block !== '');
}

function summary({ verdict, totals, findings, dialect }: Report): string {
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

function sizes({ totals: { filters, parameters, macs, bytes }, execution }: Report): string {
  const parts = [
    ['Filters', filters.dense, filters.retained],
    ['parameters', parameters.dense, parameters.pruned],
    ['MACs', macs.dense, macs.pruned],
    ['bytes', bytes.dense, bytes.pruned],
  ] as const;
  const shown = parts.flatMap(([name, before, after]) =>
    before === null || after === null ? [] : [`${name} ${change(before, after)}`],
  );
  return [...shown, ...latency(execution)].join(' · ');
}

/** What became of the model since its baseline. */
function sinceBaseline(report: Report, { rows }: Limits): string[] {
  const sentence = baselineLine(report);
  if (sentence === null) return [];
  const flips = flipLines(report);
  const list = [
    ...flips.slice(0, rows).map((flip) => `- ${line(flip)}`),
    ...more(flips.length - rows, 'more layers', 'are in the JSON report').map((each) => `- ${each}`),
  ].join('\n');
  const shown =
    flips.length === 0 || rows === 0 ? [] : [flips.length <= UNFOLDED ? list : folded('Layers that flipped', list)];
  return [`${line(`${sentence.charAt(0).toUpperCase()}${sentence.slice(1)}`)}.`, ...shown];
}

function latency(execution: Report['execution']): string[] {
  if (execution?.latency == null) return [];
  const [before, after] = [execution.latency.dense.median, execution.latency.pruned.median];
  const shown = (value: number): string => String(Number(value.toPrecision(3)));
  return [`latency ${shown(before)} → ${shown(after)} ms (${percentChange(after, before)})`];
}

function change(before: number, after: number): string {
  const by = percentChange(after, before);
  return `${size(before)} → ${size(after)}${by === '' ? '' : ` (${by})`}`;
}

/** Layers that differ, worst first. Those that could not be verified are reported in the findings, once for each cause. */
function differences(report: Report, { rows }: Limits): string[] {
  const worth = (['mismatch', 'ambiguous'] as const).flatMap((verdict) =>
    report.layers.filter((layer) => layer.verdict === verdict),
  );
  if (worth.length === 0 || rows === 0) return [];
  const cells = worth
    .slice(0, rows)
    .map((layer) => [layerName(layer), kept(layer), escapedName(layer.rule), difference(layer)]);
  const blocks = [
    table(['layer', 'kept', 'rule that decided', 'difference'], cells),
    ...more(worth.length - rows, 'more layers', 'are in the JSON report'),
  ];
  return worth.length <= UNFOLDED_LAYERS
    ? blocks
    : [folded(`${thousands(worth.length)} layers that differ`, blocks.join('\n\n'))];
}

function findingBlock(finding: Finding, { lines }: Limits, link: Link | null, isCauseTold: boolean): string {
  const { title, details, cause } = finding;
  const others = details.filter((detail) => detail !== cause);
  const shown = others.slice(0, lines).map(line);
  const hidden = more(others.length - lines, 'more lines', 'are in the JSON report');
  const [first, ...rest] = shown;
  const list = [...rest, ...hidden].map((each) => `- ${each}`).join('\n');
  return [
    `**${line(title)}**${link === null ? '' : ` · [${line(link.text)}](${link.url})`}`,
    ...(first === undefined ? [] : [first]),
    ...(cause === undefined || isCauseTold ? [] : [causeLine(cause)]),
    ...(list === '' ? [] : rest.length <= UNFOLDED ? [list] : [folded('Filter by filter', list)]),
  ].join('\n\n');
}

function causeLine(cause: string): string {
  return `**Likely cause:** ${line(cause)}`;
}

function titles(findings: readonly Finding[], limits: Limits): string[] {
  if (limits.titles === 0) return [];
  const shown = findings.slice(0, limits.titles).map(({ title }) => `- ${line(title)}`);
  if (shown.length === 0) return [];
  return [
    ...(limits.findings === 0 ? [] : ['Also:']),
    shown.join('\n'),
    ...more(findings.length - shown.length, 'more findings', 'are in the JSON report'),
  ];
}

function layersFold(report: Report): string {
  const letters = groupLetters(report);
  const rows = report.layers.map((layer) => [
    layerName(layer),
    kept(layer),
    escapedName(layer.rule),
    letters.get(layer.group ?? -1) ?? '',
    filterWords(layer.actual ?? layer.expected ?? [], MAX_RETAINED),
  ]);
  return folded(
    `All ${thousands(report.layers.length)} layers`,
    table(['layer', 'kept', 'rule that decided', 'group', 'retained filters'], rows),
  );
}

function ofReleases(releases: readonly string[] = []): string {
  return releases.length === 0 ? '' : `, as ${releases.length === 1 ? 'release' : 'releases'} ${releases.join(', ')}`;
}

function inputsFold({ inputs, spec, dialect, releases, commands, gpus }: Report): string {
  const file = (role: string, input: Report['inputs']['pruned']): string[][] =>
    input === null ? [] : [[role, line(input.path), input.folding, input.sha256 === null ? '' : `\`${input.sha256}\``]];
  const settings = Object.entries(spec ?? {})
    .filter(([, value]) => !Array.isArray(value) || value.length > 0)
    .map(([key, value]) => `${key} ${Array.isArray(value) ? value.join(', ') : String(value)}`);
  const shown = [dialect === null ? '' : `dialect ${dialect}${ofReleases(releases)}`, ...settings]
    .filter((part) => part !== '')
    .map(line);
  const made = [
    ...commands.map(({ name, seconds }) => `${name} ${duration(seconds * 1000)}`),
    ...(gpus ?? []).map((gpu) => line(describeGpu(gpu))),
  ].join(' · ');
  return folded(
    'What was checked',
    [
      table(['', 'file', 'weights', 'SHA-256'], [...file('dense', inputs.dense), ...file('pruned', inputs.pruned)]),
      ...(shown.length === 0 ? [] : [shown.join(' · ')]),
      ...(made === '' ? [] : [made]),
    ].join('\n\n'),
  );
}

function layerName({ name, verdict }: ReportLayer): string {
  return `${verdict === null ? '' : `${LAYER_ICONS[verdict]}\u00a0`}${escapedName(name)}`;
}

function kept({ actual, expected, filters }: ReportLayer): string {
  const retained = actual ?? expected;
  // The spaces do not break: a narrow column would make three lines of it.
  if (retained === null) return `?\u00a0of\u00a0${thousands(filters)}`;
  return `${bar(retained.length, filters)}\u00a0${thousands(retained.length)}\u00a0of\u00a0${thousands(filters)}`;
}

function difference({ missing, unexpected, reason }: ReportLayer): string {
  const parts = [
    missing.length > 0 ? `missing ${filterWords(missing)}` : '',
    unexpected.length > 0 ? `unexpected ${filterWords(unexpected)}` : '',
  ].filter((part) => part !== '');
  return parts.length > 0 ? parts.join('<br>') : line(reason);
}

function icon(verdict: Report['verdict']): string {
  return verdict === null ? '' : `${ICONS[verdict]} `;
}

function rank({ verdict }: Report): number {
  return verdict === null ? 3 : ['diverges', 'unverifiable', 'conforms'].indexOf(verdict);
}

function isWord(verdict: Report['verdict']): string {
  return verdict === 'unverifiable' ? 'is unverifiable' : (verdict ?? '');
}

function areWord(verdict: Report['verdict']): string {
  return verdict === 'unverifiable' ? 'are unverifiable' : 'diverge';
}
