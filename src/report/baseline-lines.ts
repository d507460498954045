import { change, counted, joined, rounded, size } from '../prose/index.ts';
import { flipLine } from '../verdict/index.ts';
import type { Report } from './report.ts';

/** What became of the model since its baseline, a sentence; null where there is none. */
export function baselineLine(report: Report): string | null {
  const { baseline } = report;
  if (baseline == null || baseline.problem !== null) return null;
  const { count, flipped, open, file } = baseline;
  const flips =
    count > 0
      ? `${counted(count, 'filter')} of ${joined(flipped.map(({ layer }) => layer))} flipped`
      : open.length > 0
        ? 'no filter that is known of both flipped'
        : 'no filter flipped';
  return [`since the baseline (${file}): ${flips}`, ...deltas(report)].join(', ');
}

/** Layers that keep other filters than they did, one by one. */
export function flipLines({ baseline }: Report): readonly string[] {
  return (baseline?.flipped ?? []).map(flipLine);
}

function deltas({ baseline, totals, execution }: Report): readonly string[] {
  const before = baseline?.before ?? null;
  if (before === null) return [];
  const sides = [
    ['filters', before.filters, totals.filters.retained],
    ['parameters', before.parameters, totals.parameters.pruned],
    ['MACs', before.macs, totals.macs.pruned],
    ['bytes', before.bytes, totals.bytes.pruned],
  ] as const;
  return [
    ...sides.flatMap(([unit, old, now]) =>
      old === null || now === null || old === now ? [] : [`${unit} ${change(old, now, size)}`],
    ),
    ...latency(before.latencyMs, execution),
  ];
}

/** Two runs on one machine differ as well: how much one of them varies is said beside it. */
function latency(old: number | null, execution: Report['execution']): readonly string[] {
  const now = execution?.latency?.pruned ?? null;
  if (old === null || now === null) return [];
  const isNoise = old >= now.low && old <= now.high;
  return [
    `latency ${change(old, now.median, rounded)} ms (quartiles ${rounded(now.low)} to ${rounded(now.high)}${isNoise ? ', within noise' : ''})`,
  ];
}
