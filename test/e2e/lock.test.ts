import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Report } from '../../src/report/index.ts';
import type { ActionRun } from '../support/action.ts';
import type { GitHubApi } from '../support/github-api.ts';
import { BASE, onPullRequest, startApi } from '../support/pull-request.ts';

const root = join(import.meta.dirname, '../..');
const work = mkdtempSync(join(tmpdir(), 'prunegate-lock-'));
const example = join(root, 'examples/mobilenet-v2');
const LOCK = join(work, 'prunegate.lock.json');
const MODEL = ['--dense', 'dense.onnx', '--spec', 'prune.yaml'];
const RIGHT = [...MODEL, '--pruned', 'pruned.onnx'];
const WRONG = [...MODEL, '--pruned', 'pruned-naive.onnx'];

beforeEach(() => cpSync(example, work, { recursive: true }));
afterEach(() => rmSync(LOCK, { force: true }));
afterAll(() => rmSync(work, { recursive: true, force: true }));

function prunegate(...args: readonly string[]) {
  return spawnSync(process.execPath, [join(root, 'dist/cli.cjs'), ...args], { cwd: work, encoding: 'utf8' });
}

function checked(...args: readonly string[]): { readonly status: number | null; readonly report: Report } {
  const run = prunegate('check', ...args, '--lock-file', 'prunegate.lock.json', '--format', 'json');
  return { status: run.status, report: JSON.parse(run.stdout) };
}

const edit = (change: (text: string) => string): void => writeFileSync(LOCK, change(readFileSync(LOCK, 'utf8')));
const lockFindings = ({ findings }: Report) => findings.filter(({ kind }) => kind === 'lock');

describe('prunegate lock', () => {
  it('writes what a model keeps, the same bytes each time, and check agrees', () => {
    expect(prunegate('lock', ...RIGHT)).toMatchObject({
      status: 0,
      stdout: 'prunegate.lock.json is written: 1 model, 14 layers\n  model is new\n',
    });
    const text = readFileSync(LOCK, 'utf8');
    expect(text).toContain('        "expanded_conv_project": { "filters": 16, "retained": "0-15" },\n');
    expect(prunegate('lock', ...RIGHT).stdout).toBe('prunegate.lock.json is up to date: 1 model, 14 layers\n');
    expect(readFileSync(LOCK, 'utf8')).toBe(text);
    expect(prunegate('lock', ...RIGHT, '--check').status).toBe(0);
    const { status, report } = checked(...RIGHT);
    expect({ status, verdict: report.verdict }).toEqual({ status: 0, verdict: 'conforms' });
    expect(report.lock).toMatchObject({ isAgreed: true, changed: { spec: false, weights: false }, differences: [] });
  });

  it('refuses a model that does not conform, and takes it where that is accepted', () => {
    const refused = prunegate('lock', ...WRONG);
    expect(refused.status).toBe(1);
    expect(refused.stdout).toContain('not locked: model does not conform (--accept locks what is kept all the same)');
    expect(existsSync(LOCK)).toBe(false);
    expect(prunegate('lock', ...WRONG, '--accept').status).toBe(0);
    expect(lockFindings(checked(...WRONG).report)).toEqual([]);
  });

  it('writes nothing with --check, and says what would change', () => {
    expect(prunegate('lock', ...RIGHT, '--check')).toMatchObject({
      status: 2,
      stderr: 'prunegate: prunegate.lock.json: does not exist: write it with prunegate lock\n',
    });
    prunegate('lock', ...RIGHT);
    const text = readFileSync(LOCK, 'utf8');
    const { status, stdout } = prunegate('lock', ...WRONG, '--accept', '--check');
    expect(status).toBe(1);
    expect(stdout).toContain('prunegate.lock.json is not what would be written');
    expect(stdout).toContain('model: 2 layers keep other filters\n    conv1: was agreed ');
    expect(readFileSync(LOCK, 'utf8')).toBe(text);
  });
});

