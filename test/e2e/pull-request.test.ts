import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { ActionOptions } from '../support/action.ts';
import { payload } from '../support/events.ts';
import { ACTIONS_BOT, type ApiOptions, type GitHubApi, TOKEN } from '../support/github-api.ts';
import {
  HEAD,
  onPullRequest,
  PULL_REQUEST,
  REPOSITORY,
  RIGHT,
  startApi,
  WRONG,
  warnings,
} from '../support/pull-request.ts';

const open: (GitHubApi | Server)[] = [];
afterEach(async () => {
  const all = open.splice(0);
  for (const each of all) await each.close();
  expect(all.flatMap((each) => ('violations' in each ? each.violations : []))).toEqual([]);
});

async function github(options: Partial<ApiOptions> = {}): Promise<GitHubApi> {
  const api = await startApi(options);
  open.push(api);
  return api;
}

describe('a pull request whose model diverges', () => {
  it('gets one comment with the verdict, the cause, and the way to the run; the token is never printed', async () => {
    const api = await github();
    const run = await onPullRequest(api, { inputs: WRONG });
    expect(run.status).toBe(1);
    expect(api.comments).toHaveLength(1);
    const [comment] = api.comments;
    expect(comment!.author).toEqual(ACTIONS_BOT);
    expect(comment!.body).toMatch(
      /^<!-- prunegate:comment v1 key=[0-9a-f]{16} head=ec26c3e5\w+ run=1234 attempt=1 -->\n### ❌ /,
    );
    expect(comment!.body).toContain('**Likely cause:**');
    expect(comment!.body).toContain(
      `for ec26c3e · [run and job summary](https://github.com/${REPOSITORY}/actions/runs/1234)`,
    );
    expect(run.outputs).toMatchObject({
      verdict: 'diverges',
      'comment-url': expect.stringContaining('#issuecomment-'),
    });
    expect(run.log.masks).toEqual([TOKEN]);
    expect(run.log.shown.join('\n')).not.toContain(TOKEN);
    expect(run.log.annotations.map(({ level, file, line }) => [level, file, line])).toEqual([
      ['error', null, null],
      ['error', 'm/prune.yaml', 6],
    ]);
    expect(api.requests[0]!.headers['user-agent']).toMatch(/^prunegate\/\d/);
  });

  it('has the comment turn green once it is mended, and none is made where nothing was wrong', async () => {
    const api = await github();
    await onPullRequest(api, { inputs: RIGHT });
    expect(api.comments).toEqual([]);
    // The paths of a step stay; what lies there changes.
    const wrong = (inputs: ActionOptions['inputs'], env: ActionOptions['env'] = {}) =>
      onPullRequest(api, {
        inputs,
        env,
        prepare: (workspace) =>
          writeFileSync(join(workspace, 'm/pruned.onnx'), readFileSync(join(workspace, 'm/pruned-naive.onnx'))),
      });
    await wrong(RIGHT);
    expect(api.comments).toHaveLength(1);
    await onPullRequest(api, { inputs: RIGHT, env: { GITHUB_RUN_ID: '1235' } });
    expect(api.comments).toHaveLength(1);
    expect(api.comments[0]!.body).toContain('### ✅ prunegate: model conforms');
  });

  it('gets one comment for each matrix leg, and none with comment: never', async () => {
    const api = await github();
    const leg = (threshold: string) => ({ ...WRONG, overrides: `prune.threshold=${threshold}` });
    await Promise.all([onPullRequest(api, { inputs: leg('0.68') }), onPullRequest(api, { inputs: leg('0.6') })]);
    expect(new Set(api.comments.map(({ body }) => body.split('\n')[0])).size).toBe(2);
    const count = api.requests.length;
    expect((await onPullRequest(api, { inputs: { ...WRONG, comment: 'never' } })).status).toBe(1);
    expect(api.requests).toHaveLength(count);
  });

  it('gets a comment where all is fine with comment: always', async () => {
    const api = await github();
    const run = await onPullRequest(api, { inputs: { ...RIGHT, comment: 'always' } });
    expect(run.status).toBe(0);
    expect(api.comments.map(({ body }) => body.split('\n')[1])).toEqual(['### ✅ prunegate: model conforms']);
  });

  it('is told that nothing was checked where an earlier verdict stands', async () => {
    const api = await github();
    await onPullRequest(api, { inputs: WRONG });
    const run = await onPullRequest(api, {
      inputs: WRONG,
      prepare: (workspace) => writeFileSync(join(workspace, 'm/pruned-naive.onnx'), 'no model <!-- x -->'),
    });
    expect(run.status).toBe(1);
    expect(run.outputs).toMatchObject({ verdict: '', conclusion: 'failure' });
    expect(api.comments).toHaveLength(1);
    const told = '### ❌ prunegate could not check this commit\n\n';
    expect(run.summary).toContain(`${told}m/pruned-naive.onnx`);
    // A message may quote an input, and only the runner masks secrets.
    expect(api.comments[0]!.body).toContain(`${told}The job summary says why.`);
    expect(api.comments[0]!.body).not.toContain('m/pruned-naive.onnx');
  });
});

