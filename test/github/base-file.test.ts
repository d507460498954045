import { afterEach, describe, expect, it } from 'vitest';
import { connect } from '../../src/github/api.ts';
import { clientOf, type EventContext, readBaseFile, readEvent } from '../../src/github/index.ts';
import { type ApiFile, type Fault, type GitHubApi, startGitHubApi, TOKEN } from '../support/github-api.ts';

const BASE = 'b'.repeat(40);
const EVENT = {
  ...readEvent({ GITHUB_ACTIONS: 'true', GITHUB_EVENT_NAME: 'pull_request', GITHUB_REPOSITORY: 'octo/pruned' }),
  baseSha: BASE,
} as EventContext;

let open: GitHubApi | null = null;
afterEach(async () => {
  const violations = open?.violations ?? [];
  await open?.close();
  open = null;
  expect(violations).toEqual([]);
});

/** What is read of `path` where the base commit holds `files`. */
async function read(path: string, files: Readonly<Record<string, ApiFile>>, faults: readonly Fault[] = []) {
  open = await startGitHubApi({
    ...{ repository: 'octo/pruned', pullRequest: 7, headSha: 'a'.repeat(40) },
    ...{ files: { [BASE]: files }, faults },
  });
  const api = connect({ token: TOKEN, baseUrl: open.url, userAgent: 'prunegate/test', log: () => {}, secondMs: 1 });
  return readBaseFile({ kind: 'ready', api }, EVENT, path);
}

const odd = (body: string | Uint8Array, type = 'application/json; charset=utf-8'): readonly Fault[] => [
  { on: /contents/, play: { status: 200, body, headers: { 'content-type': type } } },
];
const NO_FILE = { on: /contents/, play: { status: 404 } } as const;

describe('a file at the base commit', () => {
  it.each([
    ['at the root', 'prunegate.yml', 'warn-only: false\n'],
    ['in a folder', 'ci/gates/prunegate.yml', 'ä: 1\n'],
    ['that is empty', 'prunegate.yml', ''],
    ['that is JSON itself', 'prunegate.lock.json', '{"type": "symlink"}'],
    ['with a name that has to be escaped', 'a b/100%#?&.yml', 'x: 1'],
  ])('is read as it stands there: %s', async (_, path, text) => {
    expect(await read(path, { [path]: text, 'other.yml': 'no' })).toEqual({ kind: 'file', text });
    expect(open!.requests.map(({ path: asked }) => new URL(asked, 'http://x').searchParams.get('ref'))).toEqual([BASE]);
  });

  it('is decoded where a server answers in base64', async () => {
    const content = Buffer.from('tolerance: 0.01\n').toString('base64');
    const body = JSON.stringify({
      type: 'file',
      encoding: 'base64',
      content: `${content.slice(0, 4)}\n${content.slice(4)}`,
    });
    expect(await read('prunegate.yml', {}, odd(body))).toEqual({ kind: 'file', text: 'tolerance: 0.01\n' });
  });

  it.each([
    ['at the root', 'prunegate.yml', { 'README.md': '' }],
    ['in a folder that is there', 'ci/prunegate.yml', { 'ci/other.yml': '' }],
    ['in a folder that is not', 'ci/prunegate.yml', { 'README.md': '' }],
    ['in what was a file', 'ci/prunegate.yml', { ci: '' }],
  ])('is absent where the whole tree was seen without it: %s', async (_, path, files) => {
    expect(await read(path, files)).toEqual({ kind: 'absent' });
  });
});

