import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startAction } from '../support/action.ts';
import { PULL_REQUEST, REPOSITORY } from '../support/pull-request.ts';

const root = join(import.meta.dirname, '../..');
const work = mkdtempSync(join(tmpdir(), 'prunegate-many-'));
afterAll(() => rmSync(work, { recursive: true, force: true }));
const CONFIG = `models:
  - { name: right, dense: m/dense.onnx, pruned: m/pruned.onnx, spec: m/prune.yaml }
  - { name: gone, dense: m/gone.onnx, pruned: m/pruned.onnx, spec: m/prune.yaml }
  - { name: naive, dense: m/dense.onnx, pruned: m/pruned-naive.onnx, spec: m/prune.yaml }
`;

function prunegate(...args: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(root, 'dist/cli.cjs'), ...args], {
    cwd: work,
    encoding: 'utf8',
  });
  return { status, stdout, stderr };
}

beforeAll(() => {
  cpSync(join(root, 'examples/mobilenet-v2'), join(work, 'm'), { recursive: true });
  writeFileSync(join(work, 'prunegate.yml'), CONFIG);
  for (const model of ['right', 'naive']) prunegate('check', '--model', model, '--report-dir', 'reports');
});

const read = (path: string) => JSON.parse(readFileSync(join(work, path), 'utf8'));
function edited(name: string, change: (report: ReturnType<typeof read>) => void): string {
  const report = read('reports/right/report.json');
  change(report);
  writeFileSync(join(work, name), JSON.stringify(report));
  return name;
}

describe('prunegate check of several models', () => {
  it('tells what is wrong with one and what is found of the others', () => {
    const { status, stdout, stderr } = prunegate('check', '--format', 'json');
    expect(status).toBe(2);
    expect(JSON.parse(stdout)).toMatchObject({
      verdict: 'diverges',
      conclusion: 'failure',
      reports: [
        { model: 'right', verdict: 'conforms' },
        { model: 'naive', verdict: 'diverges' },
      ],
      errors: [{ model: 'gone', message: 'm/gone.onnx: does not exist' }],
    });
    expect(stderr).toContain('model 2 of 3: gone\n');
    expect(stderr).toContain('prunegate: gone: m/gone.onnx: does not exist\n');
  });

  it('conforms in nothing where one could not be checked', () => {
    writeFileSync(join(work, 'two.yml'), CONFIG.split('\n').slice(0, 3).join('\n'));
    const { status, stdout } = prunegate('check', '--config', 'two.yml', '--format', 'json');
    expect(status).toBe(2);
    expect(JSON.parse(stdout)).toMatchObject({ verdict: 'unverifiable', conclusion: 'failure' });
  });
});

describe('prunegate plan', () => {
  it('prints the matrix alone', () => {
    expect(prunegate('plan')).toEqual({ status: 0, stdout: '{"model":["right","gone","naive"]}\n', stderr: '' });
  });

  it('gives the model without a name the empty one, which chooses it', () => {
    writeFileSync(join(work, 'one.yml'), 'dense: m/dense.onnx\npruned: m/pruned.onnx\nspec: m/prune.yaml\n');
    expect(prunegate('plan', '--config', 'one.yml').stdout).toBe('{"model":[""]}\n');
  });
});

describe('prunegate plan of thousands of models', () => {
  it('names every one', () => {
    const names = Array.from({ length: 3_000 }, (_, k) => `model-${k}`);
    const entries = names.map((name) =>
      [
        `- name: ${name}`,
        `dense: models/${name}/dense.onnx`,
        `pruned: models/${name}/pruned.onnx`,
        'spec: m/prune.yaml',
        `reported: logs/${name}.json`,
        'tolerance: 0.001',
      ].join('\n    '),
    );
    writeFileSync(join(work, 'thousands.yml'), `models:\n  ${entries.join('\n  ')}\n`);
    const { status, stdout, stderr } = prunegate('plan', '--config', 'thousands.yml');
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(JSON.parse(stdout)).toEqual({ model: names });
  });
});

