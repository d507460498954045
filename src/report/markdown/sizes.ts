import { change, percentChange, rounded, size } from '../../prose/index.ts';
import { baselineLine, flipLines } from '../baseline-lines.ts';
import type { Limits } from '../detail.ts';
import type { Report } from '../report.ts';
import { folded, line, more } from './blocks.ts';

/** Layers that flipped, up to so many are not folded up. */
const UNFOLDED = 3;

/** What pruning took, of what there was. */
export function sizes({ totals: { filters, parameters, macs, bytes }, execution }: Report): string {
  const parts = [
    ['Filters', filters.dense, filters.retained],
    ['parameters', parameters.dense, parameters.pruned],
    ['MACs', macs.dense, macs.pruned],
    ['bytes', bytes.dense, bytes.pruned],
  ] as const;
  const shown = parts.flatMap(([name, before, after]) =>
    before === null || after === null ? [] : [`${name} ${change(before, after, size)}`],
  );
  return [...shown, ...latency(execution)].join(' · ');
}

function latency(execution: Report['execution']): string[] {
  if (execution?.latency == null) return [];
  const [before, after] = [execution.latency.dense.median, execution.latency.pruned.median];
  return [`latency ${rounded(before)} → ${rounded(after)} ms (${percentChange(after, before)})`];
}

/** What became of the model since its baseline. */
export function sinceBaseline(report: Report, { rows }: Limits): string[] {
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
