import { filterWords, thousands } from '../../prose/index.ts';
import { bar } from '../bar.ts';
import type { Limits } from '../detail.ts';
import { escapedName } from '../escape.ts';
import { groupLetters } from '../groups.ts';
import type { Report, ReportLayer } from '../report.ts';
import { folded, line, more, table } from './blocks.ts';

const ICONS = { match: '✅', mismatch: '❌', ambiguous: '≈', unverifiable: '❓' } as const;
/** Layers that differ, up to so many are not folded up. */
const UNFOLDED = 6;
/** Filters and ranges of them in the table of all layers. */
const MAX_RETAINED = 64;

/** Layers that differ, worst first. Those that could not be verified are reported in the findings, once for each cause. */
export function differences(report: Report, { rows }: Limits): string[] {
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
  return worth.length <= UNFOLDED
    ? blocks
    : [folded(`${thousands(worth.length)} layers that differ`, blocks.join('\n\n'))];
}

export function layersFold(report: Report): string {
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

function layerName({ name, verdict }: ReportLayer): string {
  return `${verdict === null ? '' : `${ICONS[verdict]}\u00a0`}${escapedName(name)}`;
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
