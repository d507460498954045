import type { Finding } from '../verdict/index.ts';
import { cutText, escaped, escapedName } from './escape.ts';
import { groupLetters } from './groups.ts';
import { percent, size, thousands } from './numbers.ts';
import type { Report, ReportLayer, ReportSet } from './report.ts';

/** How much is told, most first. What must fit somewhere takes the first that does; `counts` is never longer than a few lines. */
export const DETAILS = ['layers', 'whole', 'brief', 'titles', 'counts'] as const;
export type Detail = (typeof DETAILS)[number];

interface Limits {
  /** Every layer, in a table that is folded up. */
  readonly allLayers: boolean;
  /** Findings told with their details; of the rest the titles. */
  readonly findings: number;
  /** Details of a finding. */
  readonly lines: number;
  readonly titles: number;
  /** Rows of the table of layers that do not match. */
  readonly rows: number;
  readonly notes: number;
  /** Models told one by one. */
  readonly models: number;
}

const LIMITS: Readonly<Record<Detail, Limits>> = {
  layers: { allLayers: true, findings: 20, lines: 40, titles: 100, rows: 50, notes: 40, models: 100 },
  whole: { allLayers: false, findings: 5, lines: 20, titles: 20, rows: 20, notes: 10, models: 20 },
  brief: { allLayers: false, findings: 3, lines: 1, titles: 10, rows: 10, notes: 3, models: 10 },
  titles: { allLayers: false, findings: 0, lines: 0, titles: 10, rows: 0, notes: 0, models: 5 },
  counts: { allLayers: false, findings: 0, lines: 0, titles: 0, rows: 0, notes: 0, models: 0 },
};

const ICONS = { conforms: '✅', diverges: '❌', unverifiable: '❔' } as const;
const LAYER_ICONS = { match: '✅', mismatch: '❌', ambiguous: '≈', unverifiable: '❔' } as const;
/** A finding's details up to this many are not folded up. */
const UNFOLDED = 3;
const MAX_LINE = 1000;
/** Filters listed where a layer differs, and in the table of all layers. */
const MAX_INDICES = 12;
const MAX_RETAINED = 64;

/** The result for a pull request's reader: verdict first, then what diverges and why. */
export function renderMarkdown(report: Report | ReportSet, detail: Detail = 'layers'): string {
  const limits = LIMITS[detail];
  if (!('reports' in report)) return modelBlocks(report, limits, 3).join('\n\n');
  const [only] = report.reports;
  return report.reports.length === 1 && only !== undefined
    ? modelBlocks(only, limits, 3).join('\n\n')
    : setBlocks(report, limits).join('\n\n');
}

function setBlocks(set: ReportSet, limits: Limits): string[] {
  const { reports, verdict } = set;
  const worst = reports.filter((report) => report.verdict === verdict).length;
  const title = `### ${icon(verdict)}prunegate: ${
    verdict === 'conforms'
      ? `all ${reports.length} models conform`
      : `${worst} of ${reports.length} models ${worst === 1 ? isWord(verdict) : areWord(verdict)}`
  }`;
  const order = [...reports].sort((a, b) => rank(a) - rank(b));
  const shown = order.slice(0, limits.models);
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
    ...(rows.length === 0 ? [] : [table(['model', 'verdict', 'filters', 'parameters'], rows)]),
    ...more(reports.length - shown.length, limits.models === 0 ? 'models' : 'more models', 'are in the report'),
    ...shown.filter((report) => report.verdict !== 'conforms').flatMap((report) => modelBlocks(report, limits, 4)),
  ];
}

function modelBlocks(report: Report, limits: Limits, level: number): string[] {
  const blocks = [
    `${'#'.repeat(level)} ${icon(report.verdict)}prunegate: ${escapedName(report.model)} ${isWord(report.verdict)}`.trimEnd(),
    summary(report),
    ...gate(report),
    sizes(report),
    ...differences(report, limits),
    ...report.findings.slice(0, limits.findings).map((finding) => findingBlock(finding, limits)),
    ...titles(report.findings.slice(limits.findings), limits),
    ...report.notes.slice(0, limits.notes).map((note) => `> ${line(note)}`),
    ...(limits.notes === 0 ? [] : more(report.notes.length - limits.notes, 'more notes', 'are in the JSON report')),
    ...(limits.allLayers || report.verdict === null ? [layersFold(report), inputsFold(report)] : []),
  ];
  return blocks.filter((block) => block !== '');
}

function summary({ verdict, totals, findings }: Report): string {
  const layers = `${thousands(totals.layers)} ${totals.layers === 1 ? 'layer' : 'layers'}`;
  switch (verdict) {
    case null:
      return layers;
    case 'conforms': {
      const ambiguous = totals.ambiguous > 0 ? `, ${thousands(totals.ambiguous)} of them ambiguous` : '';
      return `${layers} keep the filters that the spec asks for${ambiguous}.`;
    }
    case 'diverges':
      return totals.mismatch > 0
        ? `**${thousands(totals.mismatch)} of ${layers}** ${totals.mismatch === 1 ? 'is' : 'are'} not what the spec asks for.`
        : `${line(findings[0]?.title ?? 'It differs')}.`;
    case 'unverifiable':
      return `**${thousands(totals.unverifiable)} of ${layers}** could not be verified.`;
  }
}

/** A verdict of another colour than the check needs a word. */
function gate({ verdict, conclusion }: Report): string[] {
  if (verdict === 'conforms' && conclusion === 'failure')
    return ['It fails the gate all the same: `fail-on` names `ambiguous`.'];
  if (verdict === 'conforms' || verdict === null || conclusion !== 'neutral') return [];
  return ['This does not fail the gate: `warn-only` or `fail-on` says so.'];
}

