import type { Credentials } from './client.ts';
import { type EventContext, readEvent } from './events.ts';
import { commentKey } from './stamp.ts';

/** Where a run's result may go, and by whose leave. */
export interface Channel extends Credentials {
  readonly event: EventContext | null;
  /** Tells this step's comment from others': see commentKey. */
  readonly key: string;
  readonly summaryFile: string | undefined;
  /** Where the repository was checked out; undefined where the runner does not say. */
  readonly workspace: string | undefined;
  /** The runner's temporary folder. */
  readonly temporary: string | undefined;
  /** The name of a folder for this step's own files: several steps of a job may check a model. */
  readonly step: string;
}

/** Inputs that tell one step of a workflow, or one leg of a matrix, from another. */
const NAMING_INPUTS = [
  ...['mode', 'config', 'working-directory', 'model', 'dense', 'dense-folded', 'pruned', 'spec', 'reported', 'reports'],
  ...['overrides', 'folding', 'tolerance', 'execution-provider'],
];

/** @param input an input of the step, as written */
export function channelOf(
  credentials: Credentials,
  env: Readonly<Record<string, string | undefined>>,
  input: (name: string) => string,
): Channel {
  return {
    ...credentials,
    event: readEvent(env),
    key: commentKey(env, Object.fromEntries(NAMING_INPUTS.map((name) => [name, input(name)]))),
    summaryFile: env['GITHUB_STEP_SUMMARY'],
    workspace: env['GITHUB_WORKSPACE'] || undefined,
    temporary: env['RUNNER_TEMP'] || undefined,
    step: /^[\w-]{1,100}$/.exec(env['GITHUB_ACTION'] ?? '')?.[0] ?? 'step',
  };
}
