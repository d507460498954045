import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '../..');
const example = join(root, 'examples/mobilenet-v2');
let folder = '';

/** As a newcomer types it: in the folder, without a terminal. */
const prunegate = (...args: readonly string[]) =>
  spawnSync(process.execPath, [join(root, 'dist/cli.cjs'), ...args], {
    cwd: folder,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
const copy = (from: string, to: string): void => cpSync(join(example, from), join(folder, to));

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'prunegate-init-'));
  spawnSync('git', ['init', '-q'], { cwd: folder });
  for (const file of ['dense.onnx', 'pruned.onnx', 'prune.yaml']) copy(file, file);
});

describe('a folder with two ONNX files and a spec', () => {
  it('is checked green and red by init and one more command', () => {
    const init = prunegate('init');
    expect(init.stderr).toBe('');
    expect(init.status).toBe(0);
    expect(init.stdout).toContain('wrote prunegate.yml\nwrote .github/workflows/prunegate.yml\n');
    expect(init.stdout).toContain('Check it now: prunegate check\n');
    expect(prunegate('check').status).toBe(0);
    copy('pruned-naive.onnx', 'pruned.onnx');
    expect(prunegate('check').status).toBe(1);
    expect(prunegate('plan').stdout).toBe('{"model":["model"]}\n');
  });

  it('is checked green and red where they are of PyTorch, too', () => {
    const torch = join(root, 'test/fixtures/torch/grouped_1');
    for (const file of ['dense.onnx', 'pruned.onnx']) cpSync(join(torch, file), join(folder, file));
    const { spec } = JSON.parse(readFileSync(join(torch, 'golden.json'), 'utf8'));
    writeFileSync(join(folder, 'prune.yaml'), JSON.stringify(spec));
    expect(prunegate('init').status).toBe(0);
    expect(prunegate('check').status).toBe(0);
    expect(prunegate('check', '--overrides', 'prune.pruning_ratio=0.5').status).toBe(1);
  });

  it('and data too large to be read is as good as one without it', () => {
    // Sparse: it takes no space.
    writeFileSync(join(folder, 'annotations.json'), '');
    truncateSync(join(folder, 'annotations.json'), 3 * 2 ** 30);
    const { status, stderr } = prunegate('init');
    expect(stderr).toBe('');
    expect(status).toBe(0);
  });

  it('keeps what is there already', () => {
    writeFileSync(join(folder, 'prunegate.yml'), '# mine\n');
    expect(prunegate('init').stdout).toContain('prunegate.yml is there already and stays as it is\nwrote .github/');
    expect(readFileSync(join(folder, 'prunegate.yml'), 'utf8')).toBe('# mine\n');
    writeFileSync(join(folder, '.github/workflows/prunegate.yml'), '# mine too\n');
    expect(prunegate('init').status).toBe(0);
    expect(readFileSync(join(folder, '.github/workflows/prunegate.yml'), 'utf8')).toBe('# mine too\n');
  });

  it('and one file more is said by flags, which the error lists', () => {
    copy('pruned-naive.onnx', 'other.onnx');
    const { status, stderr } = prunegate('init');
    expect(status).toBe(2);
    expect(stderr).toBe(
      'prunegate: --dense: several files could be meant: dense.onnx, other.onnx, pruned.onnx; say it with --dense, --pruned and --spec\n',
    );
    expect(prunegate('init', '--dense', 'dense.onnx', '--pruned', 'other.onnx').status).toBe(0);
    expect(prunegate('check').status).toBe(1);
  });

  it('whose models git leaves out needs the commands that make them', () => {
    writeFileSync(join(folder, '.gitignore'), '*.onnx\n');
    const { status, stderr } = prunegate('init');
    expect(status).toBe(2);
    expect(stderr).toContain('--prune-command: is required: git leaves dense.onnx out');
    expect(prunegate('init', '--prune-command', './prune.sh').status).toBe(0);
    expect(readFileSync(join(folder, 'prunegate.yml'), 'utf8')).toContain('run: ./prune.sh');
    expect(readFileSync(join(folder, '.github/workflows/prunegate.yml'), 'utf8')).toContain(
      '[self-hosted, linux, gpu]',
    );
  });

  it('whose spec has a mistake, as of a dialect that it does not name, says it', () => {
    const mistaken = (name: string, text: string): string => {
      rmSync(join(folder, 'prune.yaml'), { force: true });
      writeFileSync(join(folder, name), text);
      const { status, stderr } = prunegate('init');
      expect(status).toBe(2);
      rmSync(join(folder, name));
      return stderr;
    };
    expect(mistaken('prune.yaml', 'pruning_ratio: 0.5\n')).toMatch(
      /^prunegate: prune\.yaml:1: pruning_ratio: is a key of another pruner.* write dialect: torch-pruning at its top\n$/,
    );
    expect(mistaken('experiment.yaml', 'prune:\n  treshold: 0.5\n')).toMatch(
      /^prunegate: experiment\.yaml:2: prune\.treshold: /,
    );
    expect(mistaken('pruning.yaml', 'a: [\n')).toMatch(/^prunegate: pruning\.yaml:\d/);
    expect(mistaken('data.yaml', 'classes: [a, b]\n')).toContain(
      '--spec: there is no pruning spec here; write one, as https://',
    );
  });

  it('without a spec, or without models, is asked for it', () => {
    rmSync(join(folder, 'prune.yaml'));
    expect(prunegate('init').stderr).toContain('--spec: there is no pruning spec here');
    rmSync(join(folder, 'dense.onnx'));
    rmSync(join(folder, 'pruned.onnx'));
    expect(prunegate('init').stderr).toContain('--dense: there is no ONNX file');
  });
});

describe('prunegate doctor', () => {
  it('says of this machine what it has and lacks', () => {
    const { status, stdout, stderr } = prunegate('doctor');
    expect(stderr).toBe('');
    expect(stdout).toContain(`Node.js: ${process.version}\n`);
    expect(stdout).toMatch(/onnxruntime: 1\.\d+\.\d+ in |onnxruntime-node is not installed/);
    expect(status).toBe(/^ x /m.test(stdout) ? 1 : 0);
  });
});
