import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '../..');
/** A folder with the bundle and the example and nothing else: no node_modules to fall back on. */
const work = mkdtempSync(join(tmpdir(), 'prunegate-cli-'));
cpSync(join(root, 'dist'), work, { recursive: true });
cpSync(join(root, 'examples/mobilenet-v2'), join(work, 'm'), { recursive: true });

function prunegate(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['cli.cjs', ...args], { cwd: work, encoding: 'utf8' });
  return { status, stdout, stderr };
}

const PAIR = ['--dense', 'm/dense.onnx', '--pruned', 'm/pruned.onnx'];
const SPEC = ['--spec', 'm/prune.yaml'];
const WRONG = ['--dense', 'm/dense.onnx', '--pruned', 'm/pruned-naive.onnx', ...SPEC];

describe('dist/cli.cjs check', () => {
  it('exits 0 where the model conforms, with nothing on stderr', () => {
    expect(prunegate('check', ...PAIR, ...SPEC)).toMatchObject({
      status: 0,
      stderr: '',
      stdout: expect.stringContaining('conforms: 14 layers'),
    });
  });

  it('exits 1 where it diverges, and explains', () => {
    const { status, stdout } = prunegate('check', ...WRONG);
    expect(status).toBe(1);
    expect(stdout).toContain('conv1 and expanded_conv_depthwise kept the wrong 3 of 16 filters');
  });

  it('prints JSON alone on stdout when asked, and writes the report where told', () => {
    const { status, stdout, stderr } = prunegate('check', ...WRONG, '--format', 'json', '--report-dir', 'out');
    expect(status).toBe(1);
    const report = JSON.parse(stdout);
    expect(report).toMatchObject({ schemaVersion: 1, verdict: 'diverges', conclusion: 'failure', model: 'model' });
    expect(stderr).toBe('report: out/model/report.json\npage: out/model/report.html\n');
    expect(JSON.parse(readFileSync(join(work, 'out/model/report.json'), 'utf8'))).toEqual(report);
  });

  it('exits 3 where the dense model is folded, 0 with --warn-only or --fail-on mismatch', () => {
    cpSync(join(root, 'test/fixtures/golden/seed_mobilenet_v2/dense.folded.onnx'), join(work, 'folded.onnx'));
    cpSync(join(root, 'test/fixtures/golden/seed_mobilenet_v2/pruned.folded.onnx'), join(work, 'folded-pruned.onnx'));
    const folded = ['check', '--dense', 'folded.onnx', '--pruned', 'folded-pruned.onnx', ...SPEC];
    const { status, stdout } = prunegate(...folded);
    expect(status).toBe(3);
    expect(stdout).toContain('Export the dense model without folding');
    expect(prunegate(...folded, '--warn-only').status).toBe(0);
    expect(prunegate(...folded, '--fail-on', 'mismatch').status).toBe(0);
    expect(prunegate('check', ...WRONG, '--warn-only').status).toBe(0);
    expect(prunegate('check', ...WRONG, '--warn-only').stdout).toContain('diverges: 2 of 14 layers');
  });

  it('reads prunegate.yml, whose several models it checks under one verdict', () => {
    const config = [
      'models:',
      '  - name: right',
      '    dense: m/dense.onnx',
      '    pruned: m/pruned.onnx',
      '    spec: m/prune.yaml',
      '  - name: wrong',
      '    dense: m/dense.onnx',
      '    pruned: m/pruned-naive.onnx',
      '    spec: m/prune.yaml',
    ];
    writeFileSync(join(work, 'two.yml'), config.join('\n'));
    const both = prunegate('check', '--config', 'two.yml', '--format', 'json');
    expect(both.status).toBe(1);
    expect(JSON.parse(both.stdout)).toMatchObject({
      verdict: 'diverges',
      reports: [
        { model: 'right', verdict: 'conforms' },
        { model: 'wrong', verdict: 'diverges' },
      ],
    });
    expect(prunegate('check', '--config', 'two.yml', '--model', 'right').status).toBe(0);
  });

  it('takes overrides of the spec', () => {
    const { status, stdout } = prunegate(
      'check',
      ...PAIR,
      ...SPEC,
      '--overrides',
      'prune.threshold=0.9',
      '--format',
      'json',
    );
    expect(status).toBe(1);
    expect(JSON.parse(stdout).spec.threshold).toBe(0.9);
  });
});

