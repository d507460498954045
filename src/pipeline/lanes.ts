import { statSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import type { Worker } from 'node:worker_threads';
import { type ModelRequest, requestData } from '../config/index.ts';
import { InputError } from '../errors/input-error.ts';
import { modelParts } from '../files/index.ts';
import type { Progress } from '../process/progress.ts';
import type { Checked } from './checked.ts';
import type { HostData, LaneMessage, LaneOrder, LaneTask } from './lane-work.ts';

/** Memory is that of so many models. */
const LANES = 2;

/**
 * A thread loads and compiles all once more, some 150 ms of work. It is worth it where so many bytes are to be read, of which a core takes two to three
 * gigabytes in a second, or for so many models.
 */
const WORTH_BYTES = 1e9;
/** What else a model takes, as bytes: some milliseconds. */
const MODEL_BYTES = 16e6;

const IS_BUNDLED = import.meta.filename.endsWith('.cjs');
const PROGRAM = join(import.meta.dirname, IS_BUNDLED ? 'lane.cjs' : '../../dist/lane.cjs');

/**
 * A small model's garbage is looked for seldom (process/garbage.ts), and a lane has that of many: 50 models of 9 MB took 230 MB on Node 20 and 360 MB on
 * Node 24, and take 180 and 235 MB with this limit of what is young, for 3 % more of the processor's time. In megabytes.
 */
const LIMITS = { maxYoungGenerationSizeMb: 12 };

/** Threads that check models beside each other. */
export interface Lanes {
  /**
   * What the k-th model comes to, and begins with those behind it; asked in their order. Null for one that is checked alone, when all before it are done, as
   * all are where no thread may start.
   * @throws what checking it here would
   */
  checked(k: number): Promise<Checked> | null;
  close(): Promise<void>;
}

export interface LaneHost extends LaneOrder {
  readonly progress: Progress;
  hostOf(request: ModelRequest): HostData;
  /** Whether the k-th model reaches out of the confines, so that nothing of it is looked at. */
  isReaching(k: number): boolean;
}

/**
 * Which models may be checked while others are: nothing is made for them that another might read, and no user's command, GPU or measured time is disturbed.
 */
function isOnlyRead({ commands, execution, requireGpu, pruned }: ModelRequest, { command }: LaneOrder): boolean {
  if (command !== 'check') return true;
  return commands.export === null && commands.prune === null && execution === 'none' && !requireGpu && pruned !== null;
}

/** @returns null where no two models can be taken at a time */
export function openLanes(requests: readonly ModelRequest[], host: LaneHost): Lanes | null {
  if (availableParallelism() < LANES) return null;
  const alone = requests.map((request, k) => host.isReaching(k) || !isOnlyRead(request, host));
  const isLaned = (k: number): boolean => !alone[k]! && (alone[k - 1] === false || alone[k + 1] === false);
  return isWorth(requests.filter((_, k) => isLaned(k))) ? lanesOf(requests, isLaned, host) : null;
}

function isWorth(requests: readonly ModelRequest[]): boolean {
  let bytes = 0;
  return requests.some(({ dense, pruned }) => {
    bytes += MODEL_BYTES + bytesOf(dense) + (pruned === null ? 0 : bytesOf(pruned));
    return bytes >= WORTH_BYTES;
  });
}

/** Of a model with its external data, which only small files have. */
function bytesOf(path: string): number {
  const own = sizeOf(path);
  return own > MODEL_BYTES ? own : modelParts(path).reduce((sum, part) => sum + sizeOf(part), 0);
}

function sizeOf(path: string): number {
  try {
    return statSync(path).size;
  } catch {
    return 0;
  }
}

function lanesOf(requests: readonly ModelRequest[], isLaned: (k: number) => boolean, host: LaneHost): Lanes {
  const { progress, hostOf, command, confines, baseline } = host;
  const order: LaneOrder = { command, confines, ...(baseline === undefined ? {} : { baseline }) };
  const tasks = new Map<number, Task>();
  const lanes: Lane[] = [];
  let next = 0;
  const oneMore = (): Lane | null => {
    if (lanes.length === LANES) return null;
    try {
      const lane = openLane(order, begin);
      lanes.push(lane);
      return lane;
    } catch {
      // No more threads are allowed, for one.
      return null;
    }
  };
  const begin = (): void => {
    for (; next < requests.length && isLaned(next); next++) {
      const lane = lanes.find(({ task }) => task === null) ?? oneMore();
      if (lane === null) return;
      const request = requests[next]!;
      const task = taskOf(next, progress);
      tasks.set(next, task);
      lane.take(task, { request: requestData(request), host: hostOf(request) });
    }
  };
  return {
    checked(k) {
      if (!isLaned(k)) return null;
      next = Math.max(next, k);
      begin();
      return tasks.get(k)?.shown() ?? null;
    },
    async close() {
      await Promise.all(lanes.map(({ thread }) => thread.terminate()));
    },
  };
}

/** A model that a lane has. */
interface Task {
  hear(message: LaneMessage): void;
  fail(error: unknown): void;
  /** What it comes to; from now on its lines are shown. */
  shown(): Promise<Checked>;
}

function taskOf(k: number, progress: Progress): Task {
  const held: string[] = [];
  let isShown = false;
  const reading = progress.of(k);
  const { promise, resolve, reject } = withResolvers<Checked>();
  // Whoever asks for it hears of it.
  promise.catch(() => {});
  return {
    hear(message) {
      switch (message.kind) {
        case 'line':
          if (isShown) progress.log(message.line);
          else held.push(message.line);
          return;
        case 'opened':
          return reading.opened(message.path, message.bytes);
        case 'read':
          return reading.read(message.bytes, () => message.layer);
        case 'checked':
          progress.done(k);
          return resolve(message.checked);
        case 'refused':
          progress.done(k);
          return reject(sameError(message));
        case 'failed':
          return reject(message.error);
      }
    },
    fail: reject,
    shown() {
      isShown = true;
      for (const line of held.splice(0)) progress.log(line);
      return promise;
    },
  };
}

/** A mistake of the user's as it was thrown in another thread. */
function sameError({ message, details }: Extract<LaneMessage, { kind: 'refused' }>): InputError {
  const error = new InputError('', details);
  error.message = message;
  return error;
}

interface Lane {
  readonly thread: Worker;
  readonly task: Task | null;
  take(task: Task, data: LaneTask): void;
}

/** @param onIdle is called when it has nothing to do */
function openLane(order: LaneOrder, onIdle: () => void): Lane {
  // Loaded where it is needed, which is seldom.
  const { Worker: Thread } = process.getBuiltinModule('node:worker_threads');
  const thread = new Thread(PROGRAM, { workerData: order, resourceLimits: LIMITS });
  let task: Task | null = null;
  thread.on('message', (message: LaneMessage) => {
    const current = task;
    if (message.kind === 'checked' || message.kind === 'refused' || message.kind === 'failed') task = null;
    current?.hear(message);
    if (task === null) onIdle();
  });
  // Out of memory, for one.
  thread.on('error', (error) => task?.fail(error));
  // Else nothing would keep this process, and it would end as if all were well.
  thread.on('exit', () => task?.fail(new Error('a thread that checks models has ended before its model')));
  return {
    thread,
    get task() {
      return task;
    },
    take(one, data) {
      task = one;
      thread.postMessage(data);
    },
  };
}

function withResolvers<T>() {
  let resolve: (value: T) => void = () => {};
  let reject: (reason: unknown) => void = () => {};
  const promise = new Promise<T>((ok, wrong) => {
    resolve = ok;
    reject = wrong;
  });
  return { promise, resolve, reject };
}
