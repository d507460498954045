import { fork } from 'node:child_process';
import { join } from 'node:path';
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
 * Variables that a native library reads to find its parts and its devices. The child parses models that may come from a
 * pull request, so it gets nothing else: no token, no input, no secret.
 */
const PASSED =
  /^(PATH|HOME|USERPROFILE|SYSTEMROOT|TEMP|TMP|TMPDIR|LANG|LC_ALL|LD_LIBRARY_PATH|DYLD_LIBRARY_PATH|CUDA_.*|CUDNN_.*|NVIDIA_.*|TENSORRT_.*|ORT_.*|OMP_.*|MKL_.*)$/i;

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
  run(job: Job): Promise<Result | Crash>;
  close(): void;
}

/** @param isExact whether float32 is to be multiplied as such; latencies are taken as the models are used */
export function startChild(isExact: boolean, log: (line: string) => void): Child {
  const child = fork(WORKER, [], {
    execArgv: [],
    env: { ...environment(process.env), ...(isExact ? EXACT : {}) },
    serialization: 'advanced',
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  let printed = '';
  const keep = (chunk: Buffer): void => {
    printed = (printed + chunk.toString('utf8')).slice(-KEPT_OUTPUT);
  };
  child.stdout?.on('data', keep);
  child.stderr?.on('data', keep);
  let isLate = false;
  let doing: Step = { step: 'runtime', side: null };
  const ended = new Promise<Crash>((resolve) => {
    const crashed = (code: Crash['code'], message: string): void =>
      resolve({ kind: 'crashed', code, step: doing.step, side: doing.side, message });
    child.on('error', (error) => crashed('crashed', `could not be started: ${error.message}`));
    child.on('close', (status, signal) => {
      const said = lastLineOf(printed);
      if (isLate) crashed('timed-out', `was ended after ${TIME_LIMIT_MS / 60_000} minutes`);
      // Nobody else sends it: the kernel does where memory runs out.
      else if (signal === 'SIGKILL') crashed('out-of-memory', `was killed, most likely for want of memory${said}`);
      else crashed('crashed', `${signal === null ? `ended with status ${status}` : `crashed (${signal})`}${said}`);
    });
  });
  return {
    run(job) {
      const started = performance.now();
      const limit = setTimeout(() => {
        isLate = true;
        child.kill('SIGKILL');
      }, TIME_LIMIT_MS);
      const answered = new Promise<Result>((resolve) => {
        const listen = (message: Message): void => {
          if (message.kind === 'step') {
            doing = message;
            return;
          }
          if (message.kind === 'progress') {
            if (performance.now() - started > QUIET_MS) log(message.line);
            return;
          }
          child.off('message', listen);
          resolve(message.result);
        };
        child.on('message', listen);
      });
      // A child that has ended already takes no message, and `ended` tells why.
      if (child.connected) child.send(job);
      return Promise.race([answered, ended]).finally(() => clearTimeout(limit));
    },
    close() {
      if (child.connected) child.disconnect();
    },
  };
}

function environment(all: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(all).filter(([name]) => PASSED.test(name)));
}

function lastLineOf(printed: string): string {
  const last = printed.trim().split('\n').at(-1)?.slice(0, 300) ?? '';
  return last === '' ? '' : `; its last line was: ${last}`;
}