describe('dist/cli.cjs expect and recover', () => {
  it('print the indices of one side, with the other null, and exit 0', () => {
    const expected = JSON.parse(prunegate('expect', '--dense', 'm/dense.onnx', ...SPEC, '--format', 'json').stdout);
    const recovered = JSON.parse(prunegate('recover', ...PAIR, '--format', 'json').stdout);
    expect(expected.layers[0]).toMatchObject({ name: 'conv1', actual: null, verdict: null });
    expect(recovered.layers[0]).toMatchObject({ name: 'conv1', expected: null, verdict: null });
    expect(recovered.layers.map((layer: { actual: number[] }) => layer.actual)).toEqual(
      expected.layers.map((layer: { expected: number[] }) => layer.expected),
    );
    expect(expected).toMatchObject({ verdict: null, inputs: { pruned: null } });
    expect(recovered).toMatchObject({ verdict: null, spec: null, dialect: null });
  });

  it('exit 3 where a layer could not be computed, and say what the real pruner would', () => {
    cpSync(join(root, 'test/fixtures/raises/concat_in_the_way.onnx'), join(work, 'cat.onnx'));
    const { status, stdout } = prunegate('expect', '--dense', 'cat.onnx', ...SPEC);
    expect(status).toBe(3);
    expect(stdout).toContain('NotImplementedError: Pruning is not possible with cat layer in the way');
  });
});

describe('dist/cli.cjs with mistakes', () => {
  const mistakes: [string, string[], string][] = [
    [
      'a missing file',
      ['check', '--dense', 'gone.onnx', '--pruned', 'm/pruned.onnx', ...SPEC],
      'prunegate: gone.onnx: does not exist\n',
    ],
    [
      'a file that is no model',
      ['check', '--dense', 'm/prune.yaml', '--pruned', 'm/pruned.onnx', ...SPEC],
      'prunegate: m/prune.yaml: ',
    ],
    [
      'no dense model',
      ['check', '--pruned', 'm/pruned.onnx', ...SPEC],
      'prunegate: --dense: is required: name the dense model with --dense\n',
    ],
    [
      'no pruned model',
      ['recover', '--dense', 'm/dense.onnx'],
      'prunegate: --pruned: is required: name the pruned model\n',
    ],
    ['no spec', ['check', ...PAIR], 'prunegate: --spec: is required: name the pruning spec\n'],
    [
      'an unknown flag',
      ['check', '--dens', 'x'],
      "prunegate: unknown option '--dens' (Did you mean --dense?); see prunegate --help\n",
    ],
    [
      'an unknown command',
      ['chekc'],
      "prunegate: unknown command 'chekc' (Did you mean check?); see prunegate --help\n",
    ],
    [
      'a threshold that is no number',
      ['check', ...PAIR, ...SPEC, '--overrides', 'prune.threshold=high'],
      'prunegate: --overrides: prune.threshold: must be a finite number (found "high")\n',
    ],
    [
      'an unknown key',
      ['check', ...PAIR, ...SPEC, '--overrides', 'prune.treshold=0.5'],
      'prunegate: --overrides: prune.treshold: is no known key: did you mean threshold? (found 0.5)\n',
    ],
  ];
  it.each(mistakes)('says in one line what is wrong with %s, and exits 2', (_, args, message) => {
    const { status, stdout, stderr } = prunegate(...args);
    expect({ status, stdout, lines: stderr.trimEnd().split('\n').length }).toEqual({ status: 2, stdout: '', lines: 1 });
    expect(stderr.startsWith(message) || stderr, stderr).toBe(true);
  });

  it('names file and line of a mistake in a spec', () => {
    writeFileSync(join(work, 'bad.yaml'), 'prune:\n  threshold: 0.5\n  # a comment\n  granularity: 2.5\n');
    expect(prunegate('check', ...PAIR, '--spec', 'bad.yaml')).toMatchObject({
      status: 2,
      stderr: 'prunegate: bad.yaml:4: prune.granularity: must be an integer (found 2.5)\n',
    });
  });

  it('refuses a lock that is not there instead of skipping it', () => {
    writeFileSync(
      join(work, 'later.yml'),
      'dense: m/dense.onnx\npruned: m/pruned.onnx\nspec: m/prune.yaml\nlock: prunegate.lock.json\n',
    );
    const { status, stderr } = prunegate('check', '--config', 'later.yml');
    expect(status).toBe(2);
    expect(stderr).toMatch(
      /^prunegate: later\.yml:4: lock: does not exist: write it with prunegate lock \(found "prunegate.lock.json"\)/,
    );
  });

  it('runs no command for one side alone, nor where told not to', () => {
    writeFileSync(
      join(work, 'sides.yml'),
      'dense: m/dense.onnx\npruned: m/pruned.onnx\nspec: m/prune.yaml\nprune: { run: touch ran; exit 1 }\n',
    );
    expect(prunegate('expect', '--config', 'sides.yml').status).toBe(0);
    expect(prunegate('recover', '--config', 'sides.yml').status).toBe(0);
    expect(existsSync(join(work, 'ran'))).toBe(false);
    expect(prunegate('check', '--no-commands', '--config', 'sides.yml').status).toBe(0);
    expect(existsSync(join(work, 'ran'))).toBe(false);
    expect(prunegate('check', '--config', 'sides.yml').status).toBe(2);
    expect(existsSync(join(work, 'ran'))).toBe(true);
  });

  it('leaves the files that it reads as they are', () => {
    const before = readFileSync(join(work, 'm/pruned.onnx'));
    prunegate('check', ...PAIR, ...SPEC);
    expect(readFileSync(join(work, 'm/pruned.onnx')).equals(before)).toBe(true);
  });
});
