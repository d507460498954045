import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startAction } from '../support/action.ts';

const root = join(import.meta.dirname, '../..');
const work = mkdtempSync(join(tmpdir(), 'prunegate-lanes-'));
afterAll(() => rmSync(work, { recursive: true, force: true }));

const COUNT = 14;
/** No model, and so large that two are taken at a time. */
const BROKEN = 2;
const MADE = 7;
const names = Array.from({ length: COUNT }, (_, k) => `m${k}`);
const isNaive = (k: number): boolean => k % 7 === 3;

/** One is broken, and one is made by a command, which the next one reads too. */
function config(command: string): string {
  const lines = names.map((name, k) => {
    const pruned = k === MADE || k === MADE + 1 ? 'made.onnx' : isNaive(k) ? 'm/pruned-naive.onnx' : 'm/pruned.onnx';
    const dense = k === BROKEN ? 'broken.onnx' : 'm/dense.onnx';
    const prune = k === MADE ? `, prune: { run: ${command} }` : '';
    return `  - { name: ${name}, dense: ${dense}, pruned: ${pruned}, spec: m/prune.yaml${prune} }`;
  });
  return `models:\n${lines.join('\n')}\n`;
}

/** Programs of the threads that are started, a line each. */
const STARTED = join(work, 'started.txt');
const HOOK = join(work, 'hook.cjs');
/** Allows so many threads and no more. */
const allowing = (count: number): string => join(work, `allowing-${count}.cjs`);
/** Has threads that never say anything, and do not keep their process. */
const DEAF = join(work, 'deaf.cjs');

beforeAll(() => {
  cpSync(join(root, 'examples/mobilenet-v2'), join(work, 'm'), { recursive: true });
  writeFileSync(join(work, 'prunegate.yml'), config('cp m/pruned.onnx made.onnx'));
  // Takes no room on the disk.
  writeFileSync(join(work, 'broken.onnx'), '');
  truncateSync(join(work, 'broken.onnx'), 1e9);
  writeFileSync(
    HOOK,
    `const threads = require('node:worker_threads');
     const { Worker } = threads;
     threads.Worker = class extends Worker {
       constructor(program, options) {
         super(program, options);
         require('node:fs').appendFileSync(${JSON.stringify(STARTED)}, require('node:path').basename(program) + '\\n');
       }
     };`,
  );
  for (const count of [0, 1])
    writeFileSync(
      allowing(count),
      `require(${JSON.stringify(HOOK)});
       const threads = require('node:worker_threads');
       const { Worker } = threads;
       let left = ${count};
       threads.Worker = class extends Worker {
         constructor(...args) {
           if (left-- <= 0) throw Object.assign(new Error('EAGAIN'), { code: 'ERR_WORKER_INIT_FAILED' });
           super(...args);
         }
       };`,
    );
  writeFileSync(
    DEAF,
    `require('node:worker_threads').Worker = class extends require('node:events') {
       postMessage() {}
       async terminate() {}
     };`,
  );
});

function prunegate(args: readonly string[], dist = join(root, 'dist'), hook = HOOK) {
  rmSync(join(work, 'made.onnx'), { force: true });
  rmSync(STARTED, { force: true });
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['--require', hook, join(dist, 'cli.cjs'), 'check', ...args],
    { cwd: work, encoding: 'utf8', maxBuffer: 1e8 },
  );
  const threads = existsSync(STARTED) ? readFileSync(STARTED, 'utf8').trim().split('\n') : [];
  return { status, stdout, stderr, threads };
}

