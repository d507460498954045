import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { constants } from 'node:os';
import type { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import type { CommandRequest } from '../config/index.ts';
import { duration } from '../prose/index.ts';
import type { Cancel } from './cancel.ts';
import { removeContainers } from './containers.ts';
import { endGroup, isGoneWithin, killGroup, PATIENCE, type Patience, type ProcessGroup } from './group.ts';
import { splitLines, withoutColours } from './lines.ts';
import type { CommandLog } from './log.ts';
import { type Script, writeScript } from './shell.ts';

export type Ending =
  | { readonly kind: 'exited'; readonly status: number }
  | { readonly kind: 'killed'; readonly signal: string }
  | { readonly kind: 'timed-out'; readonly minutes: number }
  | { readonly kind: 'cancelled'; readonly signal: NodeJS.Signals }
  /** `problem` is a sentence's end. */
  | { readonly kind: 'not-started'; readonly problem: string };

export interface CommandResult {
  readonly ending: Ending;
  readonly elapsedMs: number;
  /** What it printed last, in plain text. */
  readonly lastLines: readonly string[];
}

/** Times in milliseconds, shorter in tests. */
export interface Times {
  /** After so long without output, the log says that the command still runs. */
  readonly silence: number;
  readonly patience: Patience;
  /** How long output may go on once the command has exited: something it started holds the pipe. */
  readonly drain: number;
}

export const TIMES: Times = { silence: 60_000, patience: PATIENCE, drain: 1000 };

/** Lines of a failed command that its error quotes, and characters of each. */
const QUOTED_LINES = 10;
const QUOTED_CHARACTERS = 300;
/** Node fires at once where a delay does not fit into 32 bits: some 25 days. */
const MAX_DELAY_MS = 2 ** 31 - 1;

/** The variable by which a command can label its containers, and its stray processes are known. */
const ID_VARIABLE = 'PRUNEGATE_COMMAND_ID';

type Child = ChildProcessByStdio<null, Readable, Readable>;

/**
 * Runs one command to its end, and whatever it started in its process group with it.
 * @param env the whole environment that it gets.
 * @throws InputError for a shell that is not known; what else fails is the result's ending.
 */
export async function runCommand(
  command: CommandRequest,
  env: Readonly<Record<string, string>>,
  log: CommandLog,
  cancel: Cancel,
  times: Times = TIMES,
): Promise<CommandResult> {
  const id = randomUUID();
  const marked = { ...env, [ID_VARIABLE]: id };
  const script = writeScript(command, marked);
  const start = performance.now();
  const lastLines: string[] = [];
  const show = (line: string): void => {
    lastLines.push(withoutColours(line).slice(0, QUOTED_CHARACTERS));
    if (lastLines.length > QUOTED_LINES) lastLines.shift();
    log.line(line);
  };
  const note = (text: string): void => log.line(`prunegate: ${text}`);
  try {
    const child = await started(script, command.workingDirectory ?? process.cwd(), marked);
    if (typeof child === 'string') return { ending: { kind: 'not-started', problem: child }, elapsedMs: 0, lastLines };
    const group = { leader: child.pid ?? 0, mark: `${ID_VARIABLE}=${id}` };
    const heartbeat = setInterval(
      () => note(`still running after ${duration(performance.now() - start)}, silent for ${duration(times.silence)}`),
      times.silence,
    );
    const shown = Promise.all(
      [child.stdout, child.stderr].map((stream) => showOutput(stream, show, log, () => heartbeat.refresh())),
    );
    try {
      const ending = await endOf(child, group, command.timeoutMinutes, cancel, times.patience, note);
      if (ending.kind === 'timed-out' || ending.kind === 'cancelled') {
        const containers = await removeContainers(id, marked);
        if (containers > 0) note(`removed its containers: ${containers}`);
      }
      await endRest(child, group, shown, times, note);
      return { ending, elapsedMs: performance.now() - start, lastLines };
    } finally {
      clearInterval(heartbeat);
    }
  } finally {
    script.remove();
  }
}

/** The started process, or why it could not be started. */
async function started(
  { program, args }: Script,
  cwd: string,
  env: Readonly<Record<string, string>>,
): Promise<Child | string> {
  const problem = (error: Error): string => {
    const code = 'code' in error ? String(error.code) : error.message;
    return code === 'ENOENT' ? `there is no program ${program} on the PATH` : `${program}: ${code}`;
  };
  try {
    const child = spawn(program, args, {
      cwd,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
      // A session and process group of its own. On Windows it would open a console window.
      detached: process.platform !== 'win32',
      windowsHide: true,
    });
    return await new Promise<Child | string>((resolve) => {
      child.once('spawn', () => resolve(child));
      child.once('error', (error) => resolve(problem(error)));
    });
  } catch (error) {
    // Some errors of the system are thrown instead (E2BIG).
    if (error instanceof Error && 'syscall' in error) return problem(error);
    throw error;
  }
}

/** Reads no faster than the log is read. */
async function showOutput(
  stream: Readable,
  show: (line: string) => void,
  log: CommandLog,
  heard: () => void,
): Promise<void> {
  const lines = splitLines(show);
  try {
    for await (const bytes of stream) {
      heard();
      lines.write(bytes as Uint8Array);
      await log.ready();
    }
  } finally {
    lines.end();
  }
}

/** Waits for the command to exit, and makes it where its time is up or the run is cancelled. */
async function endOf(
  child: Child,
  group: ProcessGroup,
  timeoutMinutes: number | null,
  cancel: Cancel,
  patience: Patience,
  note: (text: string) => void,
): Promise<Ending> {
  const killOnExit = (): void => killGroup(group);
  process.once('exit', killOnExit);
  const timers = new AbortController();
  const exited = new Promise<Ending>((resolve) => {
    child.once('exit', (status, signal) =>
      resolve(signal === null ? { kind: 'exited', status: status ?? 0 } : { kind: 'killed', signal }),
    );
  });
  const stops: Promise<Ending>[] = [cancel.requested.then((signal) => ({ kind: 'cancelled', signal }))];
  if (timeoutMinutes !== null) {
    const ms = Math.min(timeoutMinutes * 60_000, MAX_DELAY_MS);
    stops.push(
      delay(ms, undefined, { signal: timers.signal }).then(
        () => ({ kind: 'timed-out', minutes: timeoutMinutes }),
        () => exited,
      ),
    );
  }
  try {
    const first = await Promise.race([exited, ...stops]);
    if (first.kind === 'timed-out' || first.kind === 'cancelled') {
      note(`${first.kind === 'cancelled' ? `cancelled (${first.signal})` : 'its time is up'}: ending it`);
      await endGroup(group, patience, cancel.again);
      await Promise.race([exited, delay(patience.kill, undefined, { ref: false })]);
    }
    return first;
  } finally {
    timers.abort();
    process.removeListener('exit', killOnExit);
  }
}

/** Ends what the command left running, which could still write its files and hold the GPU's memory, and lets go of its output. */
async function endRest(
  child: Child,
  group: ProcessGroup,
  shown: Promise<unknown>,
  { drain, patience }: Times,
  note: (text: string) => void,
): Promise<void> {
  const isShown = (): Promise<boolean> => Promise.race([shown.then(() => true), delay(drain, false, { ref: false })]);
  // `> >(tee log)` is still writing when the shell has exited.
  await isShown();
  if (!(await isGoneWithin(group, drain))) {
    note('ending the processes that it left running');
    await endGroup(group, patience);
  }
  if (await isShown()) return;
  for (const stream of [child.stdout, child.stderr]) stream.destroy();
  await shown.catch(() => {});
}

/** How it ended, to be read after the command's name. */
export function describeEnding(ending: Ending, elapsedMs: number): string {
  const elapsed = duration(elapsedMs);
  switch (ending.kind) {
    case 'exited':
      return `exited with status ${ending.status}${statusMeaning(ending.status)} after ${elapsed}`;
    case 'killed':
      return `was killed by ${ending.signal} after ${elapsed}`;
    case 'timed-out':
      return `was ended after ${elapsed}: its limit is ${duration(ending.minutes * 60_000)}`;
    case 'cancelled':
      return `was ended after ${elapsed}: the run was cancelled (${ending.signal})`;
    case 'not-started':
      return `could not be started: ${ending.problem}`;
  }
}

/** What shells say by an exit status: see EXIT STATUS in bash(1). */
function statusMeaning(status: number): string {
  if (status === 126) return ' (a program may not be executed)';
  if (status === 127) return ' (a program was not found)';
  const [signal] = Object.entries(constants.signals).find(([, number]) => number === status - 128) ?? [];
  if (signal === undefined) return '';
  return signal === 'SIGKILL' ? ' (killed by SIGKILL: out of memory?)' : ` (killed by ${signal})`;
}