describe('a check run', () => {
  it('takes the annotations, with the headline left to the step', async () => {
    const api = await github();
    const run = await onPullRequest(api, { inputs: { ...WRONG, 'check-run': 'true' } });
    expect(run.status).toBe(1);
    expect(api.checkRuns).toMatchObject([
      {
        name: 'prunegate: m/pruned-naive.onnx',
        headSha: HEAD,
        conclusion: 'failure',
        title: '2 of 14 layers diverge. The job summary has them all.',
      },
    ]);
    expect(api.checkRuns[0]!.annotations).toMatchObject([{ path: 'm/prune.yaml', start_line: 6 }]);
    expect(api.checkRuns[0]!.summary).toContain('Likely cause');
    expect(run.log.annotations.map(({ title, file }) => [title, file])).toEqual([['prunegate: model diverges', null]]);
  });

  it('says what was found without annotations, too', async () => {
    const api = await github();
    const inputs = { 'check-run': 'true', annotations: 'false' };
    await onPullRequest(api, { inputs: { ...WRONG, ...inputs } });
    await onPullRequest(api, { inputs: { ...RIGHT, ...inputs } });
    expect(api.checkRuns.map(({ conclusion, title, annotations }) => [conclusion, title, annotations])).toEqual([
      ['failure', '2 of 14 layers diverge. The job summary has them all.', []],
      ['success', 'All layers keep the filters that the spec asks for', []],
    ]);
  });

  it('that may not be written leaves the annotations to the step', async () => {
    const api = await github({
      faults: [{ on: /check-runs/, play: { status: 403, message: 'Resource not accessible by integration' } }],
    });
    const run = await onPullRequest(api, { inputs: { ...WRONG, 'check-run': 'true', comment: 'never' } });
    expect(run.log.annotations.filter(({ level }) => level === 'error')).toHaveLength(2);
    expect(warnings(run)).toEqual([
      'the check run could not be written: 403 Resource not accessible by integration - https://docs.github.com/rest. Give the job the permission checks: write, or set check-run: false.',
    ]);
  });
});

