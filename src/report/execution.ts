import { percentChange, rounded } from '../prose/index.ts';
import type { Report } from './report.ts';

/** The verdict where executing is all that was asked for. */
export const COMPUTES_THE_SAME = 'the pruned model computes what the dense one does with the same channels cut';

/** What executing both models showed, and what pruning bought, a sentence each; none where they were not executed. */
export function executionLines({ execution, totals }: Report): readonly string[] {
  if (execution === null) return [];
  const { provider, runtime, verdict, reason, latency } = execution;
  const result = verdict === null ? 'not compared' : verdict;
  const lines = [`executed on ${provider} by onnxruntime ${runtime.version}: ${result}; ${reason}`];
  const open = execution.inputs.filter(({ source }) => source !== null);
  if (open.length > 0)
    lines.push(
      `input sizes that the model leaves open: ${open.map(({ name, shape, source }) => `${name} ${shape.join('x')} (${source})`).join(', ')}`,
    );
  const saved = [
    ['parameters', totals.parameters],
    ['multiply-accumulates', totals.macs],
    ['bytes', totals.bytes],
  ] as const;
  const parts = saved.flatMap(([unit, { dense, pruned }]) =>
    dense === null || pruned === null ? [] : [`${unit} ${percentChange(pruned, dense)}`],
  );
  lines.push(`pruning: ${parts.join(', ')}`);
  if (latency !== null) {
    const batch = latency.batch === null ? '' : ` in batches of ${latency.batch}`;
    lines.push(
      `latency: ${milliseconds(latency.dense)} dense, ${milliseconds(latency.pruned)} pruned, ratio ${latency.ratio.toPrecision(3)}; medians of ${latency.runs} runs${batch}, quartiles in brackets`,
    );
  }
  return lines;
}

function milliseconds({ median, low, high }: { median: number; low: number; high: number }): string {
  const [short, from, to] = [median, low, high].map(rounded);
  return `${short} ms (${from} to ${to})`;
}
