import { join } from 'node:path';
import type { ExecutionRequest } from '../config/index.ts';
import type { StatedSizes } from '../dialects/index.ts';
import type { Network } from '../network/index.ts';
import type { Recovery } from '../recovery/index.ts';
import { assemble, megabytes } from './assemble.ts';
import { casesOf } from './cases.ts';
import { type Crash, startChild } from './child.ts';
import { type Comparison, compareModels } from './compare-models.ts';
import { resolveInputs } from './input-shapes.ts';
import { maskOf } from './mask.ts';
import { availableMemory, fittingCases } from './memory.ts';
import type { Case, Result, RuntimeJob, Tolerance } from './protocol.ts';
import { attempts } from './providers.ts';
import { inTemporaryFolder, run } from './run-models.ts';
import type { FoundRuntime } from './runtime.ts';
import { TOLERANCES } from './tolerances.ts';
import type { ExecutionOutcome, Obstacle } from './types.ts';

/** Both models and what is known of them. */
export interface ExecutionParts {
  readonly dense: Network;
  readonly pruned: Network;
  readonly recovery: Recovery;
  readonly request: ExecutionRequest;
  /** What the spec says of the model's input. */
  readonly stated: StatedSizes | null;
  /** Whether CUDA programs see a GPU here. */
  readonly hasGpu: boolean;
  readonly runtime: FoundRuntime;
  /** Whether every layer retains what the pruner would, so that what is wrong all the same is the pruner's own fault. */
  readonly isAsPruned: boolean;
  /** Milliseconds that taking latencies may last; what is asked of a test may be less exact. */
  readonly timingBudgetMs?: number;
  log(line: string): void;
}

/** Long enough for a steady median, short enough for every pull request. */
const TIMING_BUDGET_MS = 2000;

/**
 * Runs the dense model, with the input columns of all cut channels at zero, and the pruned model on the same inputs, and
 * compares what they compute; then both as they are, for their latency.
 * @throws InputError for inputs and shapes that the user gave and that do not fit
 */
export async function executeBoth(parts: ExecutionParts): Promise<ExecutionOutcome> {
  const { dense, pruned, request, hasGpu, log } = parts;
  const inputs = resolveInputs(dense, pruned, request.inputShapes, parts.stated);
  const { fitting, tooLarge, needed } = fittingCases(dense, pruned, casesOf(inputs, request.inputs));
  if (fitting.length === 0) {
    const [takes, has] = [megabytes(needed), megabytes(availableMemory())];
    return obstructed({ code: 'memory-short', reason: `it would take about ${takes} of memory, and ${has} are free` });
  }
  const wantsGpu =
    request.requireGpu || (request.executionProvider === 'auto' ? hasGpu : request.executionProvider !== 'cpu');
  return inTemporaryFolder(async (folder) => {
    const refused: string[] = [];
    for (const [k, providers] of attempts(request.executionProvider, hasGpu).entries()) {
      const [provider] = providers;
      log(`executing both models with onnxruntime ${parts.runtime.version} on ${provider}`);
      const runtime = { runtime: parts.runtime.folder, providers, workFolder: join(folder, String(k)) };
      const result = await executeOn(parts, runtime, fitting, TOLERANCES[provider]);
      // What goes wrong on a GPU may go well on the CPU, where it is nobody's fault but the models'.
      if (!('obstacle' in result)) {
        const facts = {
          requested: request.executionProvider,
          wantsGpu,
          refused,
          runtime: parts.runtime,
          inputs,
          cases: fitting,
        };
        const execution = assemble({ ...facts, tolerance: TOLERANCES[provider] }, result.comparison, result.timing);
        const notes = tooLarge.map(({ name }) => `Not executed for want of memory: ${name}.`);
        return { execution, obstacle: null, notes };
      }
      const { code, reason } = result.obstacle;
      if (providers.length === 1) return obstructed({ code, reason: [...refused, reason].join('; ') });
      refused.push(`${provider} is not used: ${reason}`);
      log(`${provider} is not used: ${reason}`);
    }
    throw new Error('no provider was tried');
  });
}

function obstructed(obstacle: Obstacle): ExecutionOutcome {
  return { execution: null, obstacle, notes: [] };
}

type Attempt = { readonly comparison: Comparison; readonly timing: Result | Crash } | { readonly obstacle: Obstacle };

async function executeOn(
  { dense, pruned, recovery, isAsPruned, timingBudgetMs: budgetMs = TIMING_BUDGET_MS, log }: ExecutionParts,
  runtime: RuntimeJob,
  cases: readonly Case[],
  tolerance: Tolerance,
): Promise<Attempt> {
  const isGpu = runtime.providers.length > 1;
  const child = startChild(isGpu, log);
  const comparison = await compareModels({
    correspondence: { ...recovery.correspondence, dense, pruned },
    mask: maskOf(dense, recovery),
    incomparable: incomparable(recovery),
    excuses: { misplaced: new Set(isAsPruned ? recovery.misplaced.keys() : []), couplings: isAsPruned },
    cases,
    child,
    runtime,
    tolerance,
    log,
  }).finally(() => isGpu && child.close());
  if ('code' in comparison) {
    child.close();
    return { obstacle: comparison };
  }
  // A GPU multiplies otherwise while models are compared than while they are used.
  const timer = isGpu ? startChild(false, log) : child;
  const models = { dense: dense.model.name, pruned: pruned.model.name };
  // Noise in a batch of one, where it fits into memory.
  const { feeds } = cases[1] ?? cases[0]!;
  const timing = await run(timer, runtime, { kind: 'time', ...models, feeds, budgetMs });
  timer.close();
  return { comparison, timing };
}

/** Layers whose filters are not told have no channels to mask; those with other weights compute something else. */
function incomparable({ layers }: Recovery): string | null {
  const changed = [...layers.values()].find(({ kernel }) => kernel.kind === 'nearest');
  if (changed !== undefined)
    return `the weights of ${changed.name} are not the dense model's, so that the models need not compute the same`;
  const unknown = [...layers.values()].filter(({ actual }) => actual === null).map(({ name }) => name);
  if (unknown.length === 0) return null;
  const others = unknown.length > 1 ? ` and of ${unknown.length - 1} more layers` : '';
  return `the filters of ${unknown[0]}${others} could not be told, so that there is no dense model to compare with`;
}
