import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { CompareJob, Feed, TimeJob } from '../../src/execution/protocol.ts';
import { runCompare } from '../../src/execution/run-compare.ts';
import { runTime } from '../../src/execution/run-time.ts';
import { nearestRuntime } from '../../src/execution/runtime.ts';
import { loadRuntime, type Runtime } from '../../src/execution/session.ts';
import { convs, rows } from '../support/convs.ts';
import { int64, op, writeModel } from '../support/onnx-builder.ts';

const net = (filters: number): string =>
  writeModel(
    convs([{ name: 'a', from: 'x', kernel: rows(filters, 2, 1) }], {
      nodes: [op('Relu', 'a', 'r', { name: 'relu' })],
      outputs: ['r'],
    }),
  );
/** onnxruntime loads it, and finds out that shapes do not fit when it runs. */
const failing = writeModel(
  convs([{ name: 'a', from: 'x', kernel: rows(3, 2, 1) }], {
    nodes: [op('Reshape', ['a', 'shape'], 'r', { name: 'reshape' })],
    weights: { shape: int64([7]) },
    outputs: ['r'],
  }),
);

const found = nearestRuntime(import.meta.dirname);
const base = {
  runtime: found?.folder ?? '',
  providers: ['cpu'],
  workFolder: mkdtempSync(join(tmpdir(), 'prunegate-session-')),
};
const feed: Feed = {
  input: { dense: 'x', pruned: 'x' },
  type: 'float32',
  takes: { dense: 'float32', pruned: 'float32' },
  dims: [1, 2, 4, 4],
  fill: { kind: 'noise', seed: 1 },
};
const timing = (pruned: string): TimeJob => ({
  ...base,
  kind: 'time',
  dense: net(3),
  pruned,
  feeds: [feed],
  budgetMs: 1,
});
const pair = {
  ...{ dense: 'r', pruned: 'r', axis: 1, positions: Int32Array.of(0, 1), isKnown: true },
  ...{ saturates: false, isInside: false },
};
const comparing = (pruned: string, cases = ['zeros', 'noise']): CompareJob => ({
  ...{ ...base, kind: 'compare', dense: net(3), pruned, outputs: [pair], layers: [], layersIn: 'none' },
  cases: cases.map((name) => ({ name, feeds: [feed] })),
  tolerance: { float32: 1e-3, float64: 1e-6, float16: 1e-2 },
});

/** onnxruntime itself, which counts what it is asked. */
function counted(job: TimeJob | CompareJob) {
  const runtime = loadRuntime(job, async () => {});
  const counts = { opened: 0, freed: 0, runs: [] as string[] };
  const { InferenceSession, Tensor, env } = runtime.ort;
  const create: typeof InferenceSession.create = async (path, options) => {
    const session = await InferenceSession.create(path, options);
    counts.opened += 1;
    return {
      ...{ inputNames: session.inputNames, outputNames: session.outputNames },
      endProfiling: () => session.endProfiling(),
      run(feeds, fetches) {
        counts.runs.push(path === job.dense ? 'dense' : 'pruned');
        return session.run(feeds, fetches);
      },
      release() {
        counts.freed += 1;
        return session.release();
      },
    };
  };
  return { counts, runtime: { ...runtime, ort: { env, Tensor, InferenceSession: { create } } } satisfies Runtime };
}

describe.skipIf(found === null)('sessions of onnxruntime', () => {
  it('run each model once for each case, and are freed', async () => {
    const job = comparing(net(2));
    const { counts, runtime } = counted(job);
    const { cases } = await runCompare(runtime, job, () => {});
    expect(cases.map(({ outputs }) => outputs[0]?.outcome)).toEqual(['equal', 'equal']);
    expect(counts).toEqual({ opened: 2, freed: 2, runs: ['dense', 'pruned', 'dense', 'pruned'] });
  });

  it('are freed where a model cannot be run, for the next job needs the memory', async () => {
    const job = comparing(failing);
    const { counts, runtime } = counted(job);
    await expect(runCompare(runtime, job, () => {})).rejects.toThrow();
    expect(counts).toMatchObject({ opened: 2, freed: 2, runs: ['dense', 'pruned'] });
  });

  it('are freed where the other model cannot be loaded', async () => {
    const job = timing(join(base.workFolder, 'no-such.onnx'));
    const { counts, runtime } = counted(job);
    await expect(runTime(runtime, job)).rejects.toThrow();
    expect(counts).toEqual({ opened: 1, freed: 1, runs: [] });
  });

  it('are all freed, and what went wrong first is what is said, where one cannot be freed', async () => {
    const refusing = (job: TimeJob | CompareJob) => {
      const { counts, runtime } = counted(job);
      const create: typeof runtime.ort.InferenceSession.create = async (path, options) => {
        const session = await runtime.ort.InferenceSession.create(path, options);
        return {
          ...session,
          release: () => session.release().then(() => Promise.reject(new Error('cannot be freed'))),
        };
      };
      return { counts, runtime: { ...runtime, ort: { ...runtime.ort, InferenceSession: { create } } } };
    };
    const failed = refusing(comparing(failing));
    await expect(runCompare(failed.runtime, comparing(failing), () => {})).rejects.toThrow(/reshape/i);
    expect(failed.counts).toMatchObject({ opened: 2, freed: 2 });
    const right = refusing(comparing(net(2)));
    await expect(runCompare(right.runtime, comparing(net(2)), () => {})).rejects.toThrow('cannot be freed');
    expect(right.counts).toMatchObject({ opened: 2, freed: 2 });
  });

  it('take latencies by turns, after a warm-up, as medians between their quartiles', async () => {
    const job = timing(net(2));
    const { counts, runtime } = counted(job);
    const { runs, latency, ratio, ratioQuartiles } = await runTime(runtime, job);
    expect(counts).toMatchObject({ opened: 2, freed: 2 });
    const warmUp = counts.runs.slice(0, counts.runs.length - 2 * runs);
    expect(warmUp.length).toBeGreaterThanOrEqual(4);
    const turns = counts.runs.slice(warmUp.length);
    // Neighbours are one of each, and who is first changes.
    for (let k = 0; k < runs; k++)
      expect(turns.slice(2 * k, 2 * k + 2)).toEqual(k % 2 === 0 ? ['dense', 'pruned'] : ['pruned', 'dense']);
    for (const { low, median, high } of [latency.dense, latency.pruned, { median: ratio, ...ratioQuartiles }])
      expect(low <= median && median <= high && low > 0).toBe(true);
  });
});
