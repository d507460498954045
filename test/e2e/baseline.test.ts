import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Report } from '../../src/report/index.ts';
import { runAction } from '../support/action.ts';

const root = join(import.meta.dirname, '../..');
const work = mkdtempSync(join(tmpdir(), 'prunegate-baseline-'));
const RIGHT = ['--dense', 'dense.onnx', '--pruned', 'pruned.onnx', '--spec', 'prune.yaml'];
const WRONG = ['--dense', 'dense.onnx', '--pruned', 'pruned-naive.onnx', '--spec', 'prune.yaml'];
const BASE = 'base/model/report.json';

function prunegate(...args: readonly string[]) {
  return spawnSync(process.execPath, [join(root, 'dist/cli.cjs'), ...args], { cwd: work, encoding: 'utf8' });
}

function checked(...args: readonly string[]): { readonly status: number | null; readonly report: Report } {
  const { status, stdout } = prunegate('check', ...args, '--format', 'json');
  return { status, report: JSON.parse(stdout) };
}

/** The baseline, with something changed. */
function edited(file: string, change: (report: Record<string, unknown>) => Record<string, unknown>): string {
  writeFileSync(join(work, file), JSON.stringify(change(JSON.parse(readFileSync(join(work, BASE), 'utf8')))));
  return file;
}

beforeAll(() => {
  cpSync(join(root, 'examples/mobilenet-v2'), work, { recursive: true });
  prunegate('check', ...RIGHT, '--report-dir', 'base');
});
afterAll(() => rmSync(work, { recursive: true, force: true }));

describe('a baseline', () => {
  it('of the same filters says so', () => {
    const { status, stdout } = prunegate('check', ...RIGHT, '--baseline', BASE, '--max-filters-flipped', '0');
    expect(status).toBe(0);
    expect(stdout).toContain('since the baseline (base/model/report.json): no filter flipped\n');
  });

  it('shows which filters of which layers flipped', () => {
    const { report } = checked(...WRONG, '--baseline', BASE);
    expect(report.baseline).toMatchObject({
      file: 'base/model/report.json',
      problem: null,
      verdict: 'conforms',
      count: 12,
      flipped: [
        { layer: 'conv1', gained: [0, 15, 27], lost: [3, 19, 22] },
        { layer: 'expanded_conv_depthwise', gained: [0, 15, 27], lost: [3, 19, 22] },
      ],
      before: { filters: 250, parameters: 4842 },
    });
    const text = prunegate('check', ...WRONG, '--baseline', BASE).stdout;
    expect(text).toContain('12 filters of conv1 and expanded_conv_depthwise flipped');
    expect(text).toContain('  conv1 gained 0, 15, 27 and lost 3, 19, 22\n');
  });

  it('is gated on: more than so many flips diverge, also where the model is right', () => {
    expect(checked(...WRONG, '--baseline', BASE, '--max-filters-flipped', '12').report.findings).toHaveLength(1);
    prunegate(
      'prune',
      '--dense',
      'dense.onnx',
      '--spec',
      'prune.yaml',
      '--overrides',
      'prune.threshold=0.9',
      '--out',
      'o/p.onnx',
    );
    const other = [
      '--dense',
      'dense.onnx',
      '--pruned',
      'o/p.onnx',
      '--spec',
      'prune.yaml',
      '--overrides',
      'prune.threshold=0.9',
    ];
    const { status, report } = checked(...other, '--baseline', BASE, '--max-filters-flipped', '0');
    expect(status).toBe(1);
    expect(report.totals.match).toBe(14);
    expect(report.findings).toMatchObject([
      {
        kind: 'gate',
        title: expect.stringMatching(/flipped since the baseline, more than max-filters-flipped allows, 0$/),
      },
    ]);
    expect(report.notes.join()).not.toContain('no baseline');
    expect(checked(...other, '--baseline', BASE).status).toBe(0);
  });

  it.each<readonly [string, (report: Record<string, unknown>) => Record<string, unknown>, string]>([
    ['another model', (report) => ({ ...report, model: 'other' }), 'other.json is of other, not of model.'],
    [
      'another dialect',
      (report) => ({ ...report, dialect: 'declared' }),
      'was checked as declared, and this as tao-tf2.',
    ],
    [
      'another schemaVersion',
      (report) => ({ ...report, schemaVersion: 2 }),
      'other.json is of schemaVersion 2, and this is 1.',
    ],
  ])('of %s is none: a note, and unverifiable where the gate asks', (_, change, why) => {
    const file = edited('other.json', change);
    const { status, report } = checked(...RIGHT, '--baseline', file);
    expect(status).toBe(0);
    expect(report.notes.filter((note) => note.startsWith('There is no baseline: '))).toEqual([
      expect.stringContaining(why),
    ]);
    const gated = checked(...RIGHT, '--baseline', file, '--max-filters-flipped', '3');
    expect(gated).toMatchObject({ status: 3, report: { verdict: 'unverifiable' } });
    expect(gated.report.findings[0]!.title).toBe('max-filters-flipped could not be checked');
  });

  it('that is not given, missing or damaged does not pass where it is asked for', () => {
    expect(checked(...RIGHT, '--max-filters-flipped', '3').status).toBe(3);
    expect(prunegate('check', ...RIGHT, '--baseline', 'nope.json')).toMatchObject({
      status: 2,
      stderr: 'prunegate: nope.json: does not exist\n',
    });
    writeFileSync(join(work, 'cut.json'), '{"schemaVersion": 1,');
    expect(prunegate('check', ...RIGHT, '--baseline', 'cut.json').status).toBe(2);
    const forged = edited('forged.json', (report) => ({ ...report, layers: [] }));
    expect(prunegate('check', ...RIGHT, '--baseline', forged).stderr).toContain('contradicts');
  });

  it('leaves open what one of both runs does not know', () => {
    const file = edited('open.json', (report) => ({
      ...report,
      layers: (report['layers'] as Report['layers']).map((layer) =>
        layer.name === 'conv1' ? { ...layer, filters: 64 } : layer,
      ),
    }));
    const { status, report } = checked(...RIGHT, '--baseline', file, '--max-filters-flipped', '0');
    expect(status).toBe(3);
    expect(report.baseline).toMatchObject({ open: ['conv1'], count: 0 });
  });

  it('is shown by the action', async () => {
    const inputs = { dense: 'm/dense.onnx', pruned: 'm/pruned-naive.onnx', spec: 'm/prune.yaml' };
    const { summary } = await runAction({ inputs: { ...inputs, baseline: join(work, BASE) } });
    expect(summary).toContain(': 12 filters of conv1 and expanded\\_conv\\_depthwise flipped.');
    expect(summary).toContain('- conv1 gained 0, 15, 27 and lost 3, 19, 22\n');
  });
});