describe('prunegate merge', () => {
  it('makes one verdict, the worst, in the order of names', () => {
    const { status, stdout } = prunegate('merge', 'reports/**/report.json', '--format', 'json');
    expect(status).toBe(1);
    const set = JSON.parse(stdout);
    expect(set).toMatchObject({
      schemaVersion: 1,
      verdict: 'diverges',
      conclusion: 'failure',
      errors: [{ model: 'gone' }],
    });
    expect(set.reports.map(({ model }: { model: string }) => model)).toEqual(['naive', 'right']);
    expect(set.reports[1]).toEqual(read('reports/right/report.json'));
  });

  it('tells it in text, and takes sets and single reports', () => {
    const naive = prunegate('merge', 'reports/naive/report.json', '--models', 'naive', '--format', 'json');
    writeFileSync(join(work, 'set.json'), naive.stdout);
    const { status, stdout } = prunegate('merge', 'set.json', 'reports/right/report.json', '--models', 'naive,right');
    expect(status).toBe(1);
    expect(stdout).toContain('diverges: 1 of 2 models');
    expect(stdout).toContain('kept the wrong 3 of 16 filters');
    expect(prunegate('merge', 'reports/right/report.json', '--models', 'right')).toMatchObject({ status: 0 });
    expect(prunegate('merge', 'set.json', '--warn-only')).toMatchObject({ status: 0 });
  });

  it('takes a model of prunegate.yml without a report for one that was not checked', () => {
    const { status, stdout } = prunegate('merge', 'reports/right/report.json', '--format', 'json');
    expect(status).toBe(3);
    expect(JSON.parse(stdout)).toMatchObject({
      ...{ verdict: 'unverifiable', conclusion: 'failure', completeness: 'checked' },
      errors: ['gone', 'naive'].map((model) => ({ model, message: 'there is no report of it' })),
    });
    const text = prunegate('merge', 'reports/right/report.json').stdout;
    expect(text).toContain('unverifiable: 2 of 3 models\n');
    expect(text).toMatch(/^ \? {2}gone +not checked/m);
  });

  it('takes the matrix of the plan, and names one by one', () => {
    const right = ['merge', 'reports/right/report.json'];
    expect(prunegate(...right, '--models', '{"model":["right"]}').status).toBe(0);
    expect(prunegate(...right, '--models', prunegate('plan').stdout).status).toBe(3);
    expect(prunegate(...right, '--models', 'right\ngone').status).toBe(3);
    expect(prunegate(...right, '--models', '{"model":[]}')).toMatchObject({
      status: 2,
      stderr: expect.stringMatching(/^prunegate: --models: must be names, or a matrix like/),
    });
  });

  it('says in its headline that completeness was not checked where nobody knows the models', () => {
    mkdirSync(join(work, 'elsewhere'));
    cpSync(join(work, 'reports'), join(work, 'elsewhere/reports'), { recursive: true });
    const elsewhere = (...args: string[]) =>
      spawnSync(process.execPath, [join(root, 'dist/cli.cjs'), 'merge', ...args], {
        cwd: join(work, 'elsewhere'),
        encoding: 'utf8',
      });
    const one = elsewhere('reports/right/report.json');
    expect(one.status).toBe(0);
    expect(one.stdout).toMatch(/\nconforms: 1 models?; completeness was not checked/);
    const [headline] = elsewhere('reports/**/report.json', '--format', 'markdown').stdout.split('\n');
    expect(headline).toBe('### ❌ prunegate: 1 of 2 models diverges; completeness was not checked');
    expect(JSON.parse(elsewhere('reports/right/report.json', '--format', 'json').stdout).completeness).toBe(
      'unchecked',
    );
    expect(elsewhere('reports/right/report.json', '--models', 'right').stdout).not.toContain('completeness');
  });

  it('refuses the report of a model that is not expected', () => {
    expect(prunegate('merge', 'reports/**/report.json', '--models', 'right nave')).toEqual({
      ...{ status: 2, stdout: '' },
      stderr: `prunegate: reports/naive/report.json: model: reports a model that is none of the 2 to merge: is nave meant? (found "naive")\n`,
    });
  });

  it.each([
    ['a pattern that names nothing', () => 'reports/*/gone.json', 'merge: names no file (found "reports/*/gone.json")'],
    [
      'a report that is cut off',
      () => {
        writeFileSync(join(work, 'cut.json'), readFileSync(join(work, 'reports/right/report.json')).subarray(0, 999));
        return 'cut.json';
      },
      'cut.json: is no report.json: it is not a JSON object, or is cut off',
    ],
    [
      'a newer version',
      () => edited('newer.json', (report) => Object.assign(report, { schemaVersion: 2 })),
      'newer.json: schemaVersion: is a report of a newer prunegate: this one reads version 1; merge with the version that checked (found 2)',
    ],
    [
      'a verdict that its layers contradict',
      () => edited('verdict.json', (report) => Object.assign(report.layers[0], { verdict: 'mismatch' })),
      'verdict.json: totals.match: contradicts its 13 layers of that verdict: was it edited? (found 14)',
    ],
    [
      'a verdict that its findings contradict',
      () => {
        const { findings } = read('reports/naive/report.json');
        return edited('findings.json', (report) => Object.assign(report, { findings }));
      },
      'findings.json: verdict: contradicts what it reports, which is diverges: was it edited? (found "conforms")',
    ],
    [
      'layers that are missing',
      () => edited('few.json', (report) => Object.assign(report, { layers: report.layers.slice(1) })),
      'few.json: totals.match: contradicts its 13 layers of that verdict: was it edited? (found 14)',
    ],
    [
      'a match beside filters that do not',
      () => {
        const { layers, totals } = read('reports/naive/report.json');
        for (const layer of layers) layer.verdict = 'match';
        Object.assign(totals, { match: totals.layers, mismatch: 0 });
        return edited('all.json', (report) => Object.assign(report, { layers, totals }));
      },
      'all.json: layers[0].verdict: contradicts the filters beside it: was it edited? (found "match")',
    ],
    [
      'no verdict',
      () => edited('none.json', (report) => Object.assign(report, { verdict: null })),
      'none.json: verdict: is of one side alone: merge the reports of prunegate check (found null)',
    ],
    [
      'a key of another type',
      () => edited('type.json', (report) => Object.assign(report.layers[3], { filters: 'many' })),
      'type.json: layers[3].filters: must be an integer (found "many")',
    ],
    ['no object', () => 'm/prune.yaml', 'm/prune.yaml: is no report.json: it is not a JSON object, or is cut off'],
  ])('refuses %s', (_, path, message) => {
    expect(prunegate('merge', path())).toEqual({ status: 2, stdout: '', stderr: `prunegate: ${message}\n` });
  });

  it('refuses a model that two reports tell of', () => {
    cpSync(join(work, 'reports/right/report.json'), join(work, 'again.json'));
    const { status, stderr } = prunegate('merge', 'reports/right/report.json', 'again.json');
    expect(status).toBe(2);
    expect(stderr).toBe(
      'prunegate: again.json: model: reports a model that reports/right/report.json reports too; give each model once (found "right")\n',
    );
  });
});

