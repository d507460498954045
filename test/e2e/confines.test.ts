import { spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { ActionRun } from '../support/action.ts';
import { payload } from '../support/events.ts';
import type { GitHubApi } from '../support/github-api.ts';
import { onPullRequest, PULL_REQUEST, RIGHT, startApi } from '../support/pull-request.ts';

const FORK = payload(
  'pull_request',
  { 'pull_request.head.repo.full_name': 'mallory/Hello-World' },
  ({ action }) => action === 'synchronize',
);
const MODEL = 'dense: m/dense.onnx\nspec: m/prune.yaml\npruned: m/pruned.onnx\nexecute: false\n';
const SECRET = 'hunter2';
const root = join(import.meta.dirname, '../..');
const example = join(root, 'examples/mobilenet-v2');

const open: GitHubApi[] = [];
afterEach(async () => {
  for (const each of open.splice(0)) await each.close();
});

interface Attack {
  /** What prunegate.yml of the pull request says beside the model; in it, OUT is a folder of the runner's outside the workspace. */
  readonly config?: string;
  readonly inputs?: Readonly<Record<string, string>>;
  /** Fills the workspace. */
  readonly prepare?: (workspace: string, out: string) => void;
  readonly event?: unknown;
  readonly env?: Readonly<Record<string, string>>;
}

interface Played extends ActionRun {
  readonly out: string;
  /** Everything that was printed or published. */
  readonly published: string;
}

async function play({ config = MODEL, inputs = {}, prepare, event = FORK, env = {} }: Attack): Promise<Played> {
  const out = mkdtempSync(join(tmpdir(), 'prunegate-outside-'));
  writeFileSync(join(out, '.npmrc'), `//registry/:_authToken=${SECRET}\nthreshold: ${SECRET}\n`);
  writeFileSync(join(out, 'keys.yml'), `prune: {threshold: ${SECRET}, ${SECRET}: 1}\n`);
  for (const file of ['dense.onnx', 'prune.yaml']) cpSync(join(example, file), join(out, file));
  const api = await startApi();
  open.push(api);
  const run = await onPullRequest(api, {
    inputs: { comment: 'always', ...inputs },
    event,
    env: { RUNNER_ENVIRONMENT: 'self-hosted', HOME: out, ...env },
    prepare: (workspace) => {
      writeFileSync(join(workspace, 'prunegate.yml'), config.replaceAll('OUT', out));
      prepare?.(workspace, out);
    },
  });
  const published = [run.stdout, run.stderr, run.summary, ...api.comments.map(({ body }) => body)].join('\n');
  return { ...run, out, published };
}

const errors = ({ log }: ActionRun): readonly string[] =>
  log.annotations.filter(({ level }) => level === 'error').map(({ message }) => message);

/** A file of the workspace that leads out of it. */
const linked = (file: string, target: string) => (workspace: string, out: string) => {
  rmSync(join(workspace, file), { recursive: true, force: true });
  mkdirSync(join(workspace, file, '..'), { recursive: true });
  symlinkSync(join(out, target), join(workspace, file));
};

describe("a pull request's prunegate.yml", () => {
  it.each<[string, string]>([
    ['dense', MODEL.replace('m/dense.onnx', 'OUT/dense.onnx')],
    ['dense', MODEL.replace('m/dense.onnx', '/proc/self/cwd/m/../../dense.onnx')],
    ['spec', MODEL.replace('m/prune.yaml', 'OUT/prune.yaml')],
    ['spec', MODEL.replace('m/prune.yaml', '../outside.yaml')],
    ['reported', `${MODEL}reported: OUT/.npmrc\n`],
    ['inputs', `${MODEL}inputs: [m/x.npy, OUT/.npmrc]\n`],
    ['dense-folded', `${MODEL}dense-folded: OUT/dense.onnx\n`],
  ])('names no file outside of the workspace: %s', async (key, config) => {
    for (const event of [FORK, PULL_REQUEST]) {
      const run = await play({ config, event });
      expect(run.status).toBe(1);
      expect(run.outputs).toMatchObject({ verdict: '', conclusion: 'failure' });
      expect(errors(run)).toHaveLength(1);
      if (!config.includes('../outside'))
        expect(errors(run)[0]).toContain(`only the workflow can name it, by input ${key}`);
      expect(run.published).not.toContain(SECRET);
    }
  });

  it.each<[string, string, string]>([
    ['prunegate.yml', '.npmrc', MODEL],
    ['prunegate.yml', 'keys.yml', MODEL],
    ['m/prune.yaml', '.npmrc', MODEL],
    ['m/prune.yaml', 'keys.yml', MODEL],
    ['retained.log', '.npmrc', `${MODEL}reported: retained.log\n`],
    ['specs/prune.yaml', 'keys.yml', MODEL.replace('m/prune.yaml', 'specs/prune.yaml')],
  ])('does not have another file quoted by a link in the place of %s to %s', async (file, target, config) => {
    for (const event of [FORK, PULL_REQUEST]) {
      const run = await play({ config, event, prepare: linked(file, target) });
      expect(run.status).toBe(1);
      expect(errors(run)).toEqual([expect.stringMatching(/outside of the workspace|out of the workspace by a link/)]);
      expect(run.published).not.toContain(SECRET);
    }
  });

  it("does not have another's model read by a link of a fork's, though the workflow names the place", async () => {
    const inputs = { ...RIGHT, execute: 'false' };
    const run = await play({ config: '{}\n', inputs, prepare: linked('m/dense.onnx', 'dense.onnx') });
    expect(run.status).toBe(1);
    expect(errors(run)).toEqual([expect.stringContaining('out of the workspace by a link')]);
    const own = await play({
      config: '{}\n',
      inputs,
      prepare: linked('m/dense.onnx', 'dense.onnx'),
      event: PULL_REQUEST,
    });
    expect(own.status).toBe(0);
  });

  it.each<[string, string, Attack['prepare']?]>([
    ['by its path', `${MODEL}report-dir: OUT/r\n`],
    ['by a path up', `${MODEL}report-dir: ../r\n`],
    ['by a link', `${MODEL}report-dir: r\n`, linked('r', '.')],
    ['by a link below', `${MODEL}report-dir: r\n`, linked('r/model', '.')],
    ['by a link to nowhere', `${MODEL}report-dir: r\n`, linked('r', 'nowhere')],
    ['of a model, too', `${MODEL.replace(/pruned:.*\n/, '')}report-dir: r\n`, linked('r/model', '.')],
  ])('has nothing written outside of the workspace %s', async (_, config, prepare) => {
    const run = await play({ config, ...(prepare === undefined ? {} : { prepare }) });
    expect(run.status).toBe(1);
    expect(errors(run)).toEqual([expect.stringContaining('nothing is written there')]);
    expect(readdirSync(run.out).sort()).toEqual(['.npmrc', 'dense.onnx', 'keys.yml', 'prune.yaml']);
    expect(existsSync(join(run.workspace, '../r'))).toBe(false);
  });

  it('does not have a file overwritten by a link in the place of a report', async () => {
    const run = await play({ config: `${MODEL}report-dir: r\n`, prepare: linked('r/model/report.json', '.npmrc') });
    expect(run.status).toBe(0);
    expect(readFileSync(join(run.out, '.npmrc'), 'utf8')).toContain(SECRET);
    expect(readFileSync(join(run.workspace, 'r/model/report.json'), 'utf8')).toContain('"conforms"');
  });

  it.each(['./evil', '/proc/self/cwd/evil', 'OUT/link', 'm/../evil'])(
    'names no code to execute models with: %s',
    async (path) => {
      const run = await play({
        config: `${MODEL.replace('execute: false', 'execute: true')}onnxruntime: ${path}\n`,
        inputs: { execute: '' },
        event: PULL_REQUEST,
        prepare: (workspace, out) => {
          const native = join(workspace, `evil/bin/napi-v6/${process.platform}/${process.arch}`);
          mkdirSync(native, { recursive: true });
          writeFileSync(join(native, 'onnxruntime_binding.node'), '');
          writeFileSync(
            join(workspace, 'evil/package.json'),
            '{"name":"onnxruntime-node","version":"1.30.0","main":"i.js"}',
          );
          writeFileSync(
            join(workspace, 'evil/i.js'),
            `require('fs').writeFileSync(${JSON.stringify(join(out, 'pwned'))}, '')`,
          );
          symlinkSync(join(workspace, 'evil'), join(out, 'link'));
        },
      });
      expect(run.status).toBe(1);
      expect(errors(run)).toEqual([expect.stringContaining('only the workflow can name it, by input onnxruntime')]);
      expect(existsSync(join(run.out, 'pwned'))).toBe(false);
    },
  );

  it.each([
    'policy: none',
    'allow-untrusted-commands: true',
    'pass-env: [GITHUB_TOKEN]',
    'github-token: x',
    'working-directory: /',
  ])('sets nothing that is the workflow’s alone: %s', async (line) => {
    const run = await play({ config: `${MODEL}${line}\n` });
    expect(run.status).toBe(1);
    expect(errors(run)).toEqual([expect.stringContaining('is no known key')]);
  });
});

/** A spec of Torch-Pruning that names a file of scores. */
const scored = (file: string): string =>
  JSON.stringify({
    dialect: 'torch-pruning',
    prune: { importance: { type: 'TaylorImportance' }, pruning_ratio: 0.5, scores: file },
  });

describe("a pull request's spec", () => {
  it.each<[string, string, Attack['prepare']?]>([
    ['by its path', 'OUT/.npmrc'],
    ['by a path up', '../../outside.npz'],
    ['by a link', 'scores.npz', linked('m/scores.npz', '.npmrc')],
  ])('names no file outside of the workspace %s', async (_, file, prepare) => {
    for (const isInline of [false, true]) {
      const written = (workspace: string, out: string): void => {
        prepare?.(workspace, out);
        const spec = scored(isInline ? file.replace('scores', 'm/scores') : file).replace('OUT', out);
        writeFileSync(join(workspace, 'm/scored.yaml'), spec);
        if (isInline) writeFileSync(join(workspace, 'prunegate.yml'), `${MODEL.replace('m/prune.yaml', spec)}`);
      };
      const config = MODEL.replace('m/prune.yaml', 'm/scored.yaml');
      const run = await play({ config, prepare: written, event: PULL_REQUEST });
      expect(run.status).toBe(1);
      expect(errors(run)).toEqual([expect.stringContaining('which lies outside of the workspace, or behind a link')]);
      expect(run.published).not.toContain(SECRET);
    }
  });
});

describe('one model of several', () => {
  it.each(['OUT/r', '../r'])('has no page written outside of the workspace: %s', async (folder) => {
    const models = ['a', 'b']
      .map((name) => `  - {name: ${name}, ${MODEL.split('\n').slice(0, 3).join(', ')}}\n`)
      .join('');
    const run = await play({ config: `execute: false\nreport-dir: ${folder}\nmodels:\n${models}` });
    expect(run.status).toBe(1);
    expect(errors(run)).toEqual([expect.stringContaining('nothing is written there')]);
    expect([existsSync(join(run.out, 'r')), existsSync(join(run.workspace, '../r'))]).toEqual([false, false]);
  });

  it('is quoted no more than one alone', async () => {
    const models = ['a', 'b']
      .map((name) => `  - {name: ${name}, ${MODEL.split('\n').slice(0, 3).join(', ')}}\n`)
      .join('');
    const config = `execute: false\nmodels:\n${models.replace('m/prune.yaml', 'keys.yml')}`;
    const run = await play({ config, prepare: linked('keys.yml', 'keys.yml') });
    expect(run.status).toBe(1);
    expect(run.published).not.toContain(SECRET);
  });
});

describe('the command line on a runner', () => {
  /** In a step of a workflow on a fork's pull request, as `run: npx prunegate ...`. */
  function command(
    args: readonly string[],
    config: string,
    prepare?: Attack['prepare'],
    event: unknown = FORK,
    name = 'pull_request',
  ) {
    const folder = mkdtempSync(join(tmpdir(), 'prunegate-step-'));
    const [workspace, out] = [join(folder, 'work'), join(folder, 'out')];
    for (const each of [workspace, out]) mkdirSync(each);
    cpSync(example, join(workspace, 'm'), { recursive: true });
    cpSync(join(example, 'dense.onnx'), join(out, 'dense.onnx'));
    writeFileSync(join(out, 'keys.yml'), `prune: {threshold: ${SECRET}, ${SECRET}: 1}\n`);
    writeFileSync(join(folder, 'event.json'), JSON.stringify(event));
    writeFileSync(join(workspace, 'prunegate.yml'), config.replaceAll('OUT', out));
    prepare?.(workspace, out);
    const { status, stdout, stderr } = spawnSync(process.execPath, [join(root, 'dist/cli.cjs'), ...args], {
      cwd: workspace,
      encoding: 'utf8',
      env: {
        PATH: process.env['PATH'] ?? '',
        GITHUB_ACTIONS: 'true',
        GITHUB_EVENT_NAME: name,
        GITHUB_EVENT_PATH: join(folder, 'event.json'),
        GITHUB_REPOSITORY: 'Codertocat/Hello-World',
        GITHUB_WORKSPACE: workspace,
        RUNNER_ENVIRONMENT: 'self-hosted',
      },
    });
    return { status, stdout, stderr, workspace, out };
  }

  const onlyOne = MODEL.replace('execute: false\n', '');
  it.each<[string, readonly string[], string, Attack['prepare']?]>([
    ['dense', ['check'], onlyOne.replace('m/dense.onnx', 'OUT/dense.onnx')],
    ['dense', ['expect'], onlyOne.replace('m/dense.onnx', 'OUT/dense.onnx')],
    ['dense', ['recover'], onlyOne.replace('m/dense.onnx', 'OUT/dense.onnx')],
    ['dense', ['explain'], onlyOne.replace('m/dense.onnx', 'OUT/dense.onnx')],
    ['dense', ['prune', '--out', 'cut.onnx'], onlyOne.replace('m/dense.onnx', 'OUT/dense.onnx')],
    ['onnxruntime', ['check', '--execute'], `${onlyOne}onnxruntime: m\n`],
    ['report-dir', ['check'], `${onlyOne}report-dir: OUT/r\n`],
    ['a linked spec', ['check'], onlyOne.replace('m/prune.yaml', 's.yml'), linked('s.yml', 'keys.yml')],
    ['scores', ['expect'], onlyOne.replace('m/prune.yaml', scored('OUT/keys.yml'))],
  ])('reaches no further: %s of %j', (_, args, config, prepare) => {
    const { status, stdout, stderr, workspace, out } = command(args, config, prepare);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toMatch(/^prunegate: [^\n]*(outside|out) of the workspace|is code[^\n]*\n$/);
    expect(stderr).not.toContain(SECRET);
    expect([existsSync(join(out, 'r')), existsSync(join(workspace, 'cut.onnx'))]).toEqual([false, false]);
  });

  it("loads no onnxruntime of a fork's", () => {
    const { status, out } = command(['check', '--execute'], onlyOne, (workspace, out) => {
      const folder = join(workspace, 'node_modules/onnxruntime-node');
      mkdirSync(join(folder, `bin/napi-v6/${process.platform}/${process.arch}`), { recursive: true });
      writeFileSync(join(folder, `bin/napi-v6/${process.platform}/${process.arch}/onnxruntime_binding.node`), '');
      writeFileSync(join(folder, 'package.json'), '{"name":"onnxruntime-node","version":"1.30.0","main":"i.js"}');
      writeFileSync(join(folder, 'i.js'), `require('fs').writeFileSync(${JSON.stringify(join(out, 'pwned'))}, '')`);
    });
    expect([0, 3]).toContain(status);
    expect(existsSync(join(out, 'pwned'))).toBe(false);
  });

  it('may reach anywhere by its flags, and on code that is merged', () => {
    const flags = ['expect', '--spec', 'm/prune.yaml'];
    const other = command(flags, '{}\n');
    const dense = join(other.out, 'dense.onnx');
    expect(command([...flags, '--dense', dense], '{}\n').status).toBe(0);
    const merged = onlyOne.replace('m/dense.onnx', 'OUT/dense.onnx');
    expect(command(['expect'], merged).status).toBe(2);
    expect(command(['expect'], merged, undefined, payload('push'), 'push').status).toBe(0);
  });
});

describe('what the workflow names', () => {
  it('may lie anywhere, and so may what is merged', async () => {
    const inputs = {
      ...RIGHT,
      execute: 'false',
      'report-dir': join(mkdtempSync(join(tmpdir(), 'prunegate-reports-')), 'r'),
    };
    const outside = mkdtempSync(join(tmpdir(), 'prunegate-models-'));
    cpSync(join(example, 'dense.onnx'), join(outside, 'dense.onnx'));
    const run = await play({ config: '{}\n', inputs: { ...inputs, dense: join(outside, 'dense.onnx') } });
    expect([run.status, run.outputs['report-json']]).toEqual([0, join(inputs['report-dir'], 'model/report.json')]);
    const push = await play({
      config: MODEL.replace('m/dense.onnx', join(outside, 'dense.onnx')),
      event: payload('push'),
      env: { GITHUB_EVENT_NAME: 'push' },
    });
    expect(push.status).toBe(0);
  });
});
