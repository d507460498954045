import { rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InputError } from '../config/index.ts';
import type { Child, Crash } from './child.ts';
import type { Failure, Job, Result, RuntimeJob } from './protocol.ts';

/** A folder that exists while something is done in it. */
export async function inTemporaryFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  // The runner empties its own temporary folder after the job, should we be killed.
  const folder = await mkdtemp(join(process.env['RUNNER_TEMP'] || tmpdir(), 'prunegate-run-'));
  try {
    return await work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  }
}

/** A job before it is known where onnxruntime is and which providers it shall use. */
export type Task = Job extends infer One ? (One extends Job ? Omit<One, keyof RuntimeJob> : never) : never;

/** @throws InputError for an input file that could be read before and cannot now */
export async function run(child: Child, runtime: RuntimeJob, task: Task): Promise<Result | Crash> {
  const result = await child.run({ ...runtime, ...task } as Job);
  if (result.kind === 'failed' && result.step === 'input') throw new InputError(result.message);
  return result;
}

/** What went wrong, as the end of a sentence; null where nothing did. */
export function troubleOf(result: Result | Crash): string | null {
  if (result.kind === 'crashed') return `the process that runs the models ${result.message}`;
  if (result.kind !== 'failed') return null;
  return `${subject(result)}: ${shortened(result.message)}`;
}

function subject({ step, side }: Failure): string {
  switch (step) {
    case 'runtime':
      return 'onnxruntime cannot be loaded';
    case 'load':
      return `onnxruntime cannot load the ${side} model`;
    case 'run':
      return `onnxruntime cannot run the ${side} model`;
    case 'input':
      return 'an input cannot be read';
  }
}

/** Memory ran out, of the machine or of the GPU: that says nothing of the model. */
export function isWantOfMemory(message: string): boolean {
  return /out of memory|failed to allocate|bad_alloc|ALLOC_FAILED|cannot allocate/i.test(message);
}

/** onnxruntime's messages hold source lines and stacks behind the first sentence. */
function shortened(message: string): string {
  const text = message.replace(/\s+/g, ' ').trim();
  return text.length <= 400 ? text : `${text.slice(0, 397)}...`;
}
