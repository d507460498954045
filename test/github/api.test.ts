import { afterEach, describe, expect, it } from 'vitest';
import { connect } from '../../src/github/api.ts';
import { type CommentTarget, writeComment } from '../../src/github/comment.ts';
import { clientOf, readEvent } from '../../src/github/index.ts';
import { ACTIONS_BOT, type Fault, type GitHubApi, startGitHubApi, TOKEN } from '../support/github-api.ts';

const HEAD = 'a'.repeat(40);
const TARGET: CommentTarget = {
  ...{ owner: 'octo', repo: 'pruned', number: 7 },
  stamp: { key: '0123456789abcdef', head: HEAD, run: 100, attempt: 1 },
};

const open: GitHubApi[] = [];
afterEach(async () => {
  for (const each of open.splice(0)) await each.close();
});

async function github(faults: readonly Fault[] = []): Promise<GitHubApi> {
  const server = await startGitHubApi({ repository: 'octo/pruned', pullRequest: 7, headSha: HEAD, faults });
  open.push(server);
  return server;
}

async function written(server: GitHubApi): Promise<unknown> {
  const api = connect({ token: TOKEN, baseUrl: server.url, userAgent: 'prunegate/test', log: () => {}, secondMs: 1 });
  return writeComment(api, TARGET, 'text', true).catch((error: Error) => error.message);
}

describe("an answer of GitHub's", () => {
  it('that points to another server gets no token there, and is not asked for again', async () => {
    const elsewhere = await github();
    const link = `<${elsewhere.url}/repositories/1/issues/7/comments?page=2>; rel="next"`;
    const server = await github([{ on: /^GET .*comments/, play: { status: 200, body: '[]', headers: { link } } }]);
    expect(await written(server)).toBe('points to another server');
    expect(elsewhere.requests).toEqual([]);
    expect(server.requests).toHaveLength(1);
  });

  it('is followed to its next page on the same server', async () => {
    const server = await github();
    for (let k = 0; k < 101; k++) server.addComment('x', ACTIONS_BOT);
    await written(server);
    expect(server.requests.filter(({ method, path }) => method === 'GET' && path.includes('comments'))).toHaveLength(2);
  });

  it.each([
    ['a redirection', { status: 302, headers: { location: '/elsewhere' } }, 'answered with a redirection (302)'],
    [
      'a status of nobody’s',
      { wire: 'HTTP/1.1 700 Odd\r\ncontent-length: 2\r\n\r\n[]' },
      'answered with the status 700',
    ],
    [
      'more than anybody asked for',
      { status: 200, body: Buffer.alloc(33 * 1024 * 1024, ' ') },
      'answered with more than 32 MiB',
    ],
    ['what is no JSON', { status: 200, body: '<html>' }, /./],
    ['a list of nothing', { status: 200, body: '[null]' }, /./],
    ['an object for a list', { status: 200, body: '{"total": 1}' }, /./],
  ] as const)('that is not taken fails at once: %s', async (_, play, message) => {
    const server = await github([{ on: /^GET .*comments/, play }]);
    expect(await written(server)).toMatch(message);
    expect(server.requests).toHaveLength(1);
    expect(server.comments).toEqual([]);
  });

  it('that goes on for ever is read for so many pages', async () => {
    const server = await github();
    for (let k = 0; k < 5001; k++) server.addComment('x', ACTIONS_BOT);
    expect(await written(server)).toBe('there are more than 5000 comments');
  });
});

describe('a client', () => {
  const event = readEvent({ GITHUB_ACTIONS: 'true', GITHUB_EVENT_NAME: 'push' });

  it.each(['ghs_a\nb', 'ghs_ä', 'ghs a', '\u0000'])(
    'is not made of a token that no header can hold: %j',
    async (token) => {
      const client = await clientOf({ token, userAgent: 'prunegate/test' }, event);
      expect(client).toEqual({ kind: 'broken', reason: 'github-token holds what no token has' });
    },
  );

  it('is made of one', async () => {
    expect(await clientOf({ token: TOKEN, userAgent: 'prunegate/test' }, event)).toMatchObject({ kind: 'ready' });
  });
});
