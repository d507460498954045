import { readFileSync, statSync } from 'node:fs';

/** What started this run, as far as the runner's variables and the webhook payload say. Null is not known. */
export interface EventContext {
  /** `pull_request`, `merge_group`, `push`, ... */
  readonly name: string;
  /** `owner/name` of the repository whose workflow runs. */
  readonly repository: string | null;
  /** The commit that is judged: the pull request's own head, not the merge commit that is checked out. */
  readonly headSha: string | null;
  /** The commit whose policy counts: the base of a pull request or of the queue's group, the default branch's in a workflow_run, the one before a push. */
  readonly baseSha: string | null;
  /** The branch that is to be changed: a pull request's or a queue's base, else the one that the run belongs to. */
  readonly baseBranch: string | null;
  /** The one pull request that the run belongs to. A workflow_run of a fork's pull request does not name it. */
  readonly pullRequest: number | null;
  /** `owner/name` of the repository that the judged code comes from; null for a fork that is gone, too. */
  readonly headRepository: string | null;
  /** The pull request's branch there; null where the event belongs to none. */
  readonly headBranch: string | null;
  /** Whether the code comes from another repository, or from nobody knows where. */
  readonly isFork: boolean;
  /** Whether GitHub gives the run a token that can only read, whatever its permissions say, and no secrets. */
  readonly hasReadOnlyToken: boolean;
  /** Whether the runner is not one of GitHub's, which are thrown away after a job. */
  readonly isSelfHosted: boolean;
  /** Whether nektos/act plays the runner on somebody's own machine. */
  readonly isLocal: boolean;
  readonly workflow: string | null;
  /** The workflow's file, as `prune.yml`. */
  readonly workflowFile: string | null;
  readonly job: string | null;
  readonly runId: number | null;
  readonly runAttempt: number | null;
  /** Without a slash at the end; null where the runner names one that is no URL. */
  readonly serverUrl: string | null;
  readonly apiUrl: string | null;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** GitHub refuses webhook payloads above 25 MB. */
const MAX_PAYLOAD_BYTES = 25 * 1024 * 1024;

/** The event behind a run on GitHub Actions; null anywhere else. Nothing in it is trusted to have its documented shape. */
export function readEvent(env: Environment): EventContext | null {
  if (env['GITHUB_ACTIONS'] !== 'true') return null;
  const name = env['GITHUB_EVENT_NAME'] ?? '';
  const payload = readPayload(env['GITHUB_EVENT_PATH']);
  const repository = repositoryName(env['GITHUB_REPOSITORY']) ?? repositoryName(at(payload, 'repository', 'full_name'));
  const origin = originOf(name, payload, repository);
  return {
    name,
    repository,
    ...commitsOf(name, payload, env),
    baseBranch: baseBranchOf(name, payload, env),
    pullRequest: pullRequestOf(name, payload, repository),
    headRepository: origin,
    headBranch: branchOf(name, payload),
    isFork: origin === null || origin.toLowerCase() !== repository?.toLowerCase(),
    hasReadOnlyToken: hasReadOnlyToken(name, origin, repository, env),
    // Runners older than the variable cannot start this action: it needs node24.
    isSelfHosted: env['RUNNER_ENVIRONMENT'] !== 'github-hosted',
    isLocal: env['ACT'] === 'true',
    workflow: text(env['GITHUB_WORKFLOW']),
    // owner/name/.github/workflows/prune.yml@refs/pull/7/merge
    workflowFile: /\/([^/@]+)@/.exec(env['GITHUB_WORKFLOW_REF'] ?? '')?.[1] ?? null,
    job: text(env['GITHUB_JOB']),
    runId: count(env['GITHUB_RUN_ID']),
    runAttempt: count(env['GITHUB_RUN_ATTEMPT']),
    serverUrl: url(env['GITHUB_SERVER_URL'], 'https://github.com'),
    apiUrl: url(env['GITHUB_API_URL'], 'https://api.github.com'),
  };
}

/** The repository as requests name it. */
export function repositoryOf(event: EventContext | null): { readonly owner: string; readonly repo: string } | null {
  const [owner, repo] = event?.repository?.split('/') ?? [];
  return owner === undefined || repo === undefined ? null : { owner, repo };
}

function readPayload(path: string | undefined): unknown {
  if (path === undefined || path === '') return null;
  try {
    const stat = statSync(path);
    if (!stat.isFile() || stat.size > MAX_PAYLOAD_BYTES) return null;
    const payload: unknown = JSON.parse(readFileSync(path, 'utf8'));
    return payload;
  } catch {
    return null;
  }
}

/** Events whose payload has the pull request under `pull_request`. */
function isOfPullRequest(name: string): boolean {
  return name.startsWith('pull_request');
}

function originOf(name: string, payload: unknown, repository: string | null): string | null {
  if (isOfPullRequest(name)) return repositoryName(at(payload, 'pull_request', 'head', 'repo', 'full_name'));
  if (name === 'workflow_run') return repositoryName(at(payload, 'workflow_run', 'head_repository', 'full_name'));
  return repository;
}

function branchOf(name: string, payload: unknown): string | null {
  if (isOfPullRequest(name)) return text(at(payload, 'pull_request', 'head', 'ref'));
  return name === 'workflow_run' ? text(at(payload, 'workflow_run', 'head_branch')) : null;
}

/** Events of a branch itself: what ran is what is merged there. */
export const BRANCH_EVENTS: readonly string[] = ['push', 'schedule', 'workflow_dispatch'];

function baseBranchOf(name: string, payload: unknown, env: Environment): string | null {
  if (isOfPullRequest(name)) return text(at(payload, 'pull_request', 'base', 'ref'));
  const ref = name === 'merge_group' ? text(at(payload, 'merge_group', 'base_ref')) : (env['GITHUB_REF'] ?? null);
  if (name !== 'merge_group' && !BRANCH_EVENTS.includes(name)) return null;
  return ref?.startsWith('refs/heads/') === true ? text(ref.slice('refs/heads/'.length)) : null;
}

/** A fork's pull request gets such a token unless the event runs in the base repository's name, and so does Dependabot's. */
function hasReadOnlyToken(name: string, origin: string | null, repository: string | null, env: Environment): boolean {
  if (!isOfPullRequest(name) || name === 'pull_request_target') return false;
  return origin?.toLowerCase() !== repository?.toLowerCase() || env['GITHUB_ACTOR'] === 'dependabot[bot]';
}

function commitsOf(name: string, payload: unknown, env: Environment): Pick<EventContext, 'headSha' | 'baseSha'> {
  // GITHUB_SHA is a merge commit here, which nobody else sees.
  if (isOfPullRequest(name)) {
    const of = (side: string): string | null => sha(at(payload, 'pull_request', side, 'sha'));
    return { headSha: of('head'), baseSha: of('base') };
  }
  const checkedOut = sha(env['GITHUB_SHA']);
  // GITHUB_SHA is the last commit of the default branch here (docs, "Events that trigger workflows").
  if (name === 'workflow_run') return { headSha: sha(at(payload, 'workflow_run', 'head_sha')), baseSha: checkedOut };
  if (name === 'merge_group') {
    const of = (side: string): string | null => sha(at(payload, 'merge_group', side));
    return { headSha: of('head_sha') ?? checkedOut, baseSha: of('base_sha') };
  }
  return { headSha: checkedOut, baseSha: name === 'push' ? sha(at(payload, 'before')) : null };
}

function pullRequestOf(name: string, payload: unknown, repository: string | null): number | null {
  if (isOfPullRequest(name)) return count(at(payload, 'pull_request', 'number'));
  if (name === 'issue_comment')
    return at(payload, 'issue', 'pull_request') === undefined ? null : count(at(payload, 'issue', 'number'));
  if (name !== 'workflow_run') return null;
  // The list holds every open pull request with this head, those of other repositories too.
  const all = at(payload, 'workflow_run', 'pull_requests');
  const own = (Array.isArray(all) ? all : []).filter((each) =>
    text(at(each, 'base', 'repo', 'url'))?.endsWith(`/repos/${repository}`),
  );
  return own.length === 1 ? count(at(own[0], 'number')) : null;
}

function at(value: unknown, ...path: readonly string[]): unknown {
  return path.reduce<unknown>((parent, key) => {
    if (typeof parent !== 'object' || parent === null || !Object.hasOwn(parent, key)) return undefined;
    return (parent as Readonly<Record<string, unknown>>)[key];
  }, value);
}

function text(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}

function repositoryName(value: unknown): string | null {
  return typeof value === 'string' && /^[\w.-]+\/[\w.-]+$/.test(value) ? value : null;
}

/** A commit; the null object's name stands for none. */
function sha(value: unknown): string | null {
  if (typeof value !== 'string' || !/^([0-9a-f]{40}|[0-9a-f]{64})$/.test(value)) return null;
  return /^0+$/.test(value) ? null : value;
}

function count(value: unknown): number | null {
  const number = typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value;
  return typeof number === 'number' && Number.isSafeInteger(number) && number > 0 ? number : null;
}

function url(value: string | undefined, usual: string): string | null {
  if (value === undefined || value === '') return usual;
  if (!/^https?:\/\/[^\s]+$/.test(value) || !URL.canParse(value)) return null;
  return value.endsWith('/') ? value.slice(0, -1) : value;
}
