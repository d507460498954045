import type { Crash } from './child.ts';
import type { Comparison } from './compare-models.ts';
import type { ResolvedInput } from './input-shapes.ts';
import type { Case, Result, Tolerance } from './protocol.ts';
import { ranOn } from './providers.ts';
import { obstacleOf } from './run-models.ts';
import type { FoundRuntime } from './runtime.ts';
import type { Execution, Provider } from './types.ts';

/** What was asked for, and what was fed. */
export interface ExecutionFacts {
  readonly requested: 'auto' | Provider;
  /** Whether a GPU was asked for, or is there and was to be taken. */
  readonly wantsGpu: boolean;
  /** Why each provider that was tried before is not used. */
  readonly refused: readonly string[];
  readonly runtime: FoundRuntime;
  readonly inputs: readonly ResolvedInput[];
  readonly cases: readonly Case[];
  readonly tolerance: Tolerance;
}

export function assemble(facts: ExecutionFacts, comparison: Comparison, timing: Result | Crash): Execution {
  const { use, peakBytes, ...judged } = comparison;
  const ran = ranOn(use);
  const fellBack = facts.wantsGpu && (ran.provider === 'cpu' || ran.onCpu > 0);
  const latency = timing.kind === 'time' ? timing : null;
  const untimed = timing.kind === 'failed' || timing.kind === 'crashed' ? obstacleOf(timing).reason : null;
  const types = judged.outputs.map(({ type }) => type);
  const floats = (['float64', 'float32', 'float16'] as const).findLast((type) => types.includes(type)) ?? 'float32';
  return {
    provider: ran.provider,
    requestedProvider: facts.requested,
    providerDetail: [
      ...facts.refused,
      ran.detail,
      ...(untimed === null ? [] : [`latencies were not taken: ${untimed}`]),
    ].join('; '),
    fellBack,
    runtime: { version: facts.runtime.version, folder: facts.runtime.folder },
    ...judged,
    tolerance: facts.tolerance[floats],
    inputs: facts.inputs.map(({ name, type, shape, source }) => ({
      name,
      type,
      shape: shape.map((size) => size ?? 'N'),
      source,
    })),
    cases: facts.cases.map(({ name }) => name),
    latencyMs: latency === null ? null : { dense: latency.latency.dense.median, pruned: latency.latency.pruned.median },
    latency:
      latency === null
        ? null
        : {
            batch: (facts.cases[1] ?? facts.cases[0])?.feeds[0]?.dims[0] ?? null,
            runs: latency.runs,
            ...latency.latency,
            ratio: latency.ratio,
            ratioQuartiles: latency.ratioQuartiles,
          },
    peakBytes: Math.max(peakBytes, 'peakBytes' in timing ? timing.peakBytes : 0),
  };
}

export function megabytes(bytes: number): string {
  return `${Math.round(bytes / 1e6)} MB`;
}
