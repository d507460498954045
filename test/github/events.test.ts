import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type EventContext, readEvent, refusalToRun } from '../../src/github/index.ts';
import { payload } from '../support/events.ts';

const folder = mkdtempSync(join(tmpdir(), 'prunegate-events-'));
const HELLO = 'Codertocat/Hello-World';
const HEAD = 'ec26c3e57ca3a959ca5aad62de7213c562f8c821';
const FORK = { 'pull_request.head.repo.full_name': 'mallory/Hello-World' };
const SELF_HOSTED = { RUNNER_ENVIRONMENT: 'self-hosted' };

/** The event as the action sees it on a runner of GitHub's, unless env says otherwise. */
function event(name: string, body: unknown, env: Record<string, string> = {}): EventContext {
  const path = join(folder, 'event.json');
  if (typeof body === 'string') writeFileSync(path, body);
  else if (body !== undefined) writeFileSync(path, JSON.stringify(body));
  const read = readEvent({
    GITHUB_ACTIONS: 'true',
    GITHUB_EVENT_NAME: name,
    GITHUB_REPOSITORY: HELLO,
    GITHUB_SHA: 'f'.repeat(40),
    RUNNER_ENVIRONMENT: 'github-hosted',
    ...(body === undefined ? {} : { GITHUB_EVENT_PATH: path }),
    ...env,
  });
  if (read === null) throw new Error('no event');
  return read;
}

describe('readEvent', () => {
  it('knows no event outside GitHub Actions', () => {
    expect(readEvent({})).toBeNull();
    expect(refusalToRun(null)).toBeNull();
  });

  it("judges a pull request's own head, not the merge commit", () => {
    expect(event('pull_request', payload('pull_request'))).toMatchObject({
      headSha: HEAD,
      baseSha: 'f95f852bd8fca8fcc58a9a2d6c842781e32a215e',
      pullRequest: 2,
      headRepository: HELLO,
      isFork: false,
      hasReadOnlyToken: false,
    });
  });

  it('tells a fork by its head repository, also one that is gone', () => {
    expect(event('pull_request', payload('pull_request', FORK))).toMatchObject({
      headRepository: 'mallory/Hello-World',
      isFork: true,
      hasReadOnlyToken: true,
    });
    const gone = payload('pull_request', { 'pull_request.head.repo': null });
    expect(event('pull_request', gone)).toMatchObject({ headRepository: null, isFork: true, headSha: HEAD });
  });

  it("knows that Dependabot's token can only read, though its branch lies in the repository", () => {
    const dependabot = event('pull_request', payload('pull_request'), { GITHUB_ACTOR: 'dependabot[bot]' });
    expect(dependabot).toMatchObject({ isFork: false, hasReadOnlyToken: true });
    expect(event('pull_request_target', payload('pull_request', FORK))).toMatchObject({ hasReadOnlyToken: false });
  });

  it('takes both commits of a merge group from the payload, which has no pull request', () => {
    expect(
      event('merge_group', payload('merge_group'), { GITHUB_REPOSITORY: 'octo-org/octo-repo', GITHUB_BASE_REF: '' }),
    ).toMatchObject({
      headSha: '2ffea6db159f6b6c47a24e778fb9ef40cf6b1c7d',
      baseSha: '380387fbc80638b734a49e1be1c4dfec1c01b33c',
      pullRequest: null,
      isFork: false,
    });
  });

  it("takes the default branch's commit for the base of a workflow_run, about whose code it knows nothing else", () => {
    expect(event('workflow_run', payload('workflow_run'))).toMatchObject({ baseSha: 'f'.repeat(40) });
  });

  it('takes the pushed commit, and no base for a new branch', () => {
    const first = payload('push', {}, (example) => example['before'] === '0'.repeat(40));
    expect(event('push', first)).toMatchObject({ headSha: 'f'.repeat(40), baseSha: null, isFork: false });
    expect(event('push', { ...first, before: HEAD })).toMatchObject({ baseSha: HEAD });
  });

  it('looks behind a workflow_run: its head, its repository, the one pull request that is of this repository', () => {
    const octo = { GITHUB_REPOSITORY: 'octo-org/octo-repo' };
    const own = event('workflow_run', payload('workflow_run'), octo);
    expect(own).toMatchObject({ headRepository: 'octo-org/octo-repo', isFork: false, pullRequest: null });
    expect(own.headSha).toMatch(/^5779607/);
    const fork = payload('workflow_run', { 'workflow_run.head_repository.full_name': 'mallory/octo-repo' });
    expect(event('workflow_run', fork, octo)).toMatchObject({ isFork: true });
    expect(
      event('workflow_run', payload('workflow_run', { 'workflow_run.head_repository': null }), octo),
    ).toMatchObject({ isFork: true });
    const named = payload('workflow_run', {}, (example) => JSON.stringify(example).includes('"number":2,'));
    expect(event('workflow_run', named).pullRequest).toBe(2);
    expect(event('workflow_run', named, octo).pullRequest).toBeNull();
  });

  it.each([['workflow_dispatch'], ['schedule'], ['repository_dispatch']])('takes GITHUB_SHA for %s', (name) => {
    const body = name === 'schedule' ? { schedule: '0 4 * * *' } : payload(name);
    expect(event(name, body)).toMatchObject({ headSha: 'f'.repeat(40), pullRequest: null, isFork: false });
  });

  it('reads what the runner says of the run, a re-run and a server of its own', () => {
    expect(
      event('push', undefined, {
        GITHUB_RUN_ID: '1658821493',
        GITHUB_RUN_ATTEMPT: '2',
        GITHUB_JOB: 'prunegate',
        GITHUB_WORKFLOW: 'Pruning',
        GITHUB_SERVER_URL: 'https://ghe.example.com/',
        GITHUB_API_URL: 'https://ghe.example.com/api/v3',
        ...SELF_HOSTED,
      }),
    ).toMatchObject({
      runId: 1658821493,
      runAttempt: 2,
      job: 'prunegate',
      workflow: 'Pruning',
      serverUrl: 'https://ghe.example.com',
      apiUrl: 'https://ghe.example.com/api/v3',
      isSelfHosted: true,
    });
    expect(event('push', undefined)).toMatchObject({
      serverUrl: 'https://github.com',
      apiUrl: 'https://api.github.com',
      runId: null,
      isSelfHosted: false,
    });
    expect(event('push', undefined, { GITHUB_API_URL: 'file:///etc/passwd' }).apiUrl).toBeNull();
  });

  it.each([
    ['no file', undefined],
    ['no JSON', '{"pull_request":'],
    ['a list', []],
    ['null', null],
    ['other types', { pull_request: 'x', workflow_run: 1, merge_group: [null] }],
    ['wild values', { pull_request: { number: -1, head: { sha: '$(id)', repo: { full_name: 'a/b/c' } }, base: null } }],
    ['inherited keys', { pull_request: { head: { repo: { __proto__: { full_name: HELLO } } } } }],
  ])('takes a pull request for a fork where the payload is %s', (_, body) => {
    expect(event('pull_request', body)).toMatchObject({
      headSha: null,
      baseSha: null,
      pullRequest: null,
      headRepository: null,
      isFork: true,
    });
  });
});