describe('several models in one job', () => {
  const config = `models:
  - { name: wrong, dense: m/dense.onnx, pruned: m/pruned-naive.onnx, spec: m/prune.yaml }
  - { name: right, dense: m/dense.onnx, pruned: m/pruned.onnx, spec: m/prune.yaml }
`;

  it('have one comment, one check and one headline, and a report each', async () => {
    const api = await github();
    const run = await onPullRequest(api, {
      inputs: { execute: 'false', 'check-run': 'true' },
      prepare: (workspace) => writeFileSync(join(workspace, 'prunegate.yml'), config),
    });
    expect(run.status).toBe(1);
    expect(api.comments).toHaveLength(1);
    expect(api.comments[0]!.body).toContain('### ❌ prunegate: 1 of 2 models diverges');
    expect(api.checkRuns).toMatchObject([{ name: 'prunegate', conclusion: 'failure' }]);
    expect(api.checkRuns[0]!.annotations.map(({ title }) => title)).toEqual([
      expect.stringMatching(/^prunegate: wrong: conv1 and /),
    ]);
    expect(run.log.annotations.map(({ title }) => title)).toEqual(['prunegate: 1 of 2 models do not pass']);
    expect(run.outputs['report-json']!.split('\n')).toHaveLength(2);
    expect(run.outputs).toMatchObject({ verdict: 'diverges', matched: '26', mismatched: '2' });
  });
});

describe('a run that belongs to no pull request', () => {
  it.each([
    ['merge_group', payload('merge_group'), '2ffea6db159f6b6c47a24e778fb9ef40cf6b1c7d'],
    ['push', payload('push'), 'f'.repeat(40)],
    ['workflow_dispatch', payload('workflow_dispatch'), 'f'.repeat(40)],
    ['schedule', undefined, 'f'.repeat(40)],
  ])('%s: gates, with a check run on the commit that is judged, and no comment', async (name, event, sha) => {
    const api = await github();
    const env = { GITHUB_EVENT_NAME: name };
    const run = await onPullRequest(api, { inputs: { ...WRONG, 'check-run': 'true', comment: 'always' }, event, env });
    expect(run.status).toBe(1);
    expect(api.checkRuns.map(({ headSha }) => headSha)).toEqual([sha]);
    expect(api.comments).toEqual([]);
    expect(warnings(run)).toEqual([]);
  });
});

describe('what cannot be published', () => {
  it.each([
    ['401', { status: 401, message: 'Bad credentials' }, 'Is github-token a token of this server'],
    ['403', { status: 403, message: 'Resource not accessible by integration' }, 'permission pull-requests: write'],
    ['404', { status: 404, message: 'Not Found' }, 'May github-token see this repository'],
    ['422', { status: 422, message: 'Validation Failed' }, '422 Validation Failed'],
    ['a rate limit of an hour', { status: 429, headers: { 'retry-after': '3600' } }, '429'],
  ])('is a warning, and the gate stands: %s', async (_, play, message) => {
    const api = await github({ faults: [{ on: /comments$/, play }] });
    const [failing, passing] = await Promise.all([
      onPullRequest(api, { inputs: WRONG }),
      onPullRequest(api, { inputs: { ...RIGHT, comment: 'always' } }),
    ]);
    expect(failing.status).toBe(1);
    expect(failing.outputs).toMatchObject({ verdict: 'diverges', 'comment-url': '' });
    expect(failing.log.annotations.filter(({ level }) => level === 'error')).toHaveLength(2);
    expect(failing.summary).toContain('prunegate: model diverges');
    expect(warnings(failing)).toEqual([expect.stringContaining(message)]);
    expect(passing.status).toBe(0);
    expect(passing.outputs['verdict']).toBe('conforms');
    for (const { stdout, stderr } of [failing, passing]) {
      expect((stdout + stderr).replace(`::add-mask::${TOKEN}`, '')).not.toMatch(/ghs_|authorization/i);
    }
  });

  it('is one line in the log where the event’s token can only read', async () => {
    const forbidden = { status: 403, message: 'Resource not accessible by integration' };
    const api = await github({ faults: [{ on: /./, play: forbidden }] });
    const fork = payload('pull_request', { 'pull_request.head.repo.full_name': 'mallory/Hello-World' });
    const run = await onPullRequest(api, { inputs: { ...WRONG, 'check-run': 'true' }, event: fork });
    expect(run.status).toBe(1);
    expect(warnings(run)).toEqual([]);
    expect(run.log.annotations).toHaveLength(2);
    expect(run.log.shown.filter((line) => line.includes('can only read'))).toHaveLength(2);
  });

  it('is no warning on a green run that has nothing to tell', async () => {
    const api = await github({ faults: [{ on: /./, play: { status: 403, message: 'Resource not accessible' } }] });
    const run = await onPullRequest(api, { inputs: RIGHT });
    expect(run.status).toBe(0);
    expect(run.log.annotations).toEqual([]);
    expect(run.log.shown.join('\n')).toContain('permission pull-requests: write');
  });

  it.each([
    ['an address that is none', PULL_REQUEST, { GITHUB_API_URL: 'nonsense' }, {}, 'GITHUB_API_URL is no URL'],
    ['no token', PULL_REQUEST, {}, { 'github-token': '' }, 'github-token is empty'],
    ['a push', payload('push'), { GITHUB_EVENT_NAME: 'push' }, {}, 'belongs to no pull request'],
    ['no event file', undefined, { GITHUB_EVENT_NAME: 'schedule' }, {}, 'belongs to no pull request'],
  ])('is one line in the log with %s', async (_, event, env, inputs, message) => {
    const api = await github();
    const run = await onPullRequest(api, { event, env, inputs: { ...RIGHT, comment: 'always', ...inputs } });
    expect(run.status).toBe(0);
    expect(run.log.annotations).toEqual([]);
    expect(run.log.shown.filter((line) => line.includes(message))).toHaveLength(1);
    expect(api.requests).toEqual([]);
  });
});

