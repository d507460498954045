import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type ActionRun, runAction } from '../support/action.ts';
import { payload } from '../support/events.ts';
import { startGitHubApi, TOKEN } from '../support/github-api.ts';
import { BASE, HEAD, REPOSITORY } from '../support/pull-request.ts';

/** What `npm run recordings` keeps under docs/recordings/: a pull request on the example, as its reviewer sees it. */
const folder = join(import.meta.dirname, '../../docs/recordings');

const CONFIG = `models:
  - name: mobilenet-v2
    dense: out/dense.onnx
    pruned: out/pruned.onnx
    spec: specs/prune.yaml
`;

const SPEC = readFileSync(join(import.meta.dirname, '../../examples/mobilenet-v2/prune.yaml'), 'utf8');

/** @param spec as it is at the base commit */
async function recorded(
  pruned: string,
  spec: string,
): Promise<{ readonly run: ActionRun; readonly comments: readonly string[] }> {
  const event = payload('pull_request', {}, ({ action }) => action === 'synchronize');
  const api = await startGitHubApi({
    repository: REPOSITORY,
    pullRequest: 2,
    headSha: HEAD,
    files: { [BASE]: { 'prunegate.yml': CONFIG, 'specs/prune.yaml': spec } },
  });
  try {
    const run = await runAction({
      event,
      inputs: { 'github-token': TOKEN, execute: 'false' },
      env: {
        GITHUB_EVENT_NAME: 'pull_request',
        GITHUB_REPOSITORY: REPOSITORY,
        GITHUB_API_URL: api.url,
        GITHUB_RUN_ID: '17000000001',
        GITHUB_RUN_ATTEMPT: '1',
        GITHUB_WORKFLOW_REF: `${REPOSITORY}/.github/workflows/pruning.yml@refs/pull/2/merge`,
        GITHUB_JOB: 'prunegate',
        GITHUB_ACTION: '__prunegate_prunegate',
      },
      prepare: (workspace) => {
        const at = (path: string): string => join(workspace, path);
        for (const each of ['out', 'specs']) mkdirSync(at(each));
        cpSync(at('m/dense.onnx'), at('out/dense.onnx'));
        cpSync(at(`m/${pruned}`), at('out/pruned.onnx'));
        cpSync(at('m/prune.yaml'), at('specs/prune.yaml'));
        writeFileSync(at('prunegate.yml'), CONFIG);
      },
    });
    expect(api.violations).toEqual([]);
    return { run, comments: api.comments.map(({ body }) => body) };
  } finally {
    await api.close();
  }
}

describe('docs/recordings', () => {
  it('has a diverging model’s comment, summary, annotations and log as they are made today (npm run recordings)', async () => {
    const { run, comments } = await recorded('pruned-naive.onnx', SPEC.replace('0.68', '0.6'));
    expect(run.status).toBe(1);
    const annotations = run.log.annotations.map(
      ({ level, file, line, title, message }) =>
        `${level}${file === null ? '' : ` on ${file}${line === null ? '' : `, line ${line}`}`}\n\n${title}\n${message}\n`,
    );
    await expect(comments.join('\n')).toMatchFileSnapshot(join(folder, 'diverges/comment.md'));
    await expect(run.summary).toMatchFileSnapshot(join(folder, 'diverges/summary.md'));
    await expect(annotations.join('\n\n')).toMatchFileSnapshot(join(folder, 'diverges/annotations.txt'));
  });

  it('has a conforming model’s summary, and no comment', async () => {
    const { run, comments } = await recorded('pruned.onnx', SPEC);
    expect(run.status).toBe(0);
    expect(comments).toEqual([]);
    expect(run.log.annotations).toEqual([]);
    await expect(run.summary).toMatchFileSnapshot(join(folder, 'conforms/summary.md'));
  });
});
