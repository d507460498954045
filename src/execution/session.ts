import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { Tensor } from './compare.ts';
import { noise } from './noise.ts';
import { arrayOf } from './numpy-file.ts';
import { providerUse } from './profile.ts';
import type { Failure, Feed, ProviderUse, RuntimeJob, Side } from './protocol.ts';
import { type Elements, zeroElements } from './values.ts';

/** What is used of onnxruntime-node: a package of any 1.x version, loaded from a folder that is known at run time only. */
interface OnnxRuntime {
  readonly env: { readonly versions: { readonly node?: string; readonly common?: string }; logLevel?: string };
  readonly Tensor: new (type: string, data: Elements, dims: readonly number[]) => unknown;
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

/** A step that failed, with the words of onnxruntime. */
export class StepError extends Error {
  readonly failure: Failure;

  constructor(step: Failure['step'], side: Side | null, cause: unknown) {
    const message = cause instanceof Error ? cause.message : String(cause);
    super(message);
    this.failure = { kind: 'failed', step, side, message };
  }
}

export interface Runtime {
  readonly version: string;
  readonly ort: OnnxRuntime;
  readonly job: RuntimeJob;
}

/** @throws StepError where the package or its native library cannot be loaded */
export function loadRuntime(job: RuntimeJob): Runtime {
  try {
    const load = createRequire(join(job.runtime, 'package.json'));
    const { version } = load('./package.json') as { version: string };
    const ort = load(job.runtime) as OnnxRuntime;
    // What it would print is told by the errors that it throws.
    ort.env.logLevel = 'fatal';
    return { version, ort, job };
  } catch (error) {
    throw new StepError('runtime', null, error);
  }
}

export interface Session {
  /** The values of some outputs, of all where none are named. */
  run(feeds: Readonly<Record<string, unknown>>, fetches?: readonly string[]): Promise<ReadonlyMap<string, Tensor>>;
  /** Ends a session that was opened with a profile, and tells what ran where. */
  endProfile(): readonly ProviderUse[];
  close(): Promise<void>;
}

/** @throws StepError where an execution provider or the model cannot be loaded */
export async function openSession(
  { ort, job }: Runtime,
  path: string,
  side: Side,
  isProfiled: boolean,
): Promise<Session> {
  const prefix = `profile-${side}`;
  const session = await ort.InferenceSession.create(path, {
    executionProviders: job.providers,
    // The lines between warnings and the fatal one repeat what is thrown.
    logSeverityLevel: 4,
    ...(isProfiled ? { enableProfiling: true, profileFilePrefix: join(job.workFolder, prefix) } : {}),
  }).catch((error: unknown) => {
    throw new StepError('load', side, error);
  });
  return {
    run: async (feeds, fetches) => {
      try {
        return new Map(Object.entries(await session.run(feeds, fetches)));
      } catch (error) {
        throw new StepError('run', side, error);
      }
    },
    endProfile: () => {
      session.endProfiling();
      const file = readdirSync(job.workFolder).findLast((name) => name.startsWith(prefix));
      return file === undefined ? [] : providerUse(readFileSync(join(job.workFolder, file), 'utf8'));
    },
    close: () => session.release(),
  };
}

/** Input tensors by name. @throws StepError for a file that cannot be read */
export function tensorsOf({ ort }: Runtime, feeds: readonly Feed[]): Readonly<Record<string, unknown>> {
  return Object.fromEntries(feeds.map((feed) => [feed.input, new ort.Tensor(feed.type, elementsOf(feed), feed.dims)]));
}

function elementsOf({ type, dims, fill }: Feed): Elements {
  const count = dims.reduce((n, size) => n * size, 1);
  if (fill.kind === 'zeros') return zeroElements(type, count);
  if (fill.kind === 'noise') return noise(type, count, fill.seed);
  try {
    return arrayOf(fill.path, fill.array).elements;
  } catch (error) {
    throw new StepError('input', null, error);
  }
}