describe('the second stage of a fork’s pull request, in a workflow_run', () => {
  const run = payload('workflow_run', {
    'workflow_run.head_sha': HEAD,
    'workflow_run.head_branch': 'better-pruning',
    'workflow_run.head_repository.full_name': 'mallory/Hello-World',
    'workflow_run.pull_requests': [],
  });
  const env = { GITHUB_EVENT_NAME: 'workflow_run' };

  it('finds the pull request by its branch and its commit', async () => {
    const api = await github({ head: 'mallory:better-pruning' });
    const { outputs } = await onPullRequest(api, { inputs: WRONG, event: run, env });
    expect(outputs['comment-url']).toContain('/pull/2#issuecomment-');
    expect(api.comments[0]!.body).toContain('for ec26c3e ');
  });

  it.each([
    ['the pull request has moved on', { head: 'mallory:better-pruning', headSha: 'd'.repeat(40) }],
    ['the branch has no pull request', { head: 'mallory:other' }],
  ])('writes no comment where %s', async (_, options) => {
    const api = await github(options);
    const { status, log } = await onPullRequest(api, { inputs: WRONG, event: run, env });
    expect(status).toBe(1);
    expect(api.comments).toEqual([]);
    expect(log.shown).toContainEqual('no comment: no open pull request is at ec26c3e');
  });
});

describe('a crash', () => {
  it.each([
    ['an exception', "setImmediate(() => { throw new Error('boom'); });", /^Error: boom/],
    ['a rejection', "setImmediate(() => Promise.reject(new TypeError('boom')));", /^TypeError: boom/],
    ['something thrown that is no error', "setImmediate(() => { throw 'boom'; });", /boom/],
  ])('by %s fails the step at once, with outputs and one error that says it is a bug', async (_, script, message) => {
    const api = await github();
    const hook = join(mkdtempSync(join(tmpdir(), 'prunegate-crash-')), 'hook.cjs');
    writeFileSync(hook, script);
    const inputs = { ...RIGHT, comment: 'always' };
    const run = await onPullRequest(api, { inputs, env: { NODE_OPTIONS: `--require ${hook}` } });
    expect(api.comments).toEqual([]);
    expect(run.status).toBe(1);
    expect(run.outputs).toMatchObject({ verdict: '', conclusion: 'failure' });
    expect(run.log.annotations).toMatchObject([
      { level: 'error', title: expect.stringContaining('this is a bug'), message: expect.stringMatching(message) },
    ]);
  });
});

