import { mkdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { interfaceDifferences } from '../comparison/index.ts';
import type { ExecutionRequest } from '../config/index.ts';
import type { StatedSizes } from '../dialects/index.ts';
import type { Network } from '../network/index.ts';
import { type Cancel, cancellable } from '../process/index.ts';
import type { Recovery } from '../recovery/index.ts';
import { assemble, megabytes } from './assemble.ts';
import { casesOf } from './cases.ts';
import { type Crash, startChild } from './child.ts';
import { type Comparison, type ComparisonParts, compareModels } from './compare-models.ts';
import { cutMeasure } from './cut-measure.ts';
import { guessesIn, type ResolvedInput, resolveInputs } from './input-shapes.ts';
import { type Mask, maskOf } from './mask.ts';
import { availableMemory, type Budget, fittingCases } from './memory.ts';
import { type ModelCopies, writeCopies } from './model-copies.ts';
import type { Result, RuntimeJob, Tolerance } from './protocol.ts';
import { attempts } from './providers.ts';
import { inTemporaryFolder, run } from './run-models.ts';
import type { FoundRuntime } from './runtime.ts';
import { areConverted, toleranceOf } from './tolerances.ts';
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
  /** Layers that the pruner itself built anew with other weights. */
  readonly rebuilt?: ReadonlySet<string>;
  /** Milliseconds that taking latencies may last; what is asked of a test may be less exact. */
  readonly timingBudgetMs?: number;
  log(line: string): void;
}

/** Long enough for a steady median, short enough for every pull request. */
const TIMING_BUDGET_MS = 2000;

/**
 * Runs the dense model, with the input columns of all cut channels at zero, and the pruned model on the same inputs, and
 * compares what they compute; then takes their latencies. Both are copies, written once, to which nobody else writes.
 * @throws InputError for inputs and shapes that the user gave and that do not fit; CancelledError where a signal ended it
 */
export async function executeBoth(parts: ExecutionParts): Promise<ExecutionOutcome> {
  const { dense, pruned, request } = parts;
  const difference = interfaceDifferences(dense, pruned).find(({ isSure, isConverted }) => isSure && !isConverted);
  if (difference !== undefined) return obstructed({ code: 'interface-differs', reason: difference.title });
  const inputs = resolveInputs(dense, pruned, request.inputShapes, parts.stated);
  if ('code' in inputs) return obstructed(inputs);
  const budget = fittingCases(dense, pruned, casesOf(inputs, request.inputs));
  if (budget.fitting.length === 0) {
    const [takes, has] = [megabytes(budget.needed), megabytes(availableMemory())];
    return obstructed({ code: 'memory-short', reason: `it would take about ${takes} of memory, and ${has} are free` });
  }
  return cancellable((cancel) =>
    inTemporaryFolder((folder) => executeIn({ ...parts, cancel, folder, inputs, budget })),
  );
}

/** What is executed, and where. */
interface Plan extends ExecutionParts {
  readonly cancel: Cancel;
  readonly folder: string;
  readonly inputs: readonly ResolvedInput[];
  readonly budget: Budget;
}

/** Tries one provider after another. What goes wrong on a GPU may go well on the CPU, where it is nobody's fault but the models'. */
async function executeIn(plan: Plan): Promise<ExecutionOutcome> {
  const { dense, pruned, recovery, request, hasGpu, runtime, budget, inputs, folder, log } = plan;
  const mask = maskOf(dense, recovery);
  const copies = writeCopies({ dense: dense.model, pruned: pruned.model }, mask, folder);
  const { executionProvider, requireGpu } = request;
  const wantsGpu = requireGpu || (executionProvider === 'auto' ? hasGpu : executionProvider !== 'cpu');
  const refused: string[] = [];
  const isConverted = areConverted(dense, pruned);
  for (const providers of attempts(executionProvider, hasGpu)) {
    const [provider] = providers;
    const tolerance = toleranceOf(provider, isConverted);
    log(
      `executing both models with onnxruntime ${runtime.version} on ${provider}, in up to about ${megabytes(budget.largest)} of memory`,
    );
    const job = { runtime: runtime.folder, providers, workFolder: makeFolderIn(folder, provider) };
    const result = await executeOn(plan, { copies, mask, job, tolerance });
    if (!('obstacle' in result)) {
      const facts = {
        requested: executionProvider,
        wantsGpu,
        refused,
        runtime,
        inputs,
        cases: budget.fitting,
        tolerance,
      };
      const execution = assemble(
        facts,
        isConverted ? asConverted(result.comparison) : result.comparison,
        result.timing,
      );
      return { execution, obstacle: null, notes: [...renamedInputs(inputs), ...unfitting(budget)] };
    }
    const { code, reason } = result.obstacle;
    const guesses = guessesIn(inputs) ?? [];
    if (providers.length === 1) return obstructed({ code, reason: [...refused, reason].concat(guesses).join('; ') });
    refused.push(`${provider} is not used: ${reason}`);
    log(`${provider} is not used: ${reason}`);
  }
  throw new Error('no provider was tried');
}

/** What models of different types compute differently may be rounding: it calls neither wrong. */
function asConverted(comparison: Comparison): Comparison {
  if (comparison.verdict !== 'different') return comparison;
  const reason =
    "their weights are of different types, and what they compute differs by more than 5% of a channel's largest value, which rounding may do";
  return { ...comparison, verdict: null, reason, firstDifference: null };
}

