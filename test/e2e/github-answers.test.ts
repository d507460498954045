import { existsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { payload } from '../support/events.ts';
import type { Fault, GitHubApi } from '../support/github-api.ts';
import { onPullRequest, RIGHT, startApi, WRONG, warnings } from '../support/pull-request.ts';

const open: GitHubApi[] = [];
afterEach(async () => {
  for (const each of open.splice(0)) await each.close();
});

async function github(faults: readonly Fault[] = []): Promise<GitHubApi> {
  const api = await startApi({ faults });
  open.push(api);
  return api;
}

const WIRE_700 = { wire: 'HTTP/1.1 700 Odd\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n[]' };

describe("an answer of GitHub's that is not taken", () => {
  it.each<[string, Fault['play'], string]>([
    ['a status of nobody’s', WIRE_700, 'answered with the status 700'],
    ['a redirection', { status: 307, headers: { location: 'https://elsewhere.invalid/' } }, 'redirection (307)'],
    ['no JSON', { status: 200, body: '<html>' }, 'could not be written'],
    ['a list of nothing', { status: 200, body: '[null, 7, []]' }, 'the answer is none that GitHub describes'],
    ['bytes', { status: 200, body: Buffer.from([0, 1, 2]), headers: { 'content-type': 'image/png' } }, 'could not be'],
    ['too much', { status: 200, body: Buffer.alloc(33 * 1024 * 1024, ' ') }, 'more than 32 MiB'],
  ])('leaves a green gate green, and says so in a warning: %s', async (_, play, message) => {
    const api = await github([{ on: /./, play }]);
    const inputs = { ...RIGHT, comment: 'always', 'check-run': 'true' };
    const run = await onPullRequest(api, { inputs });
    expect(run.status).toBe(0);
    expect(run.outputs).toMatchObject({ verdict: 'conforms', conclusion: 'success', 'comment-url': '' });
    expect(warnings(run).at(-1)).toContain(message);
    expect(run.log.annotations.filter(({ level }) => level === 'error')).toEqual([]);
  });

  it('leaves a red one red', async () => {
    const run = await onPullRequest(await github([{ on: /./, play: WIRE_700 }]), { inputs: WRONG });
    expect(run.status).toBe(1);
    expect(run.outputs).toMatchObject({ verdict: 'diverges', conclusion: 'failure' });
  });

  it('leads the token to no other server', async () => {
    const elsewhere = await github();
    const link = `<${elsewhere.url}/repositories/1/issues/2/comments?page=2>; rel="next"`;
    const api = await github([{ on: /^GET .*comments/, play: { status: 200, body: '[]', headers: { link } } }]);
    const run = await onPullRequest(api, { inputs: WRONG });
    expect(run.status).toBe(1);
    expect(elsewhere.requests).toEqual([]);
    expect(warnings(run)).toEqual(['the comment could not be written: points to another server']);
  });
});

/** Where the system has a disk that is always full. */
const FULL = [['full', '/dev/full'] as [string, string]].filter(([, path]) => existsSync(path));

describe('a runner that is not as it should be', () => {
  const none = '/proc/none';
  const COMMAND = { 'prune-command': 'true', 'allow-untrusted-commands': 'true' };
  const PRUNER = { pruned: '' };

  it.skipIf(!existsSync('/proc/self')).each<[string, Record<string, string>, Record<string, string>, string]>([
    [
      'the report',
      { RUNNER_TEMP: none },
      {},
      `${none}/prunegate/__prunegate/model/report.json: cannot be written: ENOENT`,
    ],
    [
      'the built-in pruner',
      { RUNNER_TEMP: none },
      PRUNER,
      `${none}/prunegate/__prunegate/model/pruned.onnx: cannot be written`,
    ],
    ['a command', { RUNNER_TEMP: none }, COMMAND, 'RUNNER_TEMP: no temporary folder can be made there (ENOENT)'],
    ['execution', { RUNNER_TEMP: none }, { execute: 'true' }, 'RUNNER_TEMP: no temporary folder can be made there'],
    ['a command without RUNNER_TEMP', { RUNNER_TEMP: '', TMPDIR: none }, COMMAND, 'TMPDIR: no temporary folder can be'],
  ])('fails in one line where there is no room for %s', async (_, env, inputs, message) => {
    const run = await onPullRequest(await github(), { inputs: { ...RIGHT, ...inputs }, env });
    expect(run.status).toBe(1);
    expect(run.log.annotations.map((each) => [each.title, each.message.split('\n').length])).toEqual([
      ['prunegate: check your configuration', 1],
    ]);
    expect(run.log.annotations[0]!.message).toContain(message);
  });

  it.each<[string, string]>([['gone', '/nonexistent/output'], ['a folder', tmpdir()], ...FULL])(
    'fails the step in one line where its outputs cannot be read by anybody: GITHUB_OUTPUT is %s',
    async (_, path) => {
      const api = await github();
      const env = { GITHUB_OUTPUT: path };
      const run = await onPullRequest(api, { inputs: { ...RIGHT, comment: 'always' }, env });
      expect(run.status).toBe(1);
      expect(run.log.annotations).toMatchObject([
        {
          level: 'error',
          message: expect.stringMatching(/^The step's outputs could not be written to GITHUB_OUTPUT: .+$/),
        },
      ]);
      expect(run.summary).toContain('conforms');
      expect(api.comments).toHaveLength(1);
      const broken = await onPullRequest(api, { inputs: { ...RIGHT, spec: 'none.yaml' }, env });
      expect(broken.log.annotations.map(({ title }) => title)).toEqual([
        'prunegate: no outputs',
        'prunegate: check your configuration',
      ]);
      expect(run.stderr + broken.stderr).toBe('');
    },
  );

  it.each<[string, string]>([['gone', '/nonexistent/summary'], ['a folder', tmpdir()], ...FULL, ['not set', '']])(
    'says in one line that there is no summary, and the gate stands: GITHUB_STEP_SUMMARY is %s',
    async (_, path) => {
      const run = await onPullRequest(await github(), { inputs: RIGHT, env: { GITHUB_STEP_SUMMARY: path } });
      expect(run.status).toBe(0);
      expect(run.log.annotations).toEqual([]);
      expect(run.log.shown.filter((line) => line.startsWith('no job summary: '))).toHaveLength(1);
    },
  );

  it('publishes all the same where the event cannot be read', async () => {
    const api = await github();
    const run = await onPullRequest(api, {
      inputs: { ...WRONG, 'check-run': 'true' },
      event: payload('push'),
      env: { GITHUB_EVENT_NAME: 'push' },
      prepare: (workspace) => writeFileSync(join(workspace, '../_temp/event.json'), '{"before": '),
    });
    expect(run.status).toBe(1);
    expect(api.checkRuns).toMatchObject([{ headSha: 'f'.repeat(40), conclusion: 'failure' }]);
    expect(warnings(run)).toEqual([]);
  });

  it.each([
    ['a proxy that is none', { env: { https_proxy: '[', GITHUB_API_URL: 'https://ghes.invalid' } }, 'cannot be used'],
    [
      'a token that is none',
      { inputs: { ...RIGHT, comment: 'always', 'github-token': 'ghs_a\u00e4' } },
      'github-token',
    ],
  ])('is one warning, and the gate stands: %s', async (_, options, message) => {
    const api = await github();
    const run = await onPullRequest(api, { inputs: { ...RIGHT, comment: 'always' }, ...options });
    expect(run.status).toBe(0);
    expect(warnings(run)).toEqual([expect.stringContaining(message)]);
    expect(api.requests).toEqual([]);
  });
});
