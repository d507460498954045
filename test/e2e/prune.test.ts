import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { fileIn } from '../support/fixture-files.ts';
import { FIXTURES, goldensIn, networkOf } from '../support/golden.ts';

const root = join(import.meta.dirname, '../..');
const work = mkdtempSync(join(tmpdir(), 'prunegate-prune-'));
afterAll(() => rmSync(work, { recursive: true, force: true }));
cpSync(join(root, 'examples/mobilenet-v2'), join(work, 'm'), { recursive: true });
const INPUTS = ['--dense', 'm/dense.onnx', '--spec', 'm/prune.yaml'];
const seed = goldensIn(join(FIXTURES, 'golden')).find(({ name }) => name === 'seed_mobilenet_v2')!;

function prunegate(...args: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(root, 'dist/cli.cjs'), ...args], {
    cwd: work,
    encoding: 'utf8',
  });
  return { status, stdout, stderr };
}

/** A Python with the onnx package: the one that is named, or the usual one. */
const python = process.env['PRUNEGATE_PYTHON'] ?? 'python3';
const hasOnnx = spawnSync(python, ['-c', 'import onnx']).status === 0;

describe('prunegate prune', () => {
  it('writes a model that conforms and the list of what it retains, and leaves the dense model alone', () => {
    const before = readFileSync(join(work, 'm/dense.onnx'));
    expect(prunegate('prune', ...INPUTS, '--out', 'a/model.onnx')).toMatchObject({
      status: 0,
      stdout: 'pruned: a/model.onnx\nretained indices: a/retained.json\n',
      stderr: '',
    });
    expect(readdirSync(join(work, 'a'))).toEqual(['model.onnx', 'retained.json']);
    expect(readFileSync(join(work, 'm/dense.onnx')).equals(before)).toBe(true);
    const checked = prunegate('check', ...INPUTS, '--pruned', 'a/model.onnx', '--reported', 'a/retained.json');
    expect(checked.status, checked.stdout).toBe(0);
    const retained = JSON.parse(readFileSync(join(work, 'a/retained.json'), 'utf8'));
    expect(retained).toEqual(
      Object.fromEntries(Object.entries(seed.layers).map(([name, layer]) => [name, layer.retained])),
    );
  });

  it('tells the model itself what made it', () => {
    prunegate('prune', ...INPUTS, '--out', 'b/model.onnx');
    const { metadata } = networkOf(join(work, 'b/model.onnx')).model;
    expect(metadata.get('prunegate.version')).toMatch(/^\d+\.\d+\.\d+$/);
    expect(metadata.get('prunegate.dialect')).toBe('tao-tf2');
    expect(JSON.parse(metadata.get('prunegate.spec')!)).toMatchObject({ threshold: 0.68, granularity: 8 });
    expect(JSON.parse(metadata.get('prunegate.retained')!).conv1).toEqual(seed.layers['conv1']!.retained);
  });

  it('writes the same bytes again', () => {
    for (const folder of ['c', 'd']) prunegate('prune', ...INPUTS, '--out', `${folder}/model.onnx`);
    for (const file of ['model.onnx', 'retained.json'])
      expect(readFileSync(join(work, 'c', file)).equals(readFileSync(join(work, 'd', file)))).toBe(true);
  });

  it('writes nothing where the indices cannot be known', () => {
    cpSync(fileIn(seed.folder, 'dense.folded.onnx'), join(work, 'folded.onnx'));
    const { status, stderr } = prunegate(
      'prune',
      '--dense',
      'folded.onnx',
      '--spec',
      'm/prune.yaml',
      '--out',
      'e/m.onnx',
    );
    expect(status).toBe(2);
    expect(stderr).toMatch(/^prunegate: folded\.onnx: conv1: cannot be pruned by this spec: BatchNorm is folded .*\n$/);
    expect(existsSync(join(work, 'e'))).toBe(false);
  });

  it('never writes over the model that it reads', () => {
    const { status, stderr } = prunegate('prune', ...INPUTS, '--out', 'm/dense.onnx');
    expect(status).toBe(2);
    expect(stderr).toContain('m/dense.onnx: belongs to the model that is read: name another file to write');
  });

  it('replaces a list of indices that it wrote, and no other', () => {
    const [one, two] = ['g/one.onnx', 'g/two.onnx'].map((out) => ['prune', ...INPUTS, '--out', out]);
    const other = ['--overrides', 'prune.threshold=0.3'];
    expect(prunegate(...one!)).toMatchObject({ status: 0 });
    // The list is that of the model before, which carries it too.
    expect(prunegate(...two!, ...other)).toMatchObject({ status: 0 });
    const list = join(work, 'g/retained.json');
    const theirs = readFileSync(list, 'utf8').replace(/\d+/, (index) => String(Number(index) + 1));
    writeFileSync(list, theirs);
    const refused = prunegate(...one!);
    expect(refused.status).toBe(2);
    expect(refused.stderr).toBe(
      'prunegate: g/retained.json: was not written by prunegate: move it away, or name another folder to write to\n',
    );
    expect(readFileSync(list, 'utf8')).toBe(theirs);
  });

  it.skipIf(process.platform === 'win32')('replaces nothing but files', () => {
    expect(spawnSync('mkfifo', [join(work, 'pipe')]).status).toBe(0);
    for (const out of ['pipe', 'm'])
      expect(prunegate('prune', ...INPUTS, '--out', out)).toMatchObject({ status: 2, stdout: '' });
    expect(prunegate('prune', ...INPUTS, '--out', 'pipe').stderr).toBe(
      'prunegate: pipe: is not a regular file: name another one to write\n',
    );
    expect(statSync(join(work, 'pipe')).isFIFO()).toBe(true);
  });

  it.skipIf(!hasOnnx)('writes what onnx.checker accepts (skipped without a Python that has onnx)', () => {
    prunegate('prune', ...INPUTS, '--out', 'f/model.onnx');
    const code = 'import onnx, sys; onnx.checker.check_model(onnx.load(sys.argv[1]), full_check=True)';
    const { status, stderr } = spawnSync(python, ['-c', code, join(work, 'f/model.onnx')], { encoding: 'utf8' });
    expect(status, stderr).toBe(0);
  });
});

describe('prunegate check without a pruned model', () => {
  it('prunes with the built-in pruner, under the report folder, and checks that', () => {
    const { status, stdout, stderr } = prunegate('check', ...INPUTS, '--report-dir', 'out', '--format', 'json');
    expect(status, stderr).toBe(0);
    expect(stderr).toContain('no pruned model is given: the built-in pruner wrote out/model/pruned.onnx\n');
    const pruned = join('out', 'model', 'pruned.onnx');
    expect(JSON.parse(stdout)).toMatchObject({ verdict: 'conforms', inputs: { pruned: { path: pruned } } });
    expect(readdirSync(join(work, 'out/model')).sort()).toEqual([
      'pruned.onnx',
      'report.html',
      'report.json',
      'retained.json',
    ]);
  });

  it('leaves nothing behind where no report folder is given', () => {
    const { status, stderr } = prunegate('check', ...INPUTS);
    expect(status, stderr).toBe(0);
    const [, path] = /the built-in pruner wrote (\S+), which goes/.exec(stderr) ?? [];
    expect(path).toMatch(/pruned\.onnx$/);
    expect(existsSync(path!)).toBe(false);
  });
});
