import { createHash } from 'node:crypto';

/** Which run a comment speaks of, and which of the pull request's comments is its own. */
export interface Stamp {
  /** Tells the comments of matrix legs, jobs and steps apart. */
  readonly key: string;
  readonly head: string;
  readonly run: number;
  readonly attempt: number;
}

/** First line of a comment. Only there is it looked for, and names are escaped, so that no text in a report can be taken for it. */
export function markerOf({ key, head, run, attempt }: Stamp): string {
  return `<!-- prunegate:comment v1 key=${key} head=${head} run=${run} attempt=${attempt} -->`;
}

const MARKER =
  /^<!-- prunegate:comment v1 key=([0-9a-f]+) head=([0-9a-f]{40,64}) run=(\d+) attempt=(\d+) -->(?:\r?\n|$)/;

export function stampIn(body: string): Stamp | null {
  const match = MARKER.exec(body);
  if (match === null) return null;
  const [, key, head, run, attempt] = match;
  return { key: key!, head: head!, run: Number(run), attempt: Number(attempt) };
}

/** Whether what stands there comes of a later run on the same commit; one that was started again by hand is later than all. */
export function isSuperseded(ours: Stamp, stored: Stamp): boolean {
  if (stored.head !== ours.head) return false;
  return stored.run === ours.run ? stored.attempt > ours.attempt : stored.run > ours.run && ours.attempt === 1;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Variables whose values differ from runner to runner or from run to run: where a path holds one, that part says nothing of the step. */
const CHANGING = ['RUNNER_TEMP', 'GITHUB_WORKSPACE', 'RUNNER_WORKSPACE', 'GITHUB_SHA', 'GITHUB_RUN_ID'] as const;

/**
 * The same for a step in every run of its workflow, and another for each step, job and matrix leg whose inputs differ.
 * @param inputs what the step was given, as written
 */
export function commentKey(env: Environment, inputs: Readonly<Record<string, string>>): string {
  const steady = (text: string): string =>
    CHANGING.reduce((rest, name) => {
      const value = env[name];
      return value === undefined || value === '' ? rest : rest.replaceAll(value, `$${name}`);
    }, text);
  // owner/name/.github/workflows/prune.yml@refs/pull/7/merge
  const workflow = env['GITHUB_WORKFLOW_REF']?.replace(/@.*$/s, '') ?? env['GITHUB_WORKFLOW'] ?? '';
  const given = Object.entries(inputs)
    .filter(([, value]) => value !== '')
    .map(([name, value]) => [name, steady(value)])
    .sort(([a], [b]) => (a! < b! ? -1 : 1));
  const parts = [workflow, env['GITHUB_JOB'] ?? '', env['GITHUB_ACTION'] ?? '', given];
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 16);
}
