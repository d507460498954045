import { afterEach, describe, expect, it } from 'vitest';
import { type Api, connect } from '../../src/github/api.ts';
import { type CommentTarget, writeComment } from '../../src/github/comment.ts';
import { commentKey, isSuperseded, markerOf, type Stamp, stampIn } from '../../src/github/stamp.ts';
import {
  ACTIONS_BOT,
  type ApiOptions,
  type Author,
  type GitHubApi,
  startGitHubApi,
  TOKEN,
} from '../support/github-api.ts';

const HEAD = 'a'.repeat(40);
const STAMP: Stamp = { key: '0123456789abcdef', head: HEAD, run: 100, attempt: 1 };
const TARGET: CommentTarget = { owner: 'octo', repo: 'pruned', number: 7, stamp: STAMP };
const body = (text: string, stamp: Stamp = STAMP): string => `${markerOf(stamp)}\n${text}`;

let open: GitHubApi | null = null;
afterEach(async () => {
  const violations = open?.violations ?? [];
  await open?.close();
  open = null;
  expect(violations).toEqual([]);
});

async function github(
  options: Partial<ApiOptions> = {},
  log: string[] = [],
  timeoutMs = 20_000,
): Promise<{ server: GitHubApi; api: Api }> {
  const server = await startGitHubApi({ repository: 'octo/pruned', pullRequest: 7, headSha: HEAD, ...options });
  open = server;
  const api = connect({
    token: TOKEN,
    baseUrl: server.url,
    userAgent: 'prunegate/test',
    log: (line) => log.push(line),
    secondMs: 1,
    timeoutMs,
  });
  return { server, api };
}

describe('a comment', () => {
  it('is made once and then kept up to date', async () => {
    const { server, api } = await github();
    const first = await writeComment(api, TARGET, body('one'), true);
    const later = { ...TARGET, stamp: { ...STAMP, run: 101 } };
    const second = await writeComment(api, later, body('two', later.stamp), true);
    expect(server.comments.map((comment) => comment.body)).toEqual([body('two', later.stamp)]);
    expect(first).toEqual({ kind: 'written', url: 'https://github.com/octo/pruned/pull/7#issuecomment-1000' });
    expect(second).toEqual(first);
  });

  it('is not made where it is not needed, and an existing one is brought up to date all the same', async () => {
    const { server, api } = await github();
    expect(await writeComment(api, TARGET, body('fine'), false)).toEqual({ kind: 'unneeded' });
    expect(server.requests.map(({ method }) => method)).toEqual(['GET']);
    server.addComment(body('bad'), ACTIONS_BOT);
    expect(await writeComment(api, TARGET, body('fine'), false)).toMatchObject({ kind: 'written' });
    expect(server.comments.map((comment) => comment.body)).toEqual([body('fine')]);
  });

  it('is found on whatever page it is', async () => {
    const { server, api } = await github();
    for (let k = 0; k < 250; k++) server.addComment(`comment ${k}`, { login: `user-${k}`, type: 'User' });
    const own = server.addComment(body('old'), ACTIONS_BOT);
    await writeComment(api, TARGET, body('new'), true);
    expect(own.body).toBe(body('new'));
    expect(server.comments).toHaveLength(251);
    expect(server.requests.filter(({ path }) => path.includes('per_page=100'))).toHaveLength(3);
  });

  const others: [string, Author][] = [
    ['a user', { login: 'mallory', type: 'User' }],
    ['another app', { login: 'dependabot[bot]', type: 'Bot' }],
    ['a user named like the app', { login: 'github-actions', type: 'User' }],
  ];
  it.each(others)('is not the one that %s wrote with our marker', async (_, author) => {
    const { server, api } = await github();
    const theirs = server.addComment(body('conforms, trust me'), author);
    await writeComment(api, TARGET, body('diverges'), true);
    expect(theirs.body).toBe(body('conforms, trust me'));
    expect(server.comments[1]).toMatchObject({ body: body('diverges'), author: ACTIONS_BOT });
  });

  it('is told apart by its key, and only by the marker in its first line', async () => {
    const { server, api } = await github();
    const leg = server.addComment(body('another leg', { ...STAMP, key: 'fedcba9876543210' }), ACTIONS_BOT);
    const quoted = server.addComment(`> quoted\n${markerOf(STAMP)}\nx`, ACTIONS_BOT);
    const texts = [leg.body, quoted.body];
    await writeComment(api, TARGET, body('ours'), true);
    expect(server.comments.map((comment) => comment.body)).toEqual([...texts, body('ours')]);
  });

  it('is one even where two runs have made one each at the same time', async () => {
    const { server, api } = await github();
    for (const text of ['one', 'two', 'three']) server.addComment(body(text), ACTIONS_BOT);
    const theirs = server.addComment(body('not ours'), { login: 'mallory', type: 'User' });
    await writeComment(api, TARGET, body('new'), true);
    expect(server.comments.map((comment) => comment.body)).toEqual([body('new'), theirs.body]);
  });

  it('counts as written where the other could not be removed', async () => {
    const { server, api } = await github({ faults: [{ on: /^DELETE/, play: { status: 403 } }] });
    for (const text of ['one', 'two']) server.addComment(body(text), ACTIONS_BOT);
    expect(await writeComment(api, TARGET, body('new'), true)).toMatchObject({ kind: 'written' });
    expect(server.comments.map((comment) => comment.body)).toEqual([body('new'), body('two')]);
  });

  it('of a token that is a user is that user’s', async () => {
    const viewer: Author = { login: 'release-engineer', type: 'User' };
    const { server, api } = await github({ viewer });
    const own = server.addComment(body('old'), viewer);
    server.addComment(body('old'), ACTIONS_BOT);
    await writeComment(api, TARGET, body('new'), true);
    expect(own.body).toBe(body('new'));
  });

  it('is left alone where the pull request has moved on', async () => {
    const { server, api } = await github({ headSha: 'b'.repeat(40) });
    const old = server.addComment(body('newer', { ...STAMP, head: 'b'.repeat(40), run: 101 }), ACTIONS_BOT);
    expect(await writeComment(api, TARGET, body('older'), true)).toEqual({
      kind: 'superseded',
      why: 'the pull request is at bbbbbbb by now',
    });
    expect(old.body).toContain('newer');
    expect(server.requests.map(({ method }) => method)).not.toContain('PATCH');
  });

  it('is left alone where a later attempt or run has written it', async () => {
    const { server, api } = await github();
    server.addComment(body('newer', { ...STAMP, attempt: 2 }), ACTIONS_BOT);
    expect(await writeComment(api, TARGET, body('older'), true)).toEqual({
      kind: 'superseded',
      why: 'run 100, attempt 2 has written it since',
    });
  });
});