describe('GitHub Enterprise Server', () => {
  it('is spoken to at its own address, with links to it', async () => {
    const api = await github();
    const env = { GITHUB_API_URL: `${api.url}/api/v3`, GITHUB_SERVER_URL: 'https://ghes.example' };
    await onPullRequest(api, { inputs: WRONG, env });
    await onPullRequest(api, { inputs: WRONG, env });
    expect(api.comments).toHaveLength(1);
    expect(api.comments[0]!.body).toContain(`(https://ghes.example/${REPOSITORY}/actions/runs/1234)`);
    expect(api.requests.map(({ path }) => path)).toContain('/api/graphql');
  });

  it('is reached through a proxy, unless no_proxy names it', async () => {
    const api = await github();
    const tunnels: string[] = [];
    const proxy = createServer();
    proxy.on('connect', (request, socket) => {
      tunnels.push(request.url ?? '');
      const upstream = connect(Number(new URL(api.url).port), '127.0.0.1', () => {
        socket.write('HTTP/1.1 200 Connection Established\r\n\r\n');
        upstream.pipe(socket).pipe(upstream);
      });
      for (const end of [socket, upstream]) end.on('error', () => socket.destroy());
    });
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
    open.push(proxy);
    const through = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
    // The name exists for the proxy alone.
    const env = { GITHUB_API_URL: 'http://ghes.invalid/api/v3', http_proxy: through };
    await onPullRequest(api, { inputs: WRONG, env });
    expect(api.comments).toHaveLength(1);
    expect(new Set(tunnels)).toEqual(new Set(['ghes.invalid:80']));
    const direct = await onPullRequest(api, {
      inputs: WRONG,
      env: { ...env, GITHUB_API_URL: api.url, no_proxy: '127.0.0.1' },
    });
    expect(direct.outputs['comment-url']).not.toBe('');
    expect(new Set(tunnels)).toEqual(new Set(['ghes.invalid:80']));
  });

  const openssl = ['/usr/bin/openssl', '/opt/homebrew/bin/openssl', '/usr/local/bin/openssl'].find(existsSync);

  it.skipIf(openssl === undefined)('is trusted with a private CA in NODE_EXTRA_CA_CERTS, and not without', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'prunegate-ca-'));
    const file = (name: string): string => join(folder, name);
    const make = (...args: string[]) => execFileSync(openssl!, args, { stdio: 'ignore' });
    make(
      'req',
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:P-256',
      '-nodes',
      '-days',
      '2',
      '-subj',
      '/CN=private',
      '-keyout',
      file('ca.key'),
      '-out',
      file('ca.pem'),
    );
    make(
      'req',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:P-256',
      '-nodes',
      '-subj',
      '/CN=localhost',
      '-keyout',
      file('key'),
      '-out',
      file('csr'),
    );
    writeFileSync(file('ext'), 'subjectAltName=DNS:localhost');
    make(
      'x509',
      '-req',
      '-in',
      file('csr'),
      '-CA',
      file('ca.pem'),
      '-CAkey',
      file('ca.key'),
      '-CAcreateserial',
      '-days',
      '2',
      '-extfile',
      file('ext'),
      '-out',
      file('cert'),
    );
    const api = await github({
      tls: { key: readFileSync(file('key'), 'utf8'), cert: readFileSync(file('cert'), 'utf8') },
    });
    const distrusted = await onPullRequest(api, { inputs: WRONG });
    expect(warnings(distrusted)).toEqual([expect.stringContaining('unable to verify the first certificate')]);
    expect(distrusted.stdout).not.toContain('trying again');
    expect(api.comments).toEqual([]);
    await onPullRequest(api, { inputs: WRONG, env: { NODE_EXTRA_CA_CERTS: file('ca.pem') } });
    expect(api.comments).toHaveLength(1);
  });
});