describe('refusalToRun', () => {
  const fork = payload('pull_request', FORK);

  it.each(['push', 'merge_group', 'schedule', 'workflow_dispatch', 'repository_dispatch'])('runs for %s', (name) => {
    expect(refusalToRun(event(name, undefined, SELF_HOSTED))).toBeNull();
  });

  it('runs a pull request of the repository itself anywhere, Dependabot too', () => {
    const own = payload('pull_request');
    expect(refusalToRun(event('pull_request', own, SELF_HOSTED))).toBeNull();
    expect(refusalToRun(event('pull_request', own, { ...SELF_HOSTED, GITHUB_ACTOR: 'dependabot[bot]' }))).toBeNull();
  });

  it("runs a fork's pull request on a runner that is thrown away, not on one that stays", () => {
    expect(refusalToRun(event('pull_request', fork))).toBeNull();
    expect(refusalToRun(event('pull_request', fork, SELF_HOSTED))).toMatch(
      /from the fork mallory\/Hello-World, .* self-hosted/,
    );
    expect(refusalToRun(event('pull_request', fork, { RUNNER_ENVIRONMENT: '' }))).toMatch(/self-hosted/);
    expect(refusalToRun(event('pull_request_review', fork, SELF_HOSTED))).toMatch(/self-hosted/);
    expect(refusalToRun(event('pull_request', undefined, SELF_HOSTED))).toMatch(/gone or not named/);
  });

  it('refuses pull_request_target on any runner, and a workflow_run of a fork', () => {
    expect(refusalToRun(event('pull_request_target', payload('pull_request')))).toMatch(/secrets and token/);
    const run = (of: string) => payload('workflow_run', { 'workflow_run.head_repository.full_name': of });
    expect(refusalToRun(event('workflow_run', run('mallory/Hello-World')))).toMatch(/the fork mallory/);
    expect(refusalToRun(event('workflow_run', run(HELLO)))).toBeNull();
    expect(refusalToRun(event('workflow_run', {}))).toMatch(/gone or not named/);
  });

  it('refuses events that anybody may start, and those it does not know', () => {
    expect(refusalToRun(event('issue_comment', payload('issue_comment')))).toMatch(/anybody .* issue_comment/);
    expect(refusalToRun(event('', undefined))).toMatch(/not named/);
  });

  it("runs on somebody's own machine", () => {
    expect(refusalToRun(event('pull_request', undefined, { ACT: 'true', RUNNER_ENVIRONMENT: '' }))).toBeNull();
  });
});
