import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '../..');
const cli = join(root, 'dist/cli.cjs');
const folder = mkdtempSync(join(tmpdir(), 'prunegate-mistakes-'));
cpSync(join(root, 'examples/mobilenet-v2'), folder, { recursive: true });

const prunegate = (...args: readonly string[]) => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [cli, ...args], { cwd: folder, encoding: 'utf8' });
  return { status, stdout, stderr };
};

const spec = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text);
  return name;
};

/** What is meant, on one line, with exit status 2. */
const refusal = (...args: readonly string[]): string => {
  const { status, stdout, stderr } = prunegate(...args);
  expect(stdout).toBe('');
  expect(status).toBe(2);
  expect(stderr.split('\n')).toHaveLength(2);
  return stderr;
};

const PAIR = ['--dense', 'dense.onnx', '--pruned', 'pruned.onnx', '--spec', 'prune.yaml'] as const;

describe('an error knows what was meant', () => {
  it('where both models stand in each other’s place', () => {
    const swapped = ['--dense', 'pruned.onnx', '--pruned', 'dense.onnx'];
    for (const command of [['check', '--spec', 'prune.yaml'], ['recover'], ['run']])
      expect(refusal(...command, ...swapped)).toContain('exchanged; give --dense dense.onnx --pruned pruned.onnx');
  });

  it.each([
    [
      'keys of another pruner',
      'pruning_ratio: 0.5\n',
      ':1: pruning_ratio: ',
      'write dialect: torch-pruning at its top',
    ],
    ['its own name misspelt', 'dialect: torch_pruning\n', ':1: dialect: ', 'did you mean torch-pruning?'],
    ['keys of TAO', 'dialect: torch-pruning\nthreshold: 0.5\n', ':2: threshold: ', 'but of dialect: tao-tf2'],
    ['an older key', 'dialect: torch-pruning\nch_sparsity: 0.5\n', ':2: ch_sparsity: ', 'is called pruning_ratio here'],
    ['flags as keys', 'prune:\n  pth: 0.5\n', ':2: prune.pth: ', 'is called threshold here'],
    [
      'an older importance',
      'dialect: torch-pruning\npruning_ratio: 0.5\nimportance: {type: GroupNormImportance}\n',
      ':3: importance.type: ',
      'is called GroupMagnitudeImportance now',
    ],
  ])('where a spec has %s', (_, text, place, meant) => {
    const message = refusal('check', ...PAIR.slice(0, 4), '--spec', spec('mistaken.yaml', text));
    expect(message).toContain(`mistaken.yaml${place}`);
    expect(message).toContain(meant);
  });

  it('where a spec of TAO stands beside a model of PyTorch, and says which dialect to write', () => {
    const torch = join(root, 'test/fixtures/declared/nni_l2_mobile_dep');
    const models = ['--dense', join(torch, 'dense.onnx'), '--pruned', join(torch, 'pruned.onnx')];
    const bare = spec('tao.yaml', 'prune:\n  threshold: 0.5\n');
    const message = refusal('check', ...models, '--spec', bare);
    expect(message).toMatch(
      /^prunegate: tao\.yaml:1: dialect: is missing, and a spec that names none is read as tao-tf2: /,
    );
    expect(message).toContain('was exported from PyTorch (pytorch)');
    expect(message).toContain('write dialect: torch-pruning or dialect: declared at its top');
    expect(refusal('expect', ...models.slice(0, 2), '--spec', bare)).toContain('was exported from PyTorch');
    // Whoever names it knows more than the file says.
    const named = spec('named.yaml', 'dialect: tao-tf2\nprune:\n  threshold: 0.5\n');
    expect(prunegate('check', ...models, '--spec', named).stdout).toMatch(
      /named\.yaml:1: .* was exported from PyTorch/,
    );
  });

  it('where a spec of Torch-Pruning stands beside a model of TensorFlow', () => {
    const text =
      'dialect: torch-pruning\nprune:\n  importance: {type: GroupMagnitudeImportance}\n  pruning_ratio: 0.5\n';
    const { status, stdout } = prunegate('check', ...PAIR.slice(0, 4), '--spec', spec('torch.yaml', text));
    expect(status).toBe(1);
    expect(stdout).toContain(
      'torch.yaml:1: dense.onnx was exported from TensorFlow (tf2onnx), and torch-pruning prunes PyTorch models; write dialect: tao-tf2 or dialect: tao-tf1 or dialect: declared at its top',
    );
  });

  it('where an override names no key', () => {
    const message = refusal('check', ...PAIR, '--overrides', 'prune.treshold=0.5');
    expect(message).toBe(
      'prunegate: --overrides: prune.treshold: is no known key: did you mean threshold? (found 0.5)\n',
    );
  });

  it.each([
    ['model.tlt', 'a TAO model', 'recipes/tao'],
    ['model.engine', 'any bytes', 'the .onnx file that it was made from'],
    ['model.pt', 'PK\x03\x04', 'recipes/torch'],
    ['model.pth', 'any bytes', 'recipes/torch'],
    ['model.safetensors', '\x40\0\0\0\0\0\0\0{"__metadata__":{}}', 'recipes/torch'],
  ])('where %s is no ONNX', (name, content, meant) => {
    writeFileSync(join(folder, name), Buffer.from(content, 'latin1'));
    const message = refusal('check', '--dense', name, '--pruned', 'pruned.onnx', '--spec', 'prune.yaml');
    expect(message).toContain(`${name}: is `);
    expect(message).toContain(meant);
  });

  it('where a folder is a SavedModel', () => {
    mkdirSync(join(folder, 'saved'));
    writeFileSync(join(folder, 'saved/saved_model.pb'), '');
    expect(refusal('expect', '--dense', 'saved', '--spec', 'prune.yaml')).toContain('is a TensorFlow SavedModel');
  });

  it('where there is nothing to plan', () => {
    expect(refusal('plan')).toContain('--config: is required: there is no prunegate.yml in ');
  });
});

