import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import { describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '../..');
const runtime = join(root, 'node_modules/onnxruntime-node');
/** A folder with the bundles and the example and nothing else: no node_modules to fall back on. */
const work = mkdtempSync(join(tmpdir(), 'prunegate-e2e-'));
cpSync(join(root, 'dist'), join(work, 'dist'), { recursive: true });
cpSync(join(root, 'examples/mobilenet-v2'), join(work, 'm'), { recursive: true });
const validate = new Ajv({ strict: true, allowUnionTypes: true }).compile(
  JSON.parse(readFileSync(join(root, 'schemas/report.schema.json'), 'utf8')),
);

function start(bundle: string, args: readonly string[], env: Record<string, string> = {}) {
  // Nothing that was installed on this machine before may be found.
  const clean = { PATH: process.env['PATH'] ?? '', HOME: work, XDG_CACHE_HOME: join(work, 'cache'), ...env };
  const { status, stdout, stderr } = spawnSync(process.execPath, [join('dist', bundle), ...args], {
    cwd: work,
    encoding: 'utf8',
    env: clean,
  });
  return { status, stdout, stderr };
}

const PAIR = ['--dense', 'm/dense.onnx', '--pruned', 'm/pruned.onnx'];

describe('dist/cli.cjs run', () => {
  it('executes both models, says what pruning bought, and exits 0 where they compute the same', () => {
    const { status, stdout, stderr } = start('cli.cjs', ['run', ...PAIR, '--onnxruntime', runtime]);
    expect(status).toBe(0);
    expect(stderr).toMatch(
      /^executing both models with onnxruntime 1\.30\.0 on cpu, in up to about \d+ MB of memory\n$/,
    );
    expect(stdout).toMatch(/^executed on cpu by onnxruntime 1\.30\.0: equal; outputs and \d+ layer results are equal/m);
    expect(stdout).toContain('pruning: parameters -84%, multiply-accumulates -79%, bytes -69%\n');
    expect(stdout).toMatch(/^latency: [\d.]+ ms \([\d.]+ to [\d.]+\) dense, /m);
    expect(stdout).toMatch(
      /\nconforms: the pruned model computes what the dense one does with the same channels cut\n$/,
    );
  });

  it('prints a report that its schema allows', () => {
    const { status, stdout } = start('cli.cjs', ['run', ...PAIR, '--onnxruntime', runtime, '--format', 'json']);
    expect(status).toBe(0);
    const report = JSON.parse(stdout);
    expect(validate(report), JSON.stringify(validate.errors)).toBe(true);
    expect(report).toMatchObject({
      verdict: 'conforms',
      dialect: null,
      execution: { provider: 'cpu', verdict: 'equal' },
    });
  });

  it('exits 3 without onnxruntime and says how to get it: it never installs by itself', () => {
    const { status, stdout, stderr } = start('cli.cjs', ['run', ...PAIR]);
    expect(status).toBe(3);
    expect(stderr).toBe('');
    expect(stdout).toContain('unverifiable: the models were not executed');
    expect(stdout).toContain(
      'onnxruntime-node is not installed: install it with npm install onnxruntime-node, or name its folder with onnxruntime.',
    );
  });

  it('exits 2 where a file or a folder is not what it should be', () => {
    const wrong = (...args: string[]) => start('cli.cjs', ['run', ...PAIR, '--onnxruntime', runtime, ...args]);
    expect(wrong('--inputs', 'm/prune.yaml')).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('m/prune.yaml: is no .npy or .npz file and no picture'),
    });
    expect(wrong('--input-shapes', 'nobody=1x3x64x64')).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('has no such input'),
    });
    expect(start('cli.cjs', ['run', ...PAIR, '--onnxruntime', 'm'])).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('holds no onnxruntime-node package'),
    });
  });
});

describe('dist/cli.cjs check', () => {
  const check = (...args: string[]) => start('cli.cjs', ['check', ...PAIR, '--spec', 'm/prune.yaml', ...args]);

  it('executes nothing unless asked', () => {
    expect(check()).toMatchObject({ status: 0, stdout: expect.not.stringContaining('executed') });
    expect(check('--no-execute').status).toBe(0);
  });

  it('exits 3 with --execute where nothing can be executed, also where prunegate.yml asks for it', () => {
    const { status, stdout } = check('--execute');
    expect(status).toBe(3);
    expect(stdout).toContain('the models were not executed');
    expect(stdout).toContain('onnxruntime-node is not installed');
    writeFileSync(join(work, 'asks.yml'), 'execute: true\n');
    expect(check('--config', 'asks.yml').status).toBe(3);
    expect(check('--config', 'asks.yml', '--no-execute').status).toBe(0);
    expect(check('--execute', '--onnxruntime', runtime).status).toBe(0);
  });
});

