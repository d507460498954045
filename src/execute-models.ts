import type { ModelRequest } from './config/index.ts';
import type { StatedSizes } from './dialects/index.ts';
import type { RuntimeSources } from './execution/index.ts';
import type { ExecutionOutcome } from './execution/types.ts';
import { type Network, sizeOf } from './network/index.ts';
import { storedBytes } from './onnx/index.ts';
import type { Recovery } from './recovery/index.ts';
import { type Gains, type Judgement, judgeExecution, judgeGates } from './verdict/index.ts';

export interface Models {
  readonly dense: Network;
  readonly pruned: Network;
  readonly recovery: Recovery;
}

/** What execution needs of the program around it. */
export interface ExecutionHost {
  log(line: string): void;
  /** Where nothing is said: from the project, never installed. */
  readonly runtime?: RuntimeSources;
}

export const NOT_EXECUTED: ExecutionOutcome = { execution: null, obstacle: null, notes: [] };

/** Executes both models and compares them. */
export async function executeModels(
  { retention, ...models }: Models & { readonly retention: Judgement; readonly stated: StatedSizes | null },
  { execution: request }: ModelRequest,
  host: ExecutionHost,
): Promise<ExecutionOutcome> {
  // Loaded here, so that a check that executes nothing does not pay for it.
  const [{ execute }, { listGpus }] = await Promise.all([import('./execution/index.ts'), import('./process/index.ts')]);
  const hasGpu = request.provider !== 'cpu' && (await listGpus(process.env)).kind === 'gpus';
  const isAsPruned = retention.verdict !== null && retention.layers.every(({ verdict }) => verdict !== 'mismatch');
  return execute(
    { ...models, request, hasGpu, isAsPruned, log: host.log },
    host.runtime ?? { project: process.cwd(), refusal: null, mayInstall: false },
  );
}

/**
 * The judgement with what executing the models showed and what pruning bought.
 * @param isAll whether executing is all that was asked for
 */
export function judgeModels(
  retention: Judgement,
  executed: ExecutionOutcome,
  { dense, pruned }: Pick<Models, 'dense' | 'pruned'>,
  { execution: { requireGpu }, gates }: ModelRequest,
  isAll: boolean,
): Judgement {
  const judged = judgeExecution(retention, executed, { requireGpu, isAll });
  const [before, after] = [sizeOf(dense), sizeOf(pruned)];
  const { latency, latencyMs } = executed.execution ?? { latency: null, latencyMs: null };
  const gains: Gains = {
    parameters: { dense: before.parameters, pruned: after.parameters },
    macs: { dense: before.macs, pruned: after.macs },
    bytes: { dense: storedBytes(dense.model), pruned: storedBytes(pruned.model) },
    latencyRatio: latency?.ratio ?? null,
    latencyMs: { dense: latencyMs?.dense ?? null, pruned: latencyMs?.pruned ?? null },
  };
  return judgeGates(judged, gates, gains);
}
