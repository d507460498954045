import { type ExecutionParts, executeBoth } from './execute.ts';
import { findRuntime } from './find-runtime.ts';
import type { Execution } from './types.ts';

/** Where onnxruntime may come from, besides the folder that the request names. */
export interface RuntimeHost {
  /** Folder of the project, whose node_modules are looked through. */
  readonly project: string;
  /** Why code that lies in the project must not be loaded, as the end of a sentence; null where it may be. */
  readonly refusal: string | null;
  /** Whether onnxruntime may be installed where it is nowhere. */
  readonly mayInstall: boolean;
}

/** Executes both models and compares them, or tells why not, as the end of a sentence. */
export async function execute(
  parts: Omit<ExecutionParts, 'runtime'>,
  host: RuntimeHost,
): Promise<{
  readonly execution: Execution | null;
  readonly obstacle: string | null;
  readonly notes: readonly string[];
}> {
  const { request, hasGpu, log } = parts;
  const withCuda = hasGpu && request.provider !== 'cpu';
  const runtime = await findRuntime({ ...host, folder: request.runtime, withCuda, log });
  if ('problem' in runtime) return { execution: null, obstacle: runtime.problem, notes: [] };
  const outcome = await executeBoth({ ...parts, runtime });
  return 'execution' in outcome
    ? { ...outcome, obstacle: null }
    : { execution: null, obstacle: outcome.obstacle, notes: [] };
}