describe('models that change while they are executed', () => {
  /** An onnxruntime-node that changes a file when it is to load a model, and then loads none. */
  function meddling(folder: string, path: string): string {
    const library = join(folder, 'bin/napi-v6', process.platform, process.arch);
    mkdirSync(library, { recursive: true });
    writeFileSync(join(library, 'onnxruntime_binding.node'), '');
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'onnxruntime-node', version: '1.30.0' }));
    writeFileSync(
      join(folder, 'index.js'),
      `exports.env = {};
       exports.Tensor = class {};
       exports.InferenceSession = { create: async () => {
         require('node:fs').appendFileSync(${JSON.stringify(path)}, 'x');
         throw new Error('no');
       } };`,
    );
    return folder;
  }

  it.each(['dense', 'pruned'])('leave no verdict: %s', (side) => {
    const folder = mkdtempSync(join(work, 'meddled-'));
    cpSync(join(work, 'm'), join(folder, 'm'), { recursive: true });
    const path = (name: string) => join(folder, 'm', `${name}.onnx`);
    const models = ['--dense', path('dense'), '--pruned', path('pruned')];
    const run = start('cli.cjs', ['run', ...models, '--onnxruntime', meddling(join(folder, 'ort'), path(side))]);
    expect(run).toMatchObject({ status: 2, stdout: '' });
    expect(run.stderr).toContain(`${path(side)}: was changed while it was checked; write it once, then check it`);
  });
});

describe('dist/index.cjs', () => {
  function action(inputs: Record<string, string>, env: Record<string, string> = {}) {
    const job = mkdtempSync(join(work, 'job-'));
    mkdirSync(join(job, 'temp'));
    for (const file of ['output', 'summary']) writeFileSync(join(job, file), '');
    const given = Object.entries({ dense: 'm/dense.onnx', pruned: 'm/pruned.onnx', spec: 'm/prune.yaml', ...inputs });
    const result = start('index.cjs', [], {
      GITHUB_OUTPUT: join(job, 'output'),
      GITHUB_STEP_SUMMARY: join(job, 'summary'),
      RUNNER_TEMP: join(job, 'temp'),
      RUNNER_TOOL_CACHE: join(job, 'tools'),
      ...Object.fromEntries(given.map(([name, value]) => [`INPUT_${name.toUpperCase()}`, value])),
      ...env,
    });
    return { ...result, summary: readFileSync(join(job, 'summary'), 'utf8') };
  }

  it('executes both models by default, and tells so in the summary', () => {
    const { status, stdout, summary } = action({ onnxruntime: runtime });
    expect(status).toBe(0);
    expect(stdout).toContain('executed on cpu by onnxruntime 1.30.0: equal');
    expect(summary).toContain('executed on cpu by onnxruntime 1.30.0: equal');
  });

  it('fails where a gate is not passed, with numbers in the annotation', () => {
    const { status, stdout } = action({ onnxruntime: runtime, 'min-mac-reduction': '0.99' });
    expect(status).toBe(1);
    // An input stands in no file of the repository, so that there is no line to point at.
    expect(stdout).toMatch(
      /^::error .*pruning saves 78\.62%25 of the multiply-accumulates%2C less than min-mac-reduction asks for%2C 99%25::/m,
    );
  });

  it('offline, keeps the verdict on the weights and says why nothing was executed, unless it was asked for', () => {
    const { status, stdout } = action(
      {},
      { npm_config_registry: 'http://127.0.0.1:9/', npm_config_fetch_retries: '0' },
    );
    expect(status).toBe(0);
    expect(stdout).toContain('conforms: 14 layers keep the filters that the spec asks for');
    expect(stdout).toMatch(
      /^note: The models were not executed: npm cannot install onnxruntime-node 1\.30\.0: .*ECONNREFUSED/m,
    );
    const offline = { npm_config_registry: 'http://127.0.0.1:9/', npm_config_fetch_retries: '0' };
    const asked = action({ execute: 'true' }, offline);
    expect(asked.status).toBe(1);
    expect(asked.stdout).toContain('unverifiable: the models were not executed');
    expect(action({ execute: 'false' }, offline)).toMatchObject({
      status: 0,
      stdout: expect.not.stringContaining('executed'),
    });
  });
});