describe('faults', () => {
  it('a comment whose creation got no answer is looked for before it is made again', async () => {
    const { server, api } = await github({ faults: [{ on: /^POST .*comments$/, times: 1, play: 'cut-after' }] });
    expect(await writeComment(api, TARGET, body('one'), true)).toMatchObject({ kind: 'written' });
    expect(server.comments.map((comment) => comment.body)).toEqual([body('one')]);
  });

  it.each([
    ['a cut connection', { on: /^GET .*comments/, times: 2, play: 'cut' as const }],
    ['a server error', { on: /^GET .*comments/, times: 2, play: { status: 502 } }],
    ['a slow answer', { on: /^GET .*pulls/, times: 1, play: 'hang' as const }, 500],
    ['a cut connection while it asks who it is', { on: /graphql/, times: 2, play: 'cut' as const }],
    ['a server error at the update', { on: /^PATCH/, times: 2, play: { status: 500 } }],
    ['a rate limit', { on: /^PATCH/, times: 2, play: { status: 429, headers: { 'retry-after': '3' } } }],
    [
      'a secondary rate limit',
      { on: /^PATCH/, times: 1, play: { status: 403, message: 'You have exceeded a secondary rate limit.' } },
    ],
  ])('%s is outlasted', async (_, fault, timeoutMs = 20_000) => {
    const { server, api } = await github({ faults: [fault] }, [], timeoutMs);
    server.addComment(body('old'), ACTIONS_BOT);
    await writeComment(api, TARGET, body('new'), true);
    expect(server.comments.map((comment) => comment.body)).toEqual([body('new')]);
  });

  it('waits as long as the server says, also before it makes a comment, and says so', async () => {
    const reset = String(Math.floor(Date.now() / 1000) + 9);
    const log: string[] = [];
    const { server, api } = await github(
      {
        faults: [
          { on: /^POST .*comments$/, times: 1, play: { status: 429, headers: { 'retry-after': '7' } } },
          {
            on: /^POST .*comments$/,
            times: 1,
            play: { status: 403, headers: { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': reset } },
          },
        ],
      },
      log,
    );
    await writeComment(api, TARGET, body('one'), true);
    expect(server.comments).toHaveLength(1);
    expect(log[0]).toMatch(/429; trying again in 7 s$/);
    expect(log[1]).toMatch(/403; trying again in (9|10) s$/);
  });

  it.each([
    ['longer than anybody waits', 1, { status: 429, headers: { 'retry-after': '3600' } }],
    ['again and again', 3, { status: 429, headers: { 'retry-after': '1' } }],
    ['not allowed', 1, { status: 403, message: 'Resource not accessible by integration' }],
    ['not found', 1, { status: 404 }],
    ['not valid', 1, { status: 422 }],
    ['not authorized', 1, { status: 401 }],
  ])('gives up where it is %s, after %i requests', async (_, count, play) => {
    const { server, api } = await github({ faults: [{ on: /comments/, play }] });
    await expect(writeComment(api, TARGET, body('one'), true)).rejects.toMatchObject({ status: play.status });
    expect(server.requests).toHaveLength(count);
  });

  it('gives up where all waits together take too long', async () => {
    const busy = (on: RegExp, times: number) => ({
      on,
      times,
      play: { status: 429, headers: { 'retry-after': '50' } },
    });
    const { server, api } = await github({ faults: [busy(/^GET .*comments/, 2), busy(/^GET .*pulls/, 1)] });
    await expect(writeComment(api, TARGET, body('one'), true)).rejects.toMatchObject({ status: 429 });
    expect(server.requests).toHaveLength(4);
  });

  it('gives up on a server that stays broken after a bounded number of requests', async () => {
    const { server, api } = await github({ faults: [{ on: /./, play: { status: 500 } }] });
    await expect(writeComment(api, TARGET, body('one'), true)).rejects.toMatchObject({ status: 500 });
    expect(server.requests).toHaveLength(3);
  });
});

describe('an address', () => {
  it('that answers with a redirection is not followed: the token is for this server', async () => {
    const { server, api } = await github({
      faults: [{ on: /comments/, play: { status: 301, headers: { location: 'https://elsewhere.invalid' } } }],
    });
    await expect(writeComment(api, TARGET, body('one'), true)).rejects.toThrow('answered with a redirection (301)');
    expect(server.comments).toEqual([]);
  });
});

describe('a stamp', () => {
  it('is read back from the first line, whichever line ends GitHub keeps', () => {
    expect(stampIn(body('x'))).toEqual(STAMP);
    expect(stampIn(`${markerOf(STAMP)}\r\nx`)).toEqual(STAMP);
    expect(stampIn(` ${body('x')}`)).toBeNull();
    expect(stampIn(body('x').replace('attempt=1', 'attempt=one'))).toBeNull();
  });

  it.each([
    [{ ...STAMP, attempt: 2 }, STAMP, false],
    [STAMP, { ...STAMP, attempt: 2 }, true],
    [STAMP, { ...STAMP, run: 101 }, true],
    [STAMP, { ...STAMP, run: 99, attempt: 3 }, false],
    // Somebody started run 100 again after run 101.
    [{ ...STAMP, attempt: 2 }, { ...STAMP, run: 101 }, false],
    [STAMP, { ...STAMP, head: 'c'.repeat(40), run: 900 }, false],
    [STAMP, STAMP, false],
  ])('%j is superseded by %j: %j', (ours, stored, isIt) => {
    expect(isSuperseded(ours, stored)).toBe(isIt);
  });
});

describe('the key of a comment', () => {
  const env = {
    GITHUB_WORKFLOW_REF: 'octo/pruned/.github/workflows/prune.yml@refs/pull/7/merge',
    GITHUB_JOB: 'check',
    GITHUB_ACTION: '__prunegate',
    GITHUB_RUN_ID: '100',
    GITHUB_SHA: HEAD,
    RUNNER_TEMP: '/runner/_temp',
    GITHUB_WORKSPACE: '/runner/work/pruned/pruned',
  };
  const inputs = { model: '', dense: '/runner/_temp/100/dense.onnx', spec: 'a.yaml' };
  const key = commentKey(env, inputs);

  it('is the same in every run, on every runner', () => {
    const elsewhere = { ...env, GITHUB_RUN_ID: '222', RUNNER_TEMP: '/d/t', GITHUB_WORKSPACE: '/d/w', GITHUB_SHA: 'f' };
    const ref = { ...elsewhere, GITHUB_WORKFLOW_REF: 'octo/pruned/.github/workflows/prune.yml@refs/pull/9/merge' };
    expect(commentKey(ref, { spec: 'a.yaml', dense: '/d/t/222/dense.onnx' })).toBe(key);
  });

  it.each([
    [{ ...env, GITHUB_JOB: 'other' }, inputs],
    [{ ...env, GITHUB_ACTION: '__prunegate_2' }, inputs],
    [{ ...env, GITHUB_WORKFLOW_REF: 'octo/pruned/.github/workflows/other.yml@refs/heads/main' }, inputs],
    [env, { ...inputs, spec: 'b.yaml' }],
    [env, { ...inputs, model: 'b' }],
  ])('is another for another workflow, job, step or matrix leg', (otherEnv, otherInputs) => {
    expect(commentKey(otherEnv, otherInputs)).not.toBe(key);
  });
});
