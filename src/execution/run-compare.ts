import { comparePair, type Tensor } from './compare.ts';
import type { CaseResult, CompareJob, CompareResult, ProviderUse, Side } from './protocol.ts';
import { openSession, type Runtime, tensorsOf } from './session.ts';

/**
 * Runs the dense model on every case, lets it go, and then the pruned one, so that no more than one model is in memory at a
 * time; what is kept of the dense one are the tensors to compare.
 */
export async function runCompare(
  runtime: Runtime,
  job: CompareJob,
  progress: (line: string) => void,
): Promise<CompareResult> {
  const use: Partial<Record<Side, readonly ProviderUse[]>> = {};
  const runSide = async (
    side: Side,
    each: (k: number, outputs: ReadonlyMap<string, Tensor>) => void,
  ): Promise<void> => {
    const session = await openSession(runtime, job[side], side, true);
    // Nothing to compare still is something to run.
    const names = new Set(job.pairs.map((pair) => pair[side]));
    const fetches = names.size === 0 ? undefined : [...names];
    for (const [k, { name, feeds }] of job.cases.entries()) {
      progress(`executing the ${side} model on ${name}`);
      await runtime.begin({ step: 'run', side });
      each(k, await session.run(tensorsOf(runtime, feeds), fetches));
    }
    use[side] = session.endProfile();
    await session.close();
  };
  const dense: ReadonlyMap<string, Tensor>[] = [];
  await runSide('dense', (k, outputs) => {
    dense[k] = outputs;
  });
  const cases: CaseResult[] = [];
  await runSide('pruned', (k, outputs) => {
    const pairs = job.pairs.map((pair) =>
      comparePair(pair, tensorOf(dense[k], pair.dense), tensorOf(outputs, pair.pruned), job.tolerance),
    );
    cases.push({ name: job.cases[k]!.name, pairs });
  });
  return { kind: 'compare', cases, use: { dense: use.dense!, pruned: use.pruned! } };
}

function tensorOf(outputs: ReadonlyMap<string, Tensor> | undefined, name: string): Tensor {
  const found = outputs?.get(name);
  if (found === undefined) throw new Error(`onnxruntime gave no ${name}`);
  return found;
}