describe('the command line', () => {
  it('takes models without their flags', () => {
    expect(prunegate('check', 'dense.onnx', 'pruned.onnx', '--spec', 'prune.yaml').status).toBe(0);
    expect(prunegate('check', 'dense.onnx', 'pruned-naive.onnx', '--spec', 'prune.yaml').status).toBe(1);
    expect(prunegate('recover', 'dense.onnx', 'pruned.onnx').status).toBe(0);
    expect(refusal('check', 'pruned.onnx', ...PAIR)).toContain('--dense: is given twice');
  });

  it('shows its help where nothing is asked', () => {
    const { status, stdout } = prunegate();
    expect(status).toBe(0);
    expect(stdout).toMatch(/^Usage: prunegate /);
  });

  it('asks why by a command that is this very check', () => {
    const why = (...args: readonly string[]): string =>
      /Why \S+\? (prunegate explain .*)$/m.exec(prunegate('check', ...args).stdout)![1]!;
    const wrong = ['--pruned', 'pruned-naive.onnx'];
    const overrides = ['--overrides', 'prune.threshold=0.7'];
    expect(why('--dense', 'dense.onnx', ...wrong, '--spec', 'prune.yaml', ...overrides)).toMatch(
      /^prunegate explain --dense dense.onnx --spec prune.yaml --overrides prune.threshold=0.7 --layer \S+$/,
    );
    const one = (name: string): string =>
      `  - {name: ${name}, dense: dense.onnx, pruned: pruned-naive.onnx, spec: prune.yaml}\n`;
    spec('several.yml', `models:\n${one('a')}${one('b')}`);
    const command = why('--config', 'several.yml', '--model', 'b', ...overrides);
    expect(command).toMatch(
      /^prunegate explain --config several.yml --model b --overrides prune.threshold=0.7 --layer \S+$/,
    );
    expect(prunegate(...command.split(' ').slice(1)).status).toBe(0);
  });

  it('checks what flags name whole beside a prunegate.yml of several models, and any with --no-config', () => {
    const of = (name: string): string => `  - {name: ${name}, dense: none.onnx, pruned: none.onnx, spec: prune.yaml}\n`;
    spec('prunegate.yml', `warn-only: true\nmodels:\n${of('a')}${of('b')}`);
    expect(prunegate('check', ...PAIR).status).toBe(0);
    expect(refusal('check', '--dense', 'dense.onnx')).toContain('is ambiguous: prunegate.yml has 2 models');
    spec('prunegate.yml', 'not: valid\n');
    expect(refusal('check', ...PAIR)).toContain('prunegate.yml:1: not');
    expect(prunegate('check', '--no-config', ...PAIR).status).toBe(0);
    expect(refusal('plan', '--no-config')).toContain('there is no prunegate.yml');
  });
});
