import type { ModelRequest } from '../config/index.ts';
import { InputError, oneLine } from '../errors/input-error.ts';
import { type ProgressOut, showProgress } from '../process/progress.ts';
import type { ModelError } from '../report/index.ts';
import type { Checked } from './checked.ts';
import { type Confines, isWithin, requireOwnFolder, within } from './confine.ts';
import type { Host } from './host.ts';
import { type HostData, type LaneCommand, laneCommand } from './lane-work.ts';
import { openLanes } from './lanes.ts';
import { run } from './run.ts';

export interface CheckedModels<T> {
  readonly results: readonly T[];
  readonly errors: readonly ModelError[];
}

/** What is asked of each model. */
export interface Asking extends Pick<Host, 'baseline'> {
  readonly command: LaneCommand | 'run';
  readonly confines: Confines | null;
  readonly out: ProgressOut;
  hostOf(request: ModelRequest): HostData;
  /** What of a host belongs to this thread. */
  partsOf(request: ModelRequest): Pick<Host, 'commandLog' | 'runtime'>;
}

/**
 * Asks for one model after the other, two at a time where both are only read, each within the confines. What is wrong with one does not hide what is
 * found of the others.
 * @param finish what is done with each, in their order
 * @throws InputError of the only model, where there is but one, and for a report-dir out of the confines, into which pages of all models are written
 */
export async function eachModel<T>(
  requests: readonly ModelRequest[],
  asking: Asking,
  finish: (checked: Checked, request: ModelRequest, log: (line: string) => void) => T,
): Promise<CheckedModels<T>> {
  const { command, confines, baseline, out, hostOf, partsOf } = asking;
  const shared = baseline === undefined ? {} : { baseline };
  const results: T[] = [];
  const errors: ModelError[] = [];
  requireOwnFolder(requests, confines);
  const reaching = requests.map((request) => !isWithin(confines, request));
  const progress = showProgress(
    requests.map((request, k) => ({
      name: nameOf(request),
      files: reaching[k] ? [] : weightsRead(command, request),
    })),
    out,
  );
  const { log } = progress;
  const lanes =
    command === 'run' || requests.length === 1
      ? null
      : openLanes(requests, { ...asking, command, progress, isReaching: (k) => reaching[k]! });
  const ask = command === 'run' ? run : laneCommand(command);
  const checked = (request: ModelRequest, k: number): Promise<Checked> =>
    lanes?.checked(k) ??
    ask(request, { ...hostOf(request), ...partsOf(request), ...shared, log, reading: progress.of(k) });
  try {
    for (const [k, request] of requests.entries()) {
      const model = nameOf(request);
      if (requests.length > 1) log(`model ${k + 1} of ${requests.length}: ${oneLine(model)}`);
      try {
        results.push(await within(confines, request, async (one) => finish(await checked(one, k), one, log)));
      } catch (error) {
        if (!(error instanceof InputError) || requests.length === 1) throw error;
        errors.push({ model, message: error.message });
      } finally {
        progress.done(k);
      }
    }
    return { results, errors };
  } finally {
    await lanes?.close();
  }
}

function nameOf({ name }: ModelRequest): string {
  return name ?? 'model';
}

/** The files whose weights are read, once each. */
function weightsRead(command: Asking['command'], { dense, pruned }: ModelRequest): readonly string[] {
  return command === 'expect' || pruned === null ? [dense] : [dense, pruned];
}
