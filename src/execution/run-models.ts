import { rmSync } from 'node:fs';
import { makeTemporaryFolder } from '../files/index.ts';
import type { Child, Crash } from './child.ts';
import type { Failure, Job, Result, RuntimeJob, Step } from './protocol.ts';
import type { Obstacle } from './types.ts';

/** A folder that exists while something is done in it. */
export async function inTemporaryFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = makeTemporaryFolder();
  try {
    return await work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  }
}

/** A job before it is known where onnxruntime is and which providers it shall use. */
export type Task = Job extends infer One ? (One extends Job ? Omit<One, keyof RuntimeJob> : never) : never;

export function run(child: Child, runtime: RuntimeJob, task: Task): Promise<Result | Crash> {
  return child.run({ ...runtime, ...task } as Job);
}

/** What stood in the way of a result. */
export function obstacleOf(result: Failure | Crash): Obstacle {
  const reason =
    result.kind === 'crashed'
      ? `the process that runs the models ${result.message}${whileDoing(result)}`
      : `onnxruntime cannot ${doing(result)}: ${shortened(result.message)}`;
  return { code: codeOf(result), reason };
}

function codeOf(result: Failure | Crash): Obstacle['code'] {
  // No model has been seen yet.
  if (result.step === 'runtime') return 'runtime-broken';
  if (result.kind === 'crashed') return result.code;
  if (result.isAllocation) return 'out-of-memory';
  return result.step === 'load' ? 'load-failed' : 'run-failed';
}

function doing({ step, side }: Step): string {
  if (step === 'runtime') return 'be loaded';
  return `${step} ${side === null ? 'the models' : `the ${side} model`}`;
}

function whileDoing(step: Step): string {
  return step.step === 'runtime' ? '' : ` while it was to ${doing(step)}`;
}

/** onnxruntime's messages hold source lines and stacks behind the first sentence. */
function shortened(message: string): string {
  const text = message.replace(/\s+/g, ' ').trim();
  return text.length <= 400 ? text : `${text.slice(0, 397)}...`;
}
