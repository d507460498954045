import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecutionRequest } from '../../src/config/index.ts';
import { type ExecutionParts, executeBoth } from '../../src/execution/execute.ts';
import { nearestRuntime } from '../../src/execution/runtime.ts';

import type { Execution, ExecutionOutcome } from '../../src/execution/types.ts';
import { openModel, writeModel } from '../../src/files/index.ts';

import { type Network, readNetwork } from '../../src/network/index.ts';
import type { ModelEdits } from '../../src/onnx/index.ts';
import { recoverRetention, underDenseNames } from '../../src/recovery/index.ts';

/** On a GPU where that is asked for (docs/gpu.md). */
const PROVIDER = (process.env['EXECUTION_PROVIDER'] ?? 'cpu') as ExecutionRequest['executionProvider'];

const runtime = nearestRuntime(import.meta.dirname);
const work = mkdtempSync(join(tmpdir(), 'prunegate-execution-'));
let written = 0;

/** A copy of a model with something changed. */
export function changed(path: string, edits: (network: Network) => ModelEdits): string {
  const file = openModel(path);
  const network = readNetwork(file.model);
  const copy = writeModel(network.model, edits(network), join(work, `${written++}.onnx`)).path;
  file.close();
  return copy;
}

/** Executes two model files as `prunegate run` does; the package's own onnxruntime-node must be installed. */
export async function outcomeOf(
  densePath: string,
  prunedPath: string,
  request: Partial<ExecutionRequest> = {},
  parts: Partial<ExecutionParts> = {},
): Promise<ExecutionOutcome> {
  if (runtime === null) throw new Error('onnxruntime-node is not installed: npm ci');
  const [denseFile, prunedFile] = [openModel(densePath), openModel(prunedPath)];
  const dense = readNetwork(denseFile.model);
  const exported = readNetwork(prunedFile.model);
  const recovery = recoverRetention(dense, exported);
  const pruned = underDenseNames(exported, recovery);
  try {
    const outcome = await executeBoth({
      dense,
      pruned,
      recovery,
      request: {
        executionProvider: PROVIDER,
        requireGpu: PROVIDER !== 'cpu',
        onnxruntime: null,
        inputs: [],
        inputShapes: [],
        ...request,
      },
      stated: null,
      hasGpu: PROVIDER !== 'cpu',
      runtime,
      isAsPruned: false,
      timingBudgetMs: 0,
      log() {},
      ...parts,
    });
    if (PROVIDER !== 'cpu' && request.executionProvider === undefined && outcome.execution?.fellBack === true)
      throw new Error(`the test asks for ${PROVIDER}: ${outcome.execution.providerDetail}`);
    return outcome;
  } finally {
    denseFile.close();
    prunedFile.close();
  }
}

export async function executionOf(...parts: Parameters<typeof outcomeOf>): Promise<Execution> {
  const { execution, obstacle } = await outcomeOf(...parts);
  if (execution === null) throw new Error(`${obstacle?.code}: ${obstacle?.reason}`);
  return execution;
}
