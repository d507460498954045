import { type ActionOptions, type ActionRun, runAction } from './action.ts';
import { payload } from './events.ts';
import { type ApiOptions, type GitHubApi, startGitHubApi, TOKEN } from './github-api.ts';

export const REPOSITORY = 'Codertocat/Hello-World';
export const PULL_REQUEST = payload('pull_request', {}, ({ action }) => action === 'synchronize');
export const HEAD = 'ec26c3e57ca3a959ca5aad62de7213c562f8c821';
export const BASE = 'f95f852bd8fca8fcc58a9a2d6c842781e32a215e';
/** The example's models, right and wrong. */
export const RIGHT = { dense: 'm/dense.onnx', pruned: 'm/pruned.onnx', spec: 'm/prune.yaml', execute: 'false' };
export const WRONG = { ...RIGHT, pruned: 'm/pruned-naive.onnx' };

/** GitHub as that pull request's repository has it. */
export function startApi(options: Partial<ApiOptions> = {}): Promise<GitHubApi> {
  return startGitHubApi({
    repository: REPOSITORY,
    pullRequest: 2,
    headSha: HEAD,
    ...options,
  });
}

/** The action on the pull request, its token and API as the runner gives them. Tests of the policy give `policy` themselves. */
export function onPullRequest(api: GitHubApi, options: ActionOptions): Promise<ActionRun> {
  return runAction({
    event: PULL_REQUEST,
    ...options,
    inputs: { 'github-token': TOKEN, policy: 'none', ...options.inputs },
    env: {
      GITHUB_EVENT_NAME: 'pull_request',
      GITHUB_REPOSITORY: REPOSITORY,
      GITHUB_SHA: 'f'.repeat(40),
      GITHUB_API_URL: api.url,
      GITHUB_SERVER_URL: 'https://github.com',
      GITHUB_RUN_ID: '1234',
      GITHUB_RUN_ATTEMPT: '1',
      GITHUB_WORKFLOW_REF: `${REPOSITORY}/.github/workflows/prune.yml@refs/pull/2/merge`,
      GITHUB_JOB: 'check',
      GITHUB_ACTION: '__prunegate',
      ...options.env,
    },
  });
}

export const warnings = ({ log }: ActionRun): string[] =>
  log.annotations.filter(({ level }) => level === 'warning').map(({ message }) => message);