describe.skipIf(availableParallelism() < 2)('many models, two at a time', () => {
  it('are reported as each is alone, in the order of prunegate.yml', () => {
    const { status, stdout, stderr, threads } = prunegate(['--format', 'json']);
    expect(status).toBe(2);
    expect(threads).toEqual(['lane.cjs', 'lane.cjs']);
    const alone = Object.fromEntries(
      ['m0', 'm3'].map((name) => [name, JSON.parse(prunegate(['--model', name, '--format', 'json']).stdout)]),
    );
    const { reports, errors } = JSON.parse(stdout);
    const rest = names.filter((_, k) => k !== BROKEN);
    expect(reports.map(({ model }: { model: string }) => model)).toEqual(rest);
    expect(errors).toEqual([{ model: `m${BROKEN}`, message: expect.stringContaining('broken.onnx: is not') }]);
    for (const report of reports) {
      const k = names.indexOf(report.model);
      if (k === MADE || k === MADE + 1) expect(report).toMatchObject({ verdict: 'conforms' });
      else expect(report).toEqual({ ...alone[isNaive(k) ? 'm3' : 'm0'], model: report.model });
    }
    const said = stderr.split('\n').filter((line) => /^model \d+ of \d+: /.test(line));
    expect(said).toEqual(names.map((name, k) => `model ${k + 1} of ${COUNT}: ${name}`));
  });

  it('are one at a time where few are small', () => {
    writeFileSync(
      join(work, 'few.yml'),
      config('true')
        .split('\n')
        .toSpliced(BROKEN + 1, 1)
        .slice(0, MADE)
        .join('\n'),
    );
    expect(prunegate(['--config', 'few.yml'])).toMatchObject({ status: 1, threads: [] });
  });

  it.each([
    ['fails', "throw new Error('out of order');", 'out of order'],
    ['ends without a word', '', 'has ended before its model'],
  ])('end with exit 4 where a thread %s', (_, program, said) => {
    const dist = join(work, 'dist');
    cpSync(join(root, 'dist'), dist, { recursive: true });
    writeFileSync(join(dist, 'lane.cjs'), program);
    const { status, stdout, stderr } = prunegate([], dist);
    expect({ status, stdout }).toEqual({ status: 4, stdout: '' });
    expect(stderr).toContain(said);
  });

  it('are the same where one thread, or none, may start', () => {
    const found = (hook: string) => {
      const { threads, status, stdout } = prunegate(['--format', 'json'], join(root, 'dist'), hook);
      return { threads: threads.length, status, stdout: stdout.replace(/"seconds": [\d.]+/g, '') };
    };
    const usual = found(HOOK);
    expect(usual.threads).toBe(2);
    for (const threads of [0, 1]) expect(found(allowing(threads))).toEqual({ ...usual, threads });
  });

  it('end with exit 4 where nothing is left that could answer', () => {
    const { status, stdout, stderr } = prunegate([], join(root, 'dist'), DEAF);
    expect({ status, stdout }).toEqual({ status: 4, stdout: '' });
    expect(stderr).toContain('it ended without a result');
  });

  it('end with Ctrl-C', async () => {
    const child = spawn(process.execPath, [join(root, 'dist/cli.cjs'), 'check'], {
      cwd: work,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    await once(child.stderr, 'data');
    child.kill('SIGINT');
    expect(await once(child, 'exit')).toEqual([null, 'SIGINT']);
  });

  const acted = (env: Readonly<Record<string, string>> = {}) =>
    startAction({
      inputs: { execute: 'false', 'allow-untrusted-commands': 'true' },
      env,
      prepare: (workspace) => {
        cpSync(join(work, 'm'), join(workspace, 'm'), { recursive: true });
        writeFileSync(join(workspace, 'broken.onnx'), '');
        truncateSync(join(workspace, 'broken.onnx'), 1e9);
        writeFileSync(join(workspace, 'prunegate.yml'), config('cp m/pruned.onnx made.onnx'));
      },
    }).ended;

  it('fail the action where nothing is left that could answer', async () => {
    const { status, outputs } = await acted({ NODE_OPTIONS: `--require ${DEAF}` });
    expect({ status, outputs }).toMatchObject({ status: 1, outputs: { conclusion: 'failure' } });
  });

  it('are written and shown by the action in their order', async () => {
    const { status, outputs, stdout } = await acted();
    expect(status).toBe(1);
    const rest = names.filter((_, k) => k !== BROKEN);
    const inOrder = outputs['report-json']!.split('\n').map((path) => path.split(/[\\/]/).at(-2));
    expect(inOrder).toEqual(rest);
    const groups = [...stdout.matchAll(/^::group::(m\d+): /gm)].map(([, name]) => name);
    expect(groups).toEqual(rest);
  });
});
