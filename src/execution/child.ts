import { type ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';
import { type Cancel, CancelledError } from '../process/index.ts';
import type { Job, Message, Result, Step } from './protocol.ts';

/** The child is a bundle of its own: it needs nothing of ours but the few modules that run models. */
const IS_BUNDLED = import.meta.filename.endsWith('.cjs');
const WORKER = join(import.meta.dirname, IS_BUNDLED ? 'execute.cjs' : '../../dist/execute.cjs');

/** A job that takes longer than this hangs: the slowest real models take seconds. */
const TIME_LIMIT_MS = 20 * 60_000;

/** Work that is done sooner needs no progress. */
const QUIET_MS = 3000;

/** Bytes of what the child prints that are kept to explain a crash. */
const KEPT_OUTPUT = 4096;

/**
 * Variables that a native library reads to find its parts and its devices, and the mark by which a runner finds what a job left
 * running (actions/runner JobExtension.cs). The child parses models that may come from a pull request, so it gets nothing else: no
 * token, no input, no secret.
 */
const PASSED =
  /^(?:PATH|HOME|USERPROFILE|SYSTEMROOT|TEMP|TMP|TMPDIR|LANG|LC_ALL|LD_LIBRARY_PATH|DYLD_LIBRARY_PATH|RUNNER_TRACKING_ID)$|^(?:CUDA|CUDNN|NVIDIA|TENSORRT|ORT|OMP|MKL)_/i;

/** Compares float32 as float32: on GPUs since Ampere, onnxruntime and TensorRT otherwise multiply with ten bits of mantissa. */
const EXACT = { NVIDIA_TF32_OVERRIDE: '0' } as const;

/** How the child ended without a result, and what it was doing. */
export interface Crash extends Step {
  readonly kind: 'crashed';
  readonly code: 'out-of-memory' | 'timed-out' | 'crashed';
  /** Reads after what it was that ended. */
  readonly message: string;
}

/** A process of its own that does one job after another, so that a native crash or the out-of-memory killer takes nothing else with it. */
export interface Child {
  /**
   * Does a job, in a new process where the one before has ended.
   * @throws CancelledError once a signal has ended it
   */
  run(job: Job): Promise<Result | Crash>;
  /** Ends it, whatever it does. */
  close(): void;
}

export interface ChildOptions {
  /** Whether float32 is to be multiplied as such; latencies are taken as the models are used. */
  readonly isExact: boolean;
  /** Null where nothing can cancel it. */
  readonly cancel: Cancel | null;
  log(line: string): void;
}

export function startChild({ isExact, cancel, log }: ChildOptions): Child {
  let running: Running | null = null;
  const cancelled =
    cancel?.requested.then((signal): never => {
      throw new CancelledError(`the execution of the models was cancelled (${signal})`, signal);
    }) ?? new Promise<never>(() => {});
  // Whoever waits for a job hears of it.
  cancelled.catch(() => {});
  const close = (): void => {
    running?.end();
    running = null;
  };
  return {
    async run(job) {
      if (running?.hasEnded() !== false) running = startProcess(isExact);
      try {
        return await Promise.race([running.run(job, log), cancelled]);
      } catch (error) {
        close();
        throw error;
      }
    },
    close,
  };
}

interface Running {
  run(job: Job, log: (line: string) => void): Promise<Result | Crash>;
  hasEnded(): boolean;
  end(): void;
}

function startProcess(isExact: boolean): Running {
  const child = fork(WORKER, [], {
    execArgv: [],
    env: { ...environment(process.env), ...(isExact ? EXACT : {}) },
    serialization: 'advanced',
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  // It may be in the midst of a model, and hear nothing: no request to end would be obeyed.
  const end = (): void => void child.kill('SIGKILL');
  process.once('exit', end);
  const life = livesOf(child);
  void life.ended.then(() => process.removeListener('exit', end));
  return {
    run(job, log) {
      const limit = setTimeout(() => {
        life.isLate = true;
        end();
      }, TIME_LIMIT_MS);
      const answered = answerOf(child, life, log);
      // A child that has ended already takes no message, and `ended` tells why.
      if (child.connected) child.send(job);
      return Promise.race([answered, life.ended]).finally(() => clearTimeout(limit));
    },
    hasEnded: () => !child.connected,
    end,
  };
}

/** What is known of a process. */
interface Life {
  isLate: boolean;
  doing: Step;
  readonly ended: Promise<Crash>;
}

function livesOf(child: ChildProcess): Life {
  let printed = '';
  const keep = (chunk: Buffer): void => {
    printed = (printed + chunk.toString('utf8')).slice(-KEPT_OUTPUT);
  };
  child.stdout?.on('data', keep);
  child.stderr?.on('data', keep);
  const life: Omit<Life, 'ended'> = { isLate: false, doing: { step: 'runtime', side: null } };
  const ended = new Promise<Crash>((resolve) => {
    const crashed = (code: Crash['code'], message: string): void =>
      resolve({ kind: 'crashed', code, step: life.doing.step, side: life.doing.side, message });
    child.on('error', (error) => crashed('crashed', `could not be started: ${error.message}`));
    child.on('close', (status, signal) => {
      const said = lastLineOf(printed);
      if (life.isLate) crashed('timed-out', `was ended after ${TIME_LIMIT_MS / 60_000} minutes`);
      // Nobody else sends it: the kernel does where memory runs out.
      else if (signal === 'SIGKILL') crashed('out-of-memory', `was killed, most likely for want of memory${said}`);
      else crashed('crashed', `${signal === null ? `ended with status ${status}` : `crashed (${signal})`}${said}`);
    });
  });
  return Object.assign(life, { ended });
}

function answerOf(child: ChildProcess, life: Life, log: (line: string) => void): Promise<Result> {
  const started = performance.now();
  return new Promise((resolve) => {
    const listen = (message: Message): void => {
      switch (message.kind) {
        case 'step':
          life.doing = message;
          return;
        case 'progress':
          if (performance.now() - started > QUIET_MS) log(message.line);
          return;
        case 'result':
          child.off('message', listen);
          resolve(message.result);
      }
    };
    child.on('message', listen);
  });
}

function environment(all: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(all).filter(([name]) => PASSED.test(name)));
}

function lastLineOf(printed: string): string {
  const last = printed.trim().split('\n').at(-1)?.slice(0, 300) ?? '';
  return last === '' ? '' : `; its last line was: ${last}`;
}
