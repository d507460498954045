import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '../..');

interface Run {
  readonly status: number | null;
  readonly stdout: string;
  readonly outputs: Readonly<Record<string, string>>;
  readonly summary: string;
}

/** Runs dist/index.cjs as the runner does: inputs in INPUT_*, files for outputs and summary, no node_modules. */
function action(
  inputs: Record<string, string>,
  prepare: (folder: string) => void = () => {},
  env: Record<string, string> = {},
): Run {
  const work = mkdtempSync(join(tmpdir(), 'prunegate-action-'));
  cpSync(join(root, 'dist'), work, { recursive: true });
  cpSync(join(root, 'examples/mobilenet-v2'), join(work, 'm'), { recursive: true });
  mkdirSync(join(work, 'temp'));
  writeFileSync(join(work, 'output'), '');
  writeFileSync(join(work, 'summary'), '');
  prepare(work);
  const { status, stdout } = spawnSync(process.execPath, ['index.cjs'], {
    cwd: work,
    encoding: 'utf8',
    env: {
      PATH: process.env['PATH'] ?? '',
      GITHUB_OUTPUT: join(work, 'output'),
      GITHUB_STEP_SUMMARY: join(work, 'summary'),
      RUNNER_TEMP: join(work, 'temp'),
      INPUT_EXECUTE: 'false',
      ...Object.fromEntries(
        Object.entries(inputs).map(([name, value]) => [`INPUT_${name.replace(/ /g, '_').toUpperCase()}`, value]),
      ),
      ...env,
    },
  });
  return {
    status,
    stdout,
    outputs: outputsIn(readFileSync(join(work, 'output'), 'utf8')),
    summary: readFileSync(join(work, 'summary'), 'utf8'),
  };
}

/** The file command's format: `name<<delimiter`, the value's lines, the delimiter. */
function outputsIn(text: string): Record<string, string> {
  const outputs: Record<string, string> = {};
  for (const [, name, , value] of text.matchAll(/^([\w-]+)<<(\S+)\n([\s\S]*?)\n\2$/gm)) outputs[name!] = value!;
  return outputs;
}

const RIGHT = { dense: 'm/dense.onnx', pruned: 'm/pruned.onnx', spec: 'm/prune.yaml' };
const WRONG = { ...RIGHT, pruned: 'm/pruned-naive.onnx' };
const commands = (stdout: string, name: string): string[] =>
  stdout.split('\n').filter((line) => line.startsWith(`::${name}`));

