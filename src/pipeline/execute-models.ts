import type { ModelRequest } from '../config/index.ts';
import type { StatedSizes } from '../dialects/index.ts';
import type { ExecutionOutcome } from '../execution/types.ts';
import type { Network } from '../network/index.ts';
import type { Recovery } from '../recovery/index.ts';
import type { Flips, Gains, Judgement, ModelSize } from '../verdict/index.ts';
import type { Host } from './host.ts';

export const NOT_EXECUTED: ExecutionOutcome = { execution: null, obstacle: null, notes: [] };

/** Both models and what is known of them. */
export interface ExecutedModels {
  readonly dense: Network;
  /** Under the dense model's names. */
  readonly pruned: Network;
  readonly recovery: Recovery;
  readonly retention: Judgement;
  /** What the spec says of the model's input. */
  readonly stated: StatedSizes | null;
}

/** Executes both models and compares them. */
export async function executeModels(
  { retention, ...models }: ExecutedModels,
  request: ModelRequest,
  host: Host,
): Promise<ExecutionOutcome> {
  // Loaded here, so that a check that executes nothing does not pay for it.
  const [{ execute }, { listGpus }] = await Promise.all([
    import('../execution/index.ts'),
    import('../process/index.ts'),
  ]);
  const hasGpu = request.executionProvider !== 'cpu' && (await listGpus(process.env)).kind === 'gpus';
  const isAsPruned = retention.verdict !== null && retention.layers.every(({ verdict }) => verdict !== 'mismatch');
  return execute(
    { ...models, request, hasGpu, isAsPruned, rebuilt: retention.rebuilt ?? new Set(), log: host.log },
    host.runtime ?? { project: process.cwd(), refusal: null, mayInstall: false },
  );
}

/** What pruning bought. */
export function gainsOf(
  { dense, pruned }: { readonly dense: ModelSize; readonly pruned: ModelSize },
  { execution }: ExecutionOutcome,
  flips: Flips | null,
): Gains {
  const { latency, latencyMs } = execution ?? { latency: null, latencyMs: null };
  return {
    parameters: { dense: dense.parameters, pruned: pruned.parameters },
    macs: { dense: dense.macs, pruned: pruned.macs },
    bytes: { dense: dense.bytes, pruned: pruned.bytes },
    latencyRatio: latency?.ratio ?? null,
    latencyNoise: latency?.ratioQuartiles ?? null,
    flips,
    latencyMs: { dense: latencyMs?.dense ?? null, pruned: latencyMs?.pruned ?? null },
  };
}
