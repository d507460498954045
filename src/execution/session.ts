import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { convertElements, type Elements, zeroElements } from '../tensor-files/index.ts';
import { noise, shaken } from './noise.ts';
import { providerUse } from './profile.ts';
import type { Feed, ProviderUse, RuntimeJob, Side, Step } from './protocol.ts';
import type { Tensor } from './slices.ts';

/** What is used of onnxruntime-node: a package of any 1.x version, loaded from a folder that is known at run time only. */
interface OnnxRuntime {
  readonly env: { readonly versions: { readonly node?: string; readonly common?: string }; logLevel?: string };
  readonly Tensor: new (type: string, data: ArrayBufferView, dims: readonly number[]) => unknown;
  readonly InferenceSession: {
    create(path: string | Uint8Array, options: Readonly<Record<string, unknown>>): Promise<NativeSession>;
  };
}

interface NativeSession {
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  run(feeds: Readonly<Record<string, unknown>>, fetches?: readonly string[]): Promise<Readonly<Record<string, Tensor>>>;
  release(): Promise<void>;
  endProfiling(): void;
}

export interface Runtime {
  readonly version: string;
  readonly ort: OnnxRuntime;
  readonly job: RuntimeJob;
  /** Says what is done next, and waits until that is known to the parent: whatever goes wrong from then on went wrong there. */
  begin(step: Step): Promise<void>;
}

/** @throws where the package or its native library cannot be loaded, or is of a version that lacks what is used here */
export function loadRuntime(job: RuntimeJob, begin: Runtime['begin']): Runtime {
  const load = createRequire(join(job.runtime, 'package.json'));
  const { version } = load('./package.json') as { version: string };
  const ort = load(job.runtime) as OnnxRuntime;
  if (typeof ort.InferenceSession?.create !== 'function' || typeof ort.Tensor !== 'function')
    throw new Error('it has no InferenceSession.create and Tensor');
  // What it would print is recognized by the errors that it throws.
  ort.env.logLevel = 'fatal';
  return { version, ort, job, begin };
}

export interface Session {
  /** The values of some outputs, of all where none are named. */
  run(feeds: Readonly<Record<string, unknown>>, fetches?: readonly string[]): Promise<ReadonlyMap<string, Tensor>>;
  /** Ends a session that was opened with a profile, and tells what ran where. */
  endProfile(): readonly ProviderUse[];
}

/** Opens the model of a side. @throws where an execution provider or the model cannot be loaded */
export type OpenSession = (path: string, side: Side, options?: SessionOptions) => Promise<Session>;

export interface SessionOptions {
  /** Whether it is to be known afterwards what ran where. */
  readonly isProfiled?: boolean;
  /** Without optimizations, on one thread: other kernels, which round otherwise. */
  readonly isPlain?: boolean;
}

/**
 * Works with sessions, and frees all of them whatever happens: the next job of this process has the memory then.
 * @throws what the work throws; else what freeing them does
 */
export async function withSessions<T>(runtime: Runtime, work: (open: OpenSession) => Promise<T>): Promise<T> {
  const opened: NativeSession[] = [];
  const done = work(async (path, side, options = {}) => {
    const session = await created(runtime, path, side, options);
    opened.push(session);
    return sessionOf(runtime, session, side);
  });
  await done.catch(() => {});
  const freed = await Promise.allSettled(opened.map((session) => session.release()));
  const result = await done;
  for (const one of freed) if (one.status === 'rejected') throw one.reason;
  return result;
}

const profilePrefix = (side: Side): string => `profile-${side}`;

async function created(
  { ort, job, begin }: Runtime,
  path: string,
  side: Side,
  { isProfiled = false, isPlain = false }: SessionOptions,
): Promise<NativeSession> {
  await begin({ step: 'load', side });
  return ort.InferenceSession.create(path, {
    executionProviders: job.providers,
    // The lines between warnings and the fatal one repeat what is thrown.
    logSeverityLevel: 4,
    ...(isPlain ? { graphOptimizationLevel: 'disabled', intraOpNumThreads: 1 } : {}),
    ...(isProfiled ? { enableProfiling: true, profileFilePrefix: join(job.workFolder, profilePrefix(side)) } : {}),
  });
}

function sessionOf({ job }: Runtime, session: NativeSession, side: Side): Session {
  return {
    run: async (feeds, fetches) => new Map(Object.entries(await session.run(feeds, fetches))),
    endProfile: () => {
      session.endProfiling();
      const file = readdirSync(job.workFolder).findLast((name) => name.startsWith(profilePrefix(side)));
      return file === undefined ? [] : providerUse(readFileSync(join(job.workFolder, file), 'utf8'));
    },
  };
}

/**
 * Input tensors by the names that a model has for them.
 * @param seed of small changes to them, within their rounding; null for none
 */
export function tensorsOf(
  { ort }: Runtime,
  feeds: readonly Feed[],
  side: Side,
  seed: number | null = null,
): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    feeds.map((feed) => {
      const elements = elementsOf(feed);
      const fed = seed === null ? elements : shaken(feed.type, elements, seed);
      const type = feed.takes[side];
      return [feed.input[side], new ort.Tensor(type, convertElements(fed, feed.type, type), feed.dims)];
    }),
  );
}

function elementsOf({ type, dims, fill }: Feed): Elements {
  const count = dims.reduce((n, size) => n * size, 1);
  switch (fill.kind) {
    case 'zeros':
      return zeroElements(type, count);
    case 'noise':
      return noise(type, count, fill.seed, fill.deviation);
    case 'given':
      return fill.elements;
  }
}