describe('the action', () => {
  const prepare = (workspace: string): void => writeFileSync(join(workspace, 'prunegate.yml'), CONFIG);

  it('in mode plan sets the matrix and judges nothing', async () => {
    const { status, outputs } = await startAction({ inputs: { mode: 'plan' }, prepare }).ended;
    expect(status).toBe(0);
    expect(JSON.parse(outputs['matrix']!)).toEqual({ model: ['right', 'gone', 'naive'] });
    expect(outputs['verdict']).toBeUndefined();
  });

  it('in mode merge fails on what a leg found, tells it once, and annotates the headline', async () => {
    const { status, outputs, summary, log } = await startAction({
      event: PULL_REQUEST,
      env: { GITHUB_EVENT_NAME: 'pull_request', GITHUB_REPOSITORY: REPOSITORY, GITHUB_RUN_ID: '1' },
      inputs: { mode: 'merge', reports: 'legs/**/report.json', annotations: 'true', models: 'right, naive' },
      prepare: (workspace) => cpSync(join(work, 'reports'), join(workspace, 'legs'), { recursive: true }),
    }).ended;
    expect(status).toBe(1);
    expect(outputs).toMatchObject({ verdict: 'diverges', conclusion: 'failure', matched: '26', mismatched: '2' });
    expect(JSON.parse(outputs['mismatched-layers']!)).toEqual(['naive: conv1', 'naive: expanded_conv_depthwise']);
    expect(summary).toContain('1 of 2 models');
    expect(summary).toContain('/m/prune.yaml#L6)');
    expect(log.annotations.map(({ title }) => title)).toEqual(['prunegate: 1 of 2 models do not pass']);
  });

  it('in mode merge fails where a model was not checked, and says so in headline and summary', async () => {
    const merged = (inputs: Readonly<Record<string, string>>) =>
      startAction({
        inputs: { mode: 'merge', reports: 'legs/**/report.json', ...inputs },
        prepare: (workspace) => cpSync(join(work, 'reports/right'), join(workspace, 'legs/right'), { recursive: true }),
      }).ended;
    const missing = await merged({ models: '{"model":["right","gone"]}' });
    expect(missing.status).toBe(1);
    expect(missing.outputs).toMatchObject({ verdict: 'unverifiable', conclusion: 'failure', matched: '14' });
    expect(missing.summary).toContain('1 of 2 models is unverifiable');
    expect(missing.log.annotations.map(({ title }) => title)).toEqual([
      'prunegate: 1 of 2 models do not pass',
      'prunegate: gone was not checked',
    ]);
    const unknown = await merged({});
    expect(unknown).toMatchObject({
      status: 0,
      summary: expect.stringContaining('conforms; completeness was not checked'),
    });
    expect(unknown.stdout).toContain('completeness was not checked');
  });

  it('in mode merge fails where no report is found', async () => {
    const { status, outputs } = await startAction({
      inputs: { mode: 'merge', reports: 'legs/**/report.json' },
      prepare: (workspace) => mkdirSync(join(workspace, 'legs')),
    }).ended;
    expect(status).toBe(1);
    expect(outputs).toMatchObject({ verdict: '', conclusion: 'failure' });
  });

  it('checks the models that it can, and fails for the one that it cannot', async () => {
    const { status, outputs, log } = await startAction({ inputs: { execute: 'false' }, prepare }).ended;
    expect(status).toBe(1);
    expect(outputs).toMatchObject({ verdict: 'diverges', conclusion: 'failure' });
    expect(outputs['report-json']!.split('\n')).toHaveLength(2);
    expect(outputs['report-html']).toMatch(/[\\/]prunegate[\\/]\w+[\\/]report\.html$/);
    expect(log.annotations.some(({ message }) => message.includes('m/gone.onnx: does not exist'))).toBe(true);
  });
});