describe('dist/index.cjs', () => {
  it('passes where the model conforms, with outputs, summary and no annotation', () => {
    const { status, stdout, outputs, summary } = action(RIGHT);
    expect(status).toBe(0);
    expect(outputs).toMatchObject({
      verdict: 'conforms',
      conclusion: 'success',
      'mismatched-layers': '[]',
      matched: '14',
      mismatched: '0',
      ambiguous: '0',
      unverifiable: '0',
    });
    expect(JSON.parse(readFileSync(outputs['report-json']!, 'utf8')).verdict).toBe('conforms');
    expect(outputs['report-html']).toBe(outputs['report-json']!.replace(/json$/, 'html'));
    expect(readFileSync(outputs['report-html']!, 'utf8')).toContain('<title>model: conforms · prunegate</title>');
    expect(summary).toContain('prunegate: model conforms');
    expect(commands(stdout, 'error')).toEqual([]);
  });

  it('keeps the reports of two steps of one job apart', () => {
    const temp = mkdtempSync(join(tmpdir(), 'prunegate-job-'));
    const step = (inputs: Record<string, string>, id: string) =>
      action(inputs, undefined, { RUNNER_TEMP: temp, GITHUB_ACTION: id }).outputs['report-json']!;
    const [right, wrong] = [step(RIGHT, '__run'), step(WRONG, '__run_2')];
    expect([right, wrong].map((path) => JSON.parse(readFileSync(path, 'utf8')).verdict)).toEqual([
      'conforms',
      'diverges',
    ]);
    expect(step(RIGHT, '../../x').startsWith(join(temp, 'prunegate'))).toBe(true);
  });

  it('fails where it diverges: headline first, then one error for the equalization group, on the line of the threshold', () => {
    const { status, stdout, outputs, summary } = action(WRONG);
    expect(status).toBe(1);
    expect(outputs).toMatchObject({
      verdict: 'diverges',
      conclusion: 'failure',
      'mismatched-layers': '["conv1","expanded_conv_depthwise"]',
      mismatched: '2',
    });
    const errors = commands(stdout, 'error');
    expect(errors).toHaveLength(2);
    expect(errors[0]).toMatch(/^::error title=prunegate%3A model diverges::2 of 14 layers diverge/);
    expect(errors[1]).toMatch(
      /^::error title=prunegate%3A conv1 and expanded_conv_depthwise kept the wrong 3 of 16 filters,file=m\/prune\.yaml,line=6::Expected 3, 19, 22; found 0, 15, 27/,
    );
    expect(summary).toContain(
      '| ❌\u00a0conv1 | ████░░░░\u00a016\u00a0of\u00a032 | threshold, after union | missing 3, 19, 22<br>unexpected 0, 15, 27 |',
    );
  });

  it('annotates at most ten times, however many layers diverge', () => {
    const { stdout } = action({ ...WRONG, overrides: 'prune.threshold=0.2' });
    const errors = commands(stdout, 'error');
    expect(errors.length).toBeGreaterThan(3);
    expect(errors.length).toBeLessThanOrEqual(10);
    expect(errors[0]).toContain('model diverges');
  });

  it('warns and passes with warn-only, and keeps the verdict', () => {
    const { status, stdout, outputs } = action({ ...WRONG, 'warn-only': 'true' });
    expect(status).toBe(0);
    expect(outputs).toMatchObject({ verdict: 'diverges', conclusion: 'neutral' });
    expect(commands(stdout, 'error')).toEqual([]);
    expect(commands(stdout, 'warning')).toHaveLength(2);
  });

  it('does not annotate when told not to, and still fails', () => {
    const { status, stdout } = action({ ...WRONG, annotations: 'false' });
    expect(status).toBe(1);
    expect(commands(stdout, 'error')).toEqual([]);
  });

  it.each([
    [{ ...RIGHT, dense: 'gone.onnx' }, 'gone.onnx: does not exist'],
    [{ ...RIGHT, 'warn-only': 'yes' }, 'input warn-only'],
    [{ ...RIGHT, 'fail-on': 'mismatches' }, 'input fail-on'],
    [{ pruned: 'm/pruned.onnx' }, 'input dense: is required'],
    [{ ...RIGHT, 'report-dir': 'm/prune.yaml' }, 'cannot be written'],
  ])('fails with one error that names the mistake: %j', (inputs, message) => {
    const { status, stdout, outputs } = action(inputs);
    expect(status).toBe(1);
    expect(commands(stdout, 'error')).toHaveLength(1);
    expect(stdout).toContain(message);
    expect(outputs).toMatchObject({ verdict: '', conclusion: 'failure' });
  });

  it('prints no workflow command that a file name smuggles in', () => {
    const name = 'x ##[add-mask]a.onnx';
    const { stdout } = action({ ...WRONG, pruned: `m/${name}` }, (work) =>
      cpSync(join(work, 'm/pruned-naive.onnx'), join(work, 'm', name)),
    );
    expect(stdout).toContain('add-mask');
    expect(stdout.split('\n').filter((line) => !line.startsWith('::') && line.includes('##['))).toEqual([]);
  });

  it('writes a short summary where the long one does not fit into 1 MiB, and none where nothing fits', () => {
    const limit = 1024 * 1024;
    const filled = (bytes: number) => action(WRONG, (work) => writeFileSync(join(work, 'summary'), 'x'.repeat(bytes)));
    const short = filled(limit - 400);
    expect(short.status).toBe(1);
    expect(short.summary.length).toBeLessThanOrEqual(limit);
    expect(short.summary.slice(limit - 400)).toContain('**2 of 14 layers** are not what the spec asks for');
    const full = filled(limit);
    expect(full.summary).toHaveLength(limit);
    expect(full.stdout).toContain('no job summary');
    expect(action(RIGHT, () => {}, { GITHUB_STEP_SUMMARY: '' })).toMatchObject({
      status: 0,
      stdout: expect.stringContaining('GITHUB_STEP_SUMMARY is not set'),
    });
  });
});
