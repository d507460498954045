import { statSync } from 'node:fs';
import type { CommandRequest, ModelRequest } from '../config/index.ts';
import { inputErrorAt } from '../errors/place.ts';
import { modelParts } from '../files/index.ts';
import { duration } from '../prose/index.ts';
import { type Cancel, CancelledError, cancellable } from './cancel.ts';
import { CONTAINER_LABEL } from './containers.ts';
import { childEnvironment } from './environment.ts';
import type { CommandLog } from './log.ts';
import { type ExpectedOutput, lookAt, requireFresh, requireKept } from './outputs.ts';
import { describeEnding, runCommand, TIMES, type Times } from './run.ts';

/** A command that ran and made its files. */
export interface CommandRun {
  readonly name: 'export' | 'prune';
  readonly seconds: number;
}

type Request = Pick<ModelRequest, 'commands' | 'passEnv' | 'dense' | 'denseFolded' | 'pruned' | 'reported' | 'at'>;

/**
 * Runs the user's export and prune commands, in this order, and holds that each made the files that it is there for.
 * @param env this process's environment, of which a command gets what is no secret.
 * @throws InputError for a command that fails, and for a file that it did not make. CancelledError where a signal ended it.
 */
export async function runCommands(
  request: Request,
  log: CommandLog,
  env: Readonly<Record<string, string | undefined>>,
  times: Times = TIMES,
): Promise<readonly CommandRun[]> {
  return cancellable(async (cancel) => {
    const runs: CommandRun[] = [];
    for (const name of ['export', 'prune'] as const) {
      const command = request.commands[name];
      if (command === null) continue;
      const seconds = await runOne(name, command, request, log, env, cancel, times);
      runs.push({ name, seconds });
    }
    return runs;
  });
}

async function runOne(
  name: CommandRun['name'],
  command: CommandRequest,
  request: Request,
  log: CommandLog,
  env: Readonly<Record<string, string | undefined>>,
  cancel: Cancel,
  times: Times,
): Promise<number> {
  checkCommand(command);
  const child = childEnvironment(env, request.passEnv, command.env);
  const outputs = await seen(outputsOf(name, request));
  const inputs = await seen(name === 'prune' ? prunedFrom(request) : []);
  const startedAt = new Date();
  let summary = '';
  log.begin(`${name}: ${firstLine(command.run)}`);
  try {
    if (child.withheld.length > 0) log.line(`prunegate: it does not see ${child.withheld.join(', ')} (see pass-env)`);
    const { ending, elapsedMs, lastLines } = await runCommand(command, child.env, log, cancel, times);
    // Without the command itself, which may hold a secret: the runner masks those in the log, and nobody in a comment.
    const problem = `the command ${describeEnding(ending, elapsedMs)}`;
    if (ending.kind === 'cancelled') throw new CancelledError(`${name}: ${problem}`, ending.signal);
    if (ending.kind !== 'exited' || ending.status !== 0)
      throw inputErrorAt(command.at, `${problem}${adviceFor(command, ending.kind)}`, undefined, lastLines);
    for (const { output, before } of outputs)
      await requireFresh(output, before, `the ${name} command`, startedAt, lastLines);
    for (const { output, before } of inputs) await requireKept(output, before, `the ${name} command`, lastLines);
    summary = `${name} took ${duration(elapsedMs)}`;
    return Math.round(elapsedMs) / 1000;
  } finally {
    log.end(summary);
  }
}

/** The files that a command is there to make. */
function outputsOf(name: CommandRun['name'], request: Request): readonly ExpectedOutput[] {
  const keys = name === 'export' ? (['dense', 'denseFolded'] as const) : (['pruned', 'reported'] as const);
  return keys.flatMap((key) => {
    const path = request[key];
    return path === null ? [] : [{ path, at: request.at(key) }];
  });
}

/** The models that a prune command starts from, with their external data: it must not touch them. */
function prunedFrom(request: Request): readonly ExpectedOutput[] {
  return (['dense', 'denseFolded'] as const).flatMap((key) => {
    const path = request[key];
    return path === null ? [] : modelParts(path).map((part) => ({ path: part, at: request.at(key) }));
  });
}

/** Files, and what each is now. */
function seen(files: readonly ExpectedOutput[]) {
  return Promise.all(files.map(async (output) => ({ output, before: await lookAt(output.path) })));
}

/** What the system would refuse with words that name nothing. */
function checkCommand({ at, run, env, workingDirectory }: CommandRequest): void {
  if (run.includes('\0')) throw inputErrorAt(at, 'must not hold a NUL character');
  for (const [key, value] of Object.entries(env)) {
    if (key === '' || /[=\0]/.test(key) || value.includes('\0'))
      throw inputErrorAt(at, 'env must be variables with a name, without = in it, and no NUL character', key);
  }
  if (workingDirectory !== null && !isFolder(workingDirectory))
    throw inputErrorAt(at, 'working-directory must be an existing folder', workingDirectory);
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}

function firstLine(run: string): string {
  const [first = '', ...rest] = run.trim().split(/\r?\n/);
  return first.length > 200 || rest.length > 0 ? `${first.slice(0, 200)} ...` : first;
}

function adviceFor({ run }: CommandRequest, kind: string): string {
  if (kind !== 'timed-out' || !/\bdocker\b/.test(run) || run.includes(CONTAINER_LABEL)) return '';
  return `; its container may still run: give docker run --label "${CONTAINER_LABEL}=$PRUNEGATE_COMMAND_ID"`;
}
