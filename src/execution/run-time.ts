import type { Latency, Side, TimeJob, TimeResult } from './protocol.ts';
import { type OpenSession, type Runtime, type Session, tensorsOf, withSessions } from './session.ts';

/** The first runs allocate, pick kernels and wake the clock of the processor. */
const WARM_UP_RUNS = 5;
const MIN_RUNS = 11;
const MAX_RUNS = 200;

/**
 * Times both models by turns, so that whatever else the machine does hits both alike, and compares neighbours: the ratio is
 * steadier than either latency.
 */
export async function runTime(runtime: Runtime, job: TimeJob): Promise<TimeResult> {
  const times = await withSessions(runtime, (open) => takenTimes(runtime, job, open));
  const { median, low, high } = latencyOf(times.pruned.map((time, k) => time / times.dense[k]!));
  return {
    kind: 'time',
    runs: times.dense.length,
    latency: { dense: latencyOf(times.dense), pruned: latencyOf(times.pruned) },
    ratio: median,
    ratioQuartiles: { low, high },
  };
}

async function takenTimes(runtime: Runtime, job: TimeJob, open: OpenSession): Promise<Record<Side, number[]>> {
  const sessions = { dense: await open(job.dense, 'dense'), pruned: await open(job.pruned, 'pruned') };
  const feeds = { dense: tensorsOf(runtime, job.feeds, 'dense'), pruned: tensorsOf(runtime, job.feeds, 'pruned') };
  await runtime.begin({ step: 'run', side: null });
  const end = performance.now() + job.budgetMs;
  for (let k = 0; k < WARM_UP_RUNS; k++)
    for (const side of ['dense', 'pruned'] as const) await timed(sessions[side], feeds[side]);
  const times: Record<Side, number[]> = { dense: [], pruned: [] };
  for (let k = 0; k < MAX_RUNS && (k < MIN_RUNS || performance.now() < end); k++) {
    // Whoever runs second finds the caches full of the other's weights.
    const order: readonly Side[] = k % 2 === 0 ? ['dense', 'pruned'] : ['pruned', 'dense'];
    for (const side of order) times[side].push(await timed(sessions[side], feeds[side]));
  }
  return times;
}

async function timed(session: Session, feeds: Readonly<Record<string, unknown>>): Promise<number> {
  const start = performance.now();
  await session.run(feeds);
  return performance.now() - start;
}

function latencyOf(times: readonly number[]): Latency {
  return { median: quantile(times, 0.5), low: quantile(times, 0.25), high: quantile(times, 0.75) };
}

/** Linear between neighbours, as numpy.quantile. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const at = share * (sorted.length - 1);
  const below = sorted[Math.floor(at)]!;
  return below + (sorted[Math.ceil(at)]! - below) * (at - Math.floor(at));
}
