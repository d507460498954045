import { comparePair } from './compare.ts';
import type { Case, CaseResult, CompareJob, CompareResult, Feed, PairResult, Side, TensorPair } from './protocol.ts';
import { roundingOf } from './rounding.ts';
import { type Runtime, type Session, tensorsOf, withSessions } from './session.ts';
import type { Tensor } from './slices.ts';

/** Inputs that differ in their last bits, so many times: one run may round the same by chance. */
const SHAKEN_RUNS = 3;

type Results = ReadonlyMap<string, Tensor>;

/** Both models at work. */
interface Bench {
  readonly runtime: Runtime;
  readonly job: CompareJob;
  readonly sessions: Readonly<Record<Side, Session>>;
  /** The dense model as onnxruntime runs it without any optimization, on one thread; opened when it is first asked for. */
  reference(): Promise<Session>;
  progress(line: string): void;
}

/** Runs both models once on every case, and compares what they compute. */
export function runCompare(
  runtime: Runtime,
  job: CompareJob,
  progress: (line: string) => void,
): Promise<CompareResult> {
  return withSessions(runtime, async (open) => {
    const sessions = {
      dense: await open(job.dense, 'dense', { isProfiled: true }),
      pruned: await open(job.pruned, 'pruned', { isProfiled: true }),
    };
    let reference: Promise<Session> | null = null;
    const cases = await compareCases({
      runtime,
      job,
      sessions,
      reference: () => {
        reference ??= open(job.dense, 'dense', { isPlain: true });
        return reference;
      },
      progress,
    });
    return {
      kind: 'compare',
      cases,
      use: { dense: sessions.dense.endProfile(), pruned: sessions.pruned.endProfile() },
    };
  });
}

async function compareCases(bench: Bench): Promise<readonly CaseResult[]> {
  const { cases, layersIn } = bench.job;
  const results: CaseResult[] = [];
  for (const one of cases) {
    const found = await compareCase(bench, one, one.name === layersIn);
    const isFirst = !results.some(isDifferent);
    // Only a wrong model is run once more, to name the layer.
    results.push(isFirst && found.layers === null && isDifferent(found) ? await compareCase(bench, one, true) : found);
  }
  const noisy = cases.find(({ name }) => name === layersIn);
  if (noisy !== undefined && results.some(isOverflown) && !results.some(isDifferent))
    results.push(await compareCase(bench, faint(noisy), true));
  return results;
}

/** Noise so faint that what is exponential in it stays finite. */
const FAINT = 1 / 64;

function faint({ name, feeds }: Case): Case {
  const fainter = (feed: Feed): Feed =>
    feed.fill.kind === 'noise' ? { ...feed, fill: { ...feed.fill, deviation: FAINT } } : feed;
  return { name: `faint ${name}`, feeds: feeds.map(fainter) };
}

function isOverflown({ outputs, layers }: CaseResult): boolean {
  return [...outputs, ...(layers ?? [])].some(({ overflown }) => overflown > 0);
}

function isDifferent({ outputs }: CaseResult): boolean {
  return outputs.some(({ outcome }) => outcome === 'different');
}

async function compareCase(bench: Bench, one: Case, withLayers: boolean): Promise<CaseResult> {
  const { job } = bench;
  const pairs = [...job.outputs, ...(withLayers ? job.layers : [])];
  const [dense, pruned] = [await runSide(bench, 'dense', one, pairs), await runSide(bench, 'pruned', one, pairs)];
  const compared = pairs.map((pair) =>
    comparePair(pair, tensorOf(dense, pair.dense), tensorOf(pruned, pair.pruned), job.tolerance),
  );
  const settled = await settle(bench, one, pairs, compared, dense, pruned);
  const [outputs, layers] = [settled.slice(0, job.outputs.length), settled.slice(job.outputs.length)];
  return { name: one.name, outputs, layers: withLayers ? layers : null };
}

async function runSide(
  { runtime, sessions, progress }: Bench,
  side: Side,
  one: Case,
  pairs: readonly TensorPair[],
): Promise<Results> {
  progress(`executing the ${side} model on ${one.name}`);
  await runtime.begin({ step: 'run', side });
  // Nothing to compare still is something to run.
  const names = new Set(pairs.map((pair) => pair[side]));
  return sessions[side].run(tensorsOf(runtime, one.feeds, side), names.size === 0 ? undefined : [...names]);
}

/** Whether what seems to differ is more than rounding, which is measured where anything does. */
async function settle(
  bench: Bench,
  one: Case,
  pairs: readonly TensorPair[],
  compared: readonly PairResult[],
  dense: Results,
  pruned: Results,
): Promise<readonly PairResult[]> {
  const suspects = pairs.filter((_, k) => compared[k]!.differing > 0 && compared[k]!.outcome === 'different');
  if (suspects.length === 0) return compared;
  const { runtime, job, progress } = bench;
  progress(`measuring the rounding of the dense model on ${one.name}`);
  const reference = await bench.reference();
  await runtime.begin({ step: 'run', side: 'dense' });
  const names = [...new Set(suspects.map((pair) => pair.dense))];
  const others: Results[] = [];
  for (let seed = 1; seed <= SHAKEN_RUNS; seed++)
    others.push(await reference.run(tensorsOf(runtime, one.feeds, 'dense', seed), names));
  return pairs.map((pair, k) => {
    if (!suspects.includes(pair)) return compared[k]!;
    const own = tensorOf(dense, pair.dense);
    const rounding = roundingOf(
      pair,
      own,
      others.map((results) => tensorOf(results, pair.dense)),
    );
    return comparePair(pair, own, tensorOf(pruned, pair.pruned), job.tolerance, rounding);
  });
}

function tensorOf(results: Results, name: string): Tensor {
  const found = results.get(name);
  if (found === undefined) throw new Error(`onnxruntime gave no ${name}`);
  return found;
}
