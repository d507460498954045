import { type ExecutionParts, executeBoth } from './execute.ts';
import { findRuntime, type RuntimeSources } from './find-runtime.ts';
import type { ExecutionOutcome } from './types.ts';

export { installedRuntime, type RuntimeSources } from './find-runtime.ts';

/** Executes both models and compares them, or says why not. */
export async function execute(
  parts: Omit<ExecutionParts, 'runtime'>,
  sources: RuntimeSources,
): Promise<ExecutionOutcome> {
  const { request, hasGpu, log } = parts;
  const withCuda = hasGpu && request.executionProvider !== 'cpu';
  const runtime = await findRuntime({ folder: request.onnxruntime, withCuda, log }, sources);
  return 'folder' in runtime ? executeBoth({ ...parts, runtime }) : { execution: null, obstacle: runtime, notes: [] };
}