describe('what is not known of a file at the base commit', () => {
  it.each<[string, string, Readonly<Record<string, ApiFile>>, readonly Fault[], string]>([
    ['a folder', 'ci', { 'ci/prunegate.yml': '' }, [], 'is a folder'],
    [
      'a link',
      'prunegate.yml',
      { 'prunegate.yml': { type: 'symlink' } },
      [],
      'is a symbolic link that leads to no file',
    ],
    ['a submodule', 'ci', { ci: { type: 'submodule' } }, [], 'is a submodule'],
    ['in a linked folder', 'ci/p.yml', { ci: { type: 'symlink' } }, [], 'ci is a symbolic link or a submodule there'],
    ['in a submodule', 'ci/p.yml', { ci: { type: 'submodule' } }, [], 'ci is a symbolic link or a submodule there'],
    ['no text', 'p.yml', { 'p.yml': new Uint8Array([0x61, 0xff, 0x62]) }, [], 'is no text in UTF-8'],
    ['no text, not said to be any', 'p.yml', {}, odd(new Uint8Array([0xff]), 'application/octet-stream'), 'no text in'],
    ['too large', 'p.yml', { 'p.yml': 'x'.repeat(4 * 1024 * 1024 + 1) }, [], 'has more than 4 MiB'],
    ['an answer in part', 'p.yml', {}, odd('{"type": "file", "encoding": "none", "content": ""}'), 'holds no text'],
    ['an answer that is no JSON', 'p.yml', {}, odd('<html>'), 'holds no text'],
    ['an answer of nothing', 'p.yml', {}, odd('null'), 'holds no text'],
    ['no base64', 'p.yml', {}, odd('{"type": "file", "encoding": "base64", "content": "a*b="}'), 'is no text in UTF-8'],
    ['nothing but 404', 'p.yml', {}, [{ on: /./, play: { status: 404 } }], 'May github-token see this repository'],
    ['there and not there', 'p.yml', { 'p.yml': 'x' }, [NO_FILE], 'both that it is there and that it is not'],
    [
      ...['forbidden', 'p.yml', {}],
      [{ on: /./, play: { status: 403, message: 'Resource not accessible by integration' } }],
      'Give the job the permission contents: read, or set policy: none.',
    ] as never,
    ['a redirection', 'p.yml', {}, [{ on: /./, play: { status: 302, headers: { location: '/x' } } }], 'redirection'],
    ['a server in trouble', 'p.yml', {}, [{ on: /./, play: { status: 502 } }], 'could not be read: 502'],
    ['no answer', 'p.yml', {}, [{ on: /./, play: 'cut' }], 'could not be read'],
    ['an unknown tree', 'p.yml', {}, [NO_FILE, { on: /trees/, play: { status: 200, body: '[]' } }], 'its whole folder'],
    [
      ...['a cut tree', 'p.yml', {}],
      [NO_FILE, { on: /trees/, play: { status: 200, body: '{"tree": [], "truncated": true}' } }],
      'its whole folder',
    ] as never,
  ])('is said in one line: %s', async (_, path, files, faults, message) => {
    const found = await read(path, files, faults);
    expect(found).toEqual({ kind: 'unknown', reason: expect.stringContaining(message) });
    expect(found).toMatchObject({ reason: expect.not.stringMatching(/[\r\n]/) });
  });

  it.each(['../p.yml', '/p.yml', 'a//p.yml', './p.yml', '', 'a/'.repeat(40)])(
    'includes a path out of it: %s',
    async (path) => {
      expect(await read(path, {})).toMatchObject({ kind: 'unknown' });
      expect(open!.requests).toEqual([]);
    },
  );

  it('includes everything where GitHub cannot be asked', async () => {
    const credentials = { token: null, userAgent: 'prunegate/test' };
    const told = (client: Parameters<typeof readBaseFile>[0], event: EventContext | null) =>
      readBaseFile(client, event, 'prunegate.yml').then((found) => (found.kind === 'unknown' ? found.reason : found));
    expect(await told(await clientOf(credentials, EVENT), EVENT)).toContain('github-token is empty');
    expect(await told(await clientOf(credentials, null), null)).toContain('no run of GitHub Actions');
    const noUrl = { ...EVENT, apiUrl: null };
    expect(await told(await clientOf({ ...credentials, token: TOKEN }, noUrl), noUrl)).toContain('GITHUB_API_URL');
    const noBase = { ...EVENT, baseSha: null };
    expect(await told(await clientOf({ ...credentials, token: TOKEN }, noBase), noBase)).toContain('no base commit');
  });
});
