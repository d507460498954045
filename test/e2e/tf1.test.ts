import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { ActionRun } from '../support/action.ts';
import type { GitHubApi } from '../support/github-api.ts';
import { tf1Goldens } from '../support/golden-tf1.ts';
import { onPullRequest, startApi } from '../support/pull-request.ts';

// What Keras would do in TAO's container was recorded: the commands hand out the real pruner's models.
const golden = tf1Goldens('').own.find(({ name }) => name === 'shared_conv_nchw')!;
const { prune } = golden;

const open: GitHubApi[] = [];
afterEach(async () => {
  for (const each of open.splice(0)) {
    await each.close();
    expect(each.violations).toEqual([]);
  }
});

/** A command line over several lines, as users keep it. */
const COMMAND = (threshold: unknown): string =>
  [
    'dialect: tao-tf1',
    'prune: |',
    '  classification_tf1 prune -m model.hdf5 -o pruned.hdf5 -k $KEY \\',
    `    -eq ${prune['equalization_criterion']} -n ${prune['normalizer']} \\`,
    `    -pg ${prune['granularity']} -nf ${prune['min_num_filters']} \\`,
    `    -pth ${threshold}`,
    '',
  ].join('\n');

async function pruned(spec: string): Promise<{ readonly run: ActionRun; readonly api: GitHubApi }> {
  const api = await startApi({});
  open.push(api);
  const run = await onPullRequest(api, {
    inputs: {
      'export-command': 'mkdir -p out && cp recorded/dense.onnx out/dense.onnx',
      'prune-command': 'cp recorded/pruned.onnx out/pruned.onnx',
      ...{ dense: 'out/dense.onnx', pruned: 'out/pruned.onnx', spec: 'specs/prune.yaml' },
    },
    prepare(workspace) {
      for (const folder of ['specs', 'recorded']) mkdirSync(join(workspace, folder));
      writeFileSync(join(workspace, 'specs/prune.yaml'), spec);
      for (const file of ['dense.onnx', 'pruned.onnx'])
        cpSync(join(golden.folder, file), join(workspace, 'recorded', file));
    },
  });
  return { run, api };
}

describe('a pull request on a model that TAO’s TensorFlow 1 pruner made', () => {
  it('is green where the command that it holds makes these filters', async () => {
    const { run } = await pruned(COMMAND(prune['threshold']));
    expect(run.status, run.stdout).toBe(0);
    expect(run.outputs).toMatchObject({ verdict: 'conforms' });
    expect(run.log.annotations.filter(({ level }) => level === 'error')).toEqual([]);
  });

  it('is red where a flag was changed and the model was not, on the flag’s line', async () => {
    const { run, api } = await pruned(COMMAND(0.1));
    expect(run.status).toBe(1);
    expect(run.outputs).toMatchObject({ verdict: 'diverges' });
    const placed = run.log.annotations.flatMap(({ level, file, line }) =>
      level === 'error' && file !== null ? [`${file}:${line}`] : [],
    );
    expect(new Set(placed)).toContain('specs/prune.yaml:6');
    expect(api.comments[0]?.body).toContain(`threshold ${prune['threshold']}`);
  });
});
