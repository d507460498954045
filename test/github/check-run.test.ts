import { afterEach, describe, expect, it } from 'vitest';
import type { Annotation } from '../../src/github/annotations.ts';
import { type Api, connect } from '../../src/github/api.ts';
import { type CheckRun, createCheckRun } from '../../src/github/check-run.ts';
import { type ApiOptions, type GitHubApi, startGitHubApi, TOKEN } from '../support/github-api.ts';

const HEAD = 'a'.repeat(40);
const HALF_A_CHARACTER = /[\ud800-\udbff](?![\udc00-\udfff])/;
let open: GitHubApi | null = null;
afterEach(async () => {
  const violations = open?.violations ?? [];
  await open?.close();
  open = null;
  expect(violations).toEqual([]);
});

async function github(options: Partial<ApiOptions> = {}): Promise<{ server: GitHubApi; api: Api }> {
  const server = await startGitHubApi({ repository: 'octo/pruned', pullRequest: 7, headSha: HEAD, ...options });
  open = server;
  const api = connect({
    token: TOKEN,
    baseUrl: server.url,
    userAgent: 'prunegate/test',
    log: () => {},
    secondMs: 1,
  });
  return { server, api };
}

const annotation = (k: number, changes: Partial<Annotation> = {}): Annotation => ({
  level: 'error',
  title: `prunegate: ${k}`,
  message: 'why',
  file: 'specs/prune.yaml',
  line: 6,
  ...changes,
});

function check(annotations: readonly Annotation[], changes: Partial<CheckRun> = {}): CheckRun {
  return {
    owner: 'octo',
    repo: 'pruned',
    headSha: HEAD,
    name: 'prunegate',
    detailsUrl: 'https://github.com/octo/pruned/actions/runs/1',
    conclusion: 'failure',
    title: 'it diverges',
    summary: 'all of it',
    annotations,
    ...changes,
  };
}

describe('a check run', () => {
  it.each([
    [0, [0]],
    [1, [1]],
    [50, [50]],
    [51, [50, 1]],
    [120, [50, 50, 20]],
  ])('holds %i annotations in batches of %j', async (count, batches) => {
    const { server, api } = await github();
    const annotations = Array.from({ length: count }, (_, k) => annotation(k));
    expect(await createCheckRun(api, check(annotations))).toMatch(/^https:\/\/github\.com\/octo\/pruned\/runs\//);
    const sizes = server.requests.map(({ body }) => {
      const { output } = body as { readonly output: { readonly annotations: readonly unknown[] } };
      return output.annotations.length;
    });
    expect(sizes).toEqual(batches);
    expect(server.checkRuns).toHaveLength(1);
    expect(server.checkRuns[0]).toMatchObject({ headSha: HEAD, conclusion: 'failure', title: 'it diverges' });
    expect(server.checkRuns[0]!.annotations.map(({ title }) => title)).toEqual(annotations.map(({ title }) => title));
  });

  it('leaves out what has no place, and begins at line 1 where there is none', async () => {
    const { server, api } = await github();
    await createCheckRun(
      api,
      check([annotation(1, { file: null, line: null }), annotation(2, { line: null, level: 'warning' })]),
    );
    expect(server.checkRuns[0]!.annotations).toEqual([
      {
        path: 'specs/prune.yaml',
        start_line: 1,
        end_line: 1,
        annotation_level: 'warning',
        title: 'prunegate: 2',
        message: 'why',
      },
    ]);
  });

  it('keeps messages within 64 KB and titles within 255 characters, whatever characters they are', async () => {
    const { server, api } = await github();
    const message = '漢😀'.repeat(30_000);
    await createCheckRun(api, check([annotation(1, { message })], { title: '漢'.repeat(300) }));
    const [run] = server.checkRuns;
    const sent = String(run!.annotations[0]!['message']);
    expect(Buffer.byteLength(sent)).toBeLessThanOrEqual(64 * 1024);
    expect(sent).not.toMatch(HALF_A_CHARACTER);
    expect(run!.title.length).toBe(255);
  });

  it('outlasts a server that is broken for a while', async () => {
    const { server, api } = await github({ faults: [{ on: /check-runs/, times: 2, play: { status: 503 } }] });
    await createCheckRun(api, check([annotation(1)]));
    expect(server.checkRuns).toHaveLength(1);
  });

  it('fails where the token may not write checks', async () => {
    const { api } = await github({ faults: [{ on: /check-runs/, play: { status: 403 } }] });
    await expect(createCheckRun(api, check([]))).rejects.toMatchObject({ status: 403 });
  });
});
