import type { ModelRequest } from '../config/index.ts';
import { InputError } from '../errors/input-error.ts';
import { inputErrorAt, type Place } from '../errors/place.ts';
import { asSeen, modelParts, TICK_MS } from '../files/index.ts';
import { readEvent } from '../github/events.ts';
import { refusalToRun } from '../github/trust.ts';
import type { CommandLog, CommandRun, Gpu } from '../process/index.ts';
import { describeGpu } from '../report/index.ts';
import type { Host } from './host.ts';

/** What was done and found before the models were read. */
export interface Made {
  readonly commands: readonly CommandRun[];
  /** The GPUs that CUDA programs see here; null where nobody asked for them. */
  readonly gpus: readonly Gpu[] | null;
  /** @throws InputError where what the commands left is not what lies there any more, as when another run makes the same files */
  requireAsMade(): void;
}

/**
 * Runs the user's commands, where the event that started the run allows it and the GPU that is required is there.
 * @throws InputError where it is not, and where a command fails or does not make its files.
 */
export async function makeModels(request: ModelRequest, host: Host): Promise<Made> {
  const { commands } = request;
  const command = commands.export ?? commands.prune;
  const isGpuAsked = request.requireGpu || (request.execution !== 'none' && request.executionProvider !== 'cpu');
  if (command === null && !isGpuAsked) return { commands: [], gpus: null, requireAsMade() {} };
  if (commands.prune !== null && request.pruned === null)
    throw inputErrorAt(request.at('pruned'), 'is required beside a prune command: name the file that it writes');
  if (command !== null && !request.allowUntrustedCommands) refuseUntrusted(command.at);
  const { listGpus, runCommands } = await import('../process/index.ts');
  const facts = await listGpus(process.env);
  if (facts.kind === 'none' && request.requireGpu)
    throw new InputError(`there is no GPU: ${facts.reason}`, { key: 'require-gpu' });
  const gpus = facts.kind === 'gpus' ? facts.gpus : [];
  for (const gpu of gpus) host.log(describeGpu(gpu));
  const log = host.commandLog ?? lineLog(host);
  if (command === null) return { commands: [], gpus, requireAsMade() {} };
  const runs = await runCommands(request, log, process.env);
  const requireAsMade = asSeen(filesOf(request));
  // What is written from now on bears another time.
  await new Promise((resolve) => setTimeout(resolve, TICK_MS));
  return { commands: runs, gpus, requireAsMade };
}

/** What is read of a model. */
function filesOf({ dense, denseFolded, pruned, reported }: ModelRequest): readonly string[] {
  const models = [dense, denseFolded, pruned].flatMap((path) => (path === null ? [] : modelParts(path)));
  return reported === null ? models : [...models, reported];
}

function refuseUntrusted(at: Place): void {
  const refusal = refusalToRun(readEvent(process.env));
  if (refusal === null) return;
  const remedy =
    "to run them all the same, set allow-untrusted-commands: true in the workflow (prunegate's SECURITY.md says what that risks)";
  throw inputErrorAt(at, `commands are not run: ${refusal}; ${remedy}`);
}

function lineLog({ log }: Host): CommandLog {
  return {
    begin: log,
    line: log,
    end: (summary) => {
      if (summary !== '') log(summary);
    },
    ready: async () => {},
  };
}