describe('check with a lock', () => {
  beforeEach(() => {
    prunegate('lock', ...RIGHT);
  });

  it('diverges where the model keeps other filters than were agreed, on the lock’s line', () => {
    const { status, report } = checked(...RIGHT, '--overrides', 'prune.threshold=0.9');
    expect(status).toBe(1);
    expect(lockFindings(report)).toEqual([]);
    const pruned = prunegate('prune', ...MODEL, '--overrides', 'prune.threshold=0.9', '--out', 'other/pruned.onnx');
    expect(pruned.status).toBe(0);
    const other = checked(...MODEL, '--pruned', 'other/pruned.onnx', '--overrides', 'prune.threshold=0.9');
    expect(other.status).toBe(1);
    expect(other.report.totals.match).toBe(14);
    const [first] = lockFindings(other.report);
    expect(first).toMatchObject({
      verdict: 'mismatch',
      title: expect.stringMatching(/ other filters than were agreed$/),
      cause: 'The spec has changed since it was agreed; the dense weights have not.',
      place: { file: 'prunegate.lock.json', layer: 'block_2_expand' },
    });
    expect(first!.details[0]).toMatch(/^block_2_expand: was agreed \d.*, is now \d.* of \d+\.$/);
    expect(readFileSync(LOCK, 'utf8').split('\n')[first!.place.line! - 1]).toContain('"block_2_expand"');
  });

  it('names the lock where a model is cut by what it agreed to and not by the spec', () => {
    const { report } = checked(...RIGHT, '--overrides', 'prune.threshold=0.9');
    expect(report.findings[0]!.cause).toContain('those that prunegate.lock.json locks: was the spec changed');
  });

  it('says that the pruner changed where neither spec nor weights did', () => {
    const { report } = checked(...WRONG);
    expect(lockFindings(report).map(({ cause }) => cause)).toEqual([
      expect.stringContaining(
        'Neither the spec nor the dense weights have changed since it was agreed: the pruner has',
      ),
    ]);
  });

  it('is unverifiable where a model or a layer was not agreed', () => {
    edit((text) => text.replace(/ +"conv1": .*\n/, ''));
    expect(checked(...RIGHT)).toMatchObject({ status: 3, report: { verdict: 'unverifiable' } });
    expect(lockFindings(checked(...RIGHT).report)[0]!.title).toContain('conv1 is not agreed');
    edit((text) => text.replace('"model"', '"other"'));
    const { status, report } = checked(...RIGHT);
    expect(status).toBe(1);
    expect(lockFindings(report).map(({ title }) => title)).toEqual([
      'prunegate.lock.json agrees to other, which is none of the models',
      'this model is not agreed: prunegate.lock.json has no entry of it',
    ]);
  });

  it('diverges where the lock has a layer that the model does not have', () => {
    edit((text) => text.replace('"layers": {', '"layers": {\n        "gone": { "filters": 4, "retained": "0" },'));
    const { status, report } = checked(...RIGHT);
    expect(status).toBe(1);
    expect(lockFindings(report)[0]!.title).toBe(
      'prunegate.lock.json agrees to gone, which the dense model does not have',
    );
  });

  it('exits 2 with the line where it is damaged', () => {
    edit((text) => text.replace(/("conv1": .*"retained": )"[^"]*"/, '$1"7-3"'));
    const { status, stderr } = prunegate('check', ...RIGHT, '--lock-file', 'prunegate.lock.json');
    expect(status).toBe(2);
    expect(stderr).toMatch(
      /^prunegate: prunegate\.lock\.json:\d+: models\.model\.layers\.conv1\.retained: must ascend/,
    );
    expect(prunegate('check', ...RIGHT, '--lock-file', 'nope.json')).toMatchObject({ status: 2 });
  });

  it('only notes that weights or spec changed where no filter did', () => {
    edit((text) => text.replace(/("weights": )"[0-9a-f]+"/, `$1"${'0'.repeat(64)}"`));
    const { status, report } = checked(...RIGHT);
    expect(status).toBe(0);
    expect(report.notes).toContain(
      'Since prunegate.lock.json was agreed the dense weights changed; no retained filter did.',
    );
    expect(prunegate('lock', ...RIGHT, '--check').status).toBe(1);
  });
});

describe('a lock of several models', () => {
  const CONFIG = ['a', 'b'].map(
    (name) =>
      `  - {name: ${name}, dense: dense.onnx, pruned: pruned.onnx, spec: prune.yaml, lock: prunegate.lock.json}\n`,
  );
  const config = (...models: readonly string[]): void =>
    writeFileSync(join(work, 'two.yml'), `models:\n${models.join('')}`);

  it('holds them all; one alone is written without the others being lost, and one that is gone is left out', () => {
    config(...CONFIG);
    expect(prunegate('lock', '--config', 'two.yml').stdout).toContain('2 models, 28 layers');
    const text = readFileSync(LOCK, 'utf8');
    expect(prunegate('lock', '--config', 'two.yml', '--model', 'b').stdout).toContain('is up to date');
    expect(prunegate('check', '--config', 'two.yml').status).toBe(0);
    config(CONFIG[0]!);
    const { status, stdout } = prunegate('check', '--config', 'two.yml');
    expect(status).toBe(1);
    expect(stdout).toContain('prunegate.lock.json agrees to b, which is none of the models');
    expect(prunegate('lock', '--config', 'two.yml').stdout).toContain('  b is none of the models, and left out\n');
    config(...CONFIG);
    expect(prunegate('lock', '--config', 'two.yml').status).toBe(0);
    expect(readFileSync(LOCK, 'utf8')).toBe(text);
  });

  it('is written anew where a merge left its marks', () => {
    config(...CONFIG);
    prunegate('lock', '--config', 'two.yml');
    const text = readFileSync(LOCK, 'utf8');
    edit((own) => own.replace('    "a": {', '<<<<<<< HEAD\n    "a": {'));
    expect(prunegate('check', '--config', 'two.yml').stderr).toContain(':4: holds conflict markers');
    expect(prunegate('lock', '--config', 'two.yml', '--model', 'a').status).toBe(2);
    expect(prunegate('lock', '--config', 'two.yml').status).toBe(0);
    expect(readFileSync(LOCK, 'utf8')).toBe(text);
  });
});

describe('a pull request with a lock', () => {
  const open: GitHubApi[] = [];
  afterEach(async () => {
    const all = open.splice(0);
    for (const each of all) await each.close();
    expect(all.flatMap(({ violations }) => violations)).toEqual([]);
  });
  const CONFIG = 'dense: m/dense.onnx\nspec: m/prune.yaml\npruned: m/pruned.onnx\nlock: prunegate.lock.json\n';

  async function play(
    head: string,
    base: string | null,
    pruned = 'pruned.onnx',
  ): Promise<ActionRun & { readonly report: Report; readonly comment: string }> {
    const spec = readFileSync(join(example, 'prune.yaml'), 'utf8');
    const files = {
      'prunegate.yml': CONFIG,
      'm/prune.yaml': spec,
      ...(base === null ? {} : { 'prunegate.lock.json': base }),
    };
    const api = await startApi({ files: { [BASE]: files } });
    open.push(api);
    const run = await onPullRequest(api, {
      inputs: { policy: '', comment: 'always' },
      prepare: (workspace) => {
        writeFileSync(join(workspace, 'prunegate.yml'), CONFIG.replace('pruned.onnx', pruned));
        writeFileSync(join(workspace, 'prunegate.lock.json'), head);
      },
    });
    const path = run.outputs['report-json'];
    return {
      ...run,
      report: path ? JSON.parse(readFileSync(path, 'utf8')) : null,
      comment: api.comments[0]?.body ?? '',
    };
  }

  function locks(): { readonly right: string; readonly wrong: string } {
    prunegate('lock', ...RIGHT);
    const right = readFileSync(LOCK, 'utf8');
    prunegate('lock', ...WRONG, '--accept');
    return { right, wrong: readFileSync(LOCK, 'utf8') };
  }

  it('shows what was agreed and what it asks to agree to, and passes where the model keeps that', async () => {
    const { right, wrong } = locks();
    const run = await play(right, wrong);
    expect(run.status).toBe(0);
    expect(run.report.lock?.base).toMatchObject({ state: 'read', changes: [{ layer: 'conv1' }, {}] });
    for (const text of [run.comment, run.summary]) {
      expect(text).toContain('This pull request changes the **lock**.');
      expect(text).toContain('**To agree to:** prunegate.lock.json changes what is agreed of 2 layers.');
      expect(text).toMatch(/\| conv1 \| 16\u00a0of\u00a032: 0, .* \| 16\u00a0of\u00a032: .* \|/);
    }
  });

  it('fails, on the lock’s lines, where the model keeps other filters than it asks for', async () => {
    const { right } = locks();
    const run = await play(right, right, 'pruned-naive.onnx');
    expect(run.status).toBe(1);
    expect(run.report.lock).toMatchObject({ base: { state: 'read', changes: [] } });
    const line = right.split('\n').findIndex((text) => text.includes('"conv1"')) + 1;
    expect(run.log.annotations.map(({ file, line: at }) => [file, at])).toContainEqual(['prunegate.lock.json', line]);
    expect(run.comment).toContain('keep other filters than were agreed');
    expect(run.comment).not.toContain('To agree to');
  });

  it('says that nothing was agreed before, or that it is not known', async () => {
    const { right } = locks();
    expect((await play(right, null)).comment).toContain(
      'Nothing was agreed of model before: prunegate.lock.json asks to agree to 14 layers.',
    );
    expect((await play(right, '{"lockVersion": 1')).comment).toContain('is not known.');
  });
});