function sizes({ totals: { filters, parameters, macs } }: Report): string {
  const parts = [
    ['filters', filters.dense, filters.retained],
    ['parameters', parameters.dense, parameters.pruned],
    ['MACs', macs.dense, macs.pruned],
  ] as const;
  return parts
    .flatMap(([name, before, after]) => (before === null || after === null ? [] : [`${name} ${change(before, after)}`]))
    .join(' · ');
}

function change(before: number, after: number): string {
  const by = percent(after, before);
  return `${size(before)} → ${size(after)}${by === '' ? '' : ` (${by})`}`;
}

/** Layers that do not match, worst first. */
function differences(report: Report, { rows }: Limits): string[] {
  const worth = (['mismatch', 'ambiguous', 'unverifiable'] as const).flatMap((verdict) =>
    report.layers.filter((layer) => layer.verdict === verdict),
  );
  if (worth.length === 0 || rows === 0) return [];
  const letters = groupLetters(report);
  const cells = worth
    .slice(0, rows)
    .map((layer) => [layerName(layer), kept(layer), rule(layer, letters), difference(layer)]);
  return [
    table(['layer', 'kept', 'rule that decided', 'difference'], cells),
    ...more(worth.length - rows, 'more layers', 'are in the JSON report'),
  ];
}

function findingBlock(finding: Finding, { lines }: Limits): string {
  const { title, details, cause } = finding;
  const others = details.filter((detail) => detail !== cause);
  const shown = others.slice(0, lines).map(line);
  const hidden = more(others.length - lines, 'more lines', 'are in the JSON report');
  const [first, ...rest] = shown;
  const list = [...rest, ...hidden].map((each) => `- ${each}`).join('\n');
  return [
    `**${line(title)}**`,
    ...(first === undefined ? [] : [first]),
    ...(cause === undefined ? [] : [`**Likely cause:** ${line(cause)}`]),
    ...(list === '' ? [] : rest.length <= UNFOLDED ? [list] : [folded('Filter by filter', list)]),
  ].join('\n\n');
}

function titles(findings: readonly Finding[], limits: Limits): string[] {
  if (limits.titles === 0) return [];
  const shown = findings.slice(0, limits.titles).map(({ title }) => `- ${line(title)}`);
  return [shown.join('\n'), ...more(findings.length - shown.length, 'more findings', 'are in the JSON report')];
}

function layersFold(report: Report): string {
  const letters = groupLetters(report);
  const rows = report.layers.map((layer) => [
    layerName(layer),
    kept(layer),
    rule(layer, letters),
    indices(layer.actual ?? layer.expected ?? [], MAX_RETAINED),
  ]);
  return folded(
    `All ${thousands(report.layers.length)} layers`,
    table(['layer', 'kept', 'rule that decided', 'retained filters'], rows),
  );
}

function inputsFold({ inputs, spec, dialect }: Report): string {
  const file = (role: string, input: Report['inputs']['pruned']): string[][] =>
    input === null ? [] : [[role, line(input.path), input.folding, input.sha256 === null ? '' : `\`${input.sha256}\``]];
  const settings = Object.entries(spec ?? {})
    .filter(([, value]) => !Array.isArray(value) || value.length > 0)
    .map(([key, value]) => `${key} ${Array.isArray(value) ? value.join(', ') : String(value)}`);
  const told = [dialect === null ? '' : `dialect ${dialect}`, ...settings].filter((part) => part !== '').map(line);
  return folded(
    'What was checked',
    [
      table(['', 'file', 'weights', 'SHA-256'], [...file('dense', inputs.dense), ...file('pruned', inputs.pruned)]),
      ...(told.length === 0 ? [] : [told.join(' · ')]),
    ].join('\n\n'),
  );
}

function layerName({ name, verdict }: ReportLayer): string {
  return `${verdict === null ? '' : `${LAYER_ICONS[verdict]} `}${escapedName(name)}`;
}

function kept({ actual, expected, filters }: ReportLayer): string {
  const retained = actual ?? expected;
  return `${retained === null ? '?' : thousands(retained.length)} of ${thousands(filters)}`;
}

function rule({ rule: decided, group }: ReportLayer, letters: ReadonlyMap<number, string>): string {
  const letter = group === null ? undefined : letters.get(group);
  return `${escapedName(decided)}${letter === undefined ? '' : ` (${letter})`}`;
}

function difference({ missing, unexpected, reason }: ReportLayer): string {
  const parts = [
    missing.length > 0 ? `missing ${indices(missing)}` : '',
    unexpected.length > 0 ? `unexpected ${indices(unexpected)}` : '',
  ].filter((part) => part !== '');
  return parts.length > 0 ? parts.join('<br>') : line(reason);
}

function indices(filters: readonly number[], most = MAX_INDICES): string {
  return filters.length <= most
    ? filters.join(', ')
    : `${filters.slice(0, most).join(', ')} and ${thousands(filters.length - most)} more`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => ':--'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

/** @param title plain text of ours: markdown is not read there */
function folded(title: string, markdown: string): string {
  return `<details><summary>${title}</summary>\n\n${markdown}\n\n</details>`;
}

function more(count: number, what: string, where: string): string[] {
  return count > 0 ? [`... ${thousands(count)} ${what} ${where}.`] : [];
}

function line(text: string): string {
  return escaped(cutText(text, MAX_LINE));
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