function makeFolderIn(folder: string, name: string): string {
  mkdirSync(join(folder, name));
  return join(folder, name);
}

function obstructed(obstacle: Obstacle): ExecutionOutcome {
  return { execution: null, obstacle, notes: [] };
}

function renamedInputs(inputs: readonly ResolvedInput[]): readonly string[] {
  const renamed = inputs.filter(({ name, dense }) => name !== dense);
  if (renamed.length === 0) return [];
  const pairs = renamed.map(({ name, dense }) => `${name} of the pruned model is ${dense} of the dense one`);
  return [`Inputs are fed by their order: ${pairs.join(', ')}.`];
}

function unfitting({ tooLarge }: Budget): readonly string[] {
  return tooLarge.map(({ name }) => `Not executed for want of memory: ${name}.`);
}

type Attempt = { readonly comparison: Comparison; readonly timing: Result | Crash } | { readonly obstacle: Obstacle };

interface AttemptParts {
  readonly copies: ModelCopies;
  readonly mask: Mask;
  readonly job: RuntimeJob;
  readonly tolerance: Tolerance;
}

async function executeOn(plan: Plan, { copies, mask, job, tolerance }: AttemptParts): Promise<Attempt> {
  const {
    recovery,
    isAsPruned,
    rebuilt = new Set(),
    budget,
    cancel,
    timingBudgetMs: budgetMs = TIMING_BUDGET_MS,
    log,
  } = plan;
  const cases = budget.fitting;
  const isGpu = job.providers.length > 1;
  const child = startChild({ isExact: isGpu, cancel, log });
  // A GPU multiplies otherwise while models are compared than while they are used.
  const timer = isGpu ? startChild({ isExact: false, cancel, log }) : child;
  try {
    const parts: ComparisonParts = {
      correspondence: recovery.correspondence,
      mask,
      copies,
      cut: null,
      incomparable: incomparable(recovery),
      excuses: {
        misplaced: new Set(isAsPruned ? recovery.misplaced.keys() : []),
        couplings: isAsPruned,
        rebuilt,
        unsure: unsureLayers(recovery),
      },
      cases,
      child,
      runtime: job,
      tolerance,
      log,
    };
    const masked = await compareModels(parts);
    if ('code' in masked) return { obstacle: masked };
    const comparison =
      masked.verdict === null && parts.incomparable === null && rebuilt.size === 0
        ? await compareWithCut(plan, parts, masked)
        : masked;
    if (isGpu) child.close();
    // Noise in a batch of one, where it fits into memory. Zeros among the dense model's weights take as long as other numbers.
    const { feeds } = cases[1] ?? cases[0]!;
    return { comparison, timing: await run(timer, job, { kind: 'time', ...copies, feeds, budgetMs }) };
  } finally {
    child.close();
    timer.close();
  }
}

/**
 * Where a masked dense model is no measure, as behind a LayerNorm, one that is cut by the same filters is: it is another road to the pruned
 * model, of which each step was checked.
 */
async function compareWithCut(
  { dense, pruned, recovery, folder }: Plan,
  parts: ComparisonParts,
  masked: Comparison,
): Promise<Comparison> {
  const path = join(makeFolderIn(folder, `cut-${basename(parts.runtime.workFolder)}`), 'dense.onnx');
  const measure = cutMeasure(dense, pruned, recovery, path);
  if (typeof measure === 'string') return { ...masked, reason: `${masked.reason}, and ${measure}` };
  parts.log(
    'comparing with the dense model cut to the same channels: with zeros in their place it computes something else',
  );
  const copies = { dense: measure.path, pruned: parts.copies.pruned };
  const excuses = { misplaced: new Set<string>(), couplings: false, unsure: parts.excuses.unsure ?? new Set() };
  const result = await compareModels({ ...parts, copies, excuses, cut: measure.pairs });
  return 'code' in result
    ? { ...masked, reason: `${masked.reason}, and cut to the same channels ${result.reason}` }
    : result;
}

/** Layers whose filters are not known have no channels to mask; those with other weights compute something else. */
function incomparable({ layers }: Recovery): string | null {
  const changed = [...layers.values()].find(({ kernel }) => kernel.kind === 'nearest');
  if (changed !== undefined)
    return `the weights of ${changed.name} are not the dense model's, so that the models need not compute the same`;
  const unknown = [...layers.values()].filter(({ actual }) => actual === null).map(({ name }) => name);
  if (unknown.length === 0) return null;
  const others = unknown.length > 1 ? ` and of ${unknown.length - 1} more layers` : '';
  return `the filters of ${unknown[0]}${others} could not be determined, so that there is no dense model to compare with`;
}

/** Layers of which equal filters are left, and what would tell them apart could not be compared. */
function unsureLayers({ layers, correspondence: { partner, pruned, isSure } }: Recovery): ReadonlySet<string> {
  const isUnsure = (id: number): boolean => {
    const { firstChannel, filters } = pruned.layers[id]!;
    return Array.from({ length: filters }, (_, k) => firstChannel + k).some((channel) => !isSure(channel));
  };
  return new Set(
    [...partner].flatMap(([id, { name }]) => ((layers.get(name)?.open.length ?? 0) > 0 && isUnsure(id) ? [name] : [])),
  );
}
