import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '../..');
const work = mkdtempSync(join(tmpdir(), 'prunegate-hostile-'));
afterAll(() => rmSync(work, { recursive: true, force: true }));
cpSync(join(root, 'examples/mobilenet-v2'), join(work, 'm'), { recursive: true });
/** Where there is none, nothing is executed, and no input is read. */
const RUNTIME = join(root, 'node_modules/onnxruntime-node');
const MODELS = ['--dense', 'm/dense.onnx', '--pruned', 'm/pruned.onnx'];

function prunegate(...args: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(root, 'dist/cli.cjs'), ...args], {
    cwd: work,
    encoding: 'utf8',
  });
  return { status, stdout, stderr };
}

/** A spec of Torch-Pruning whose scores lie in a file. */
function scored(file: string): string {
  const prune = { importance: { type: 'TaylorImportance' }, pruning_ratio: 0.5, scores: file };
  writeFileSync(join(work, 'scored.yaml'), JSON.stringify({ dialect: 'torch-pruning', prune }));
  return 'scored.yaml';
}

/** Every way in which a file is named that is then read. */
const READERS: Readonly<Record<string, (file: string) => readonly string[]>> = {
  dense: (file) => ['expect', '--dense', file, '--spec', 'm/prune.yaml'],
  pruned: (file) => ['check', '--dense', 'm/dense.onnx', '--pruned', file, '--spec', 'm/prune.yaml'],
  'dense-folded': (file) => ['check', ...MODELS, '--spec', 'm/prune.yaml', '--dense-folded', file],
  spec: (file) => ['check', ...MODELS, '--spec', file],
  config: (file) => ['check', '--config', file],
  reported: (file) => ['check', ...MODELS, '--spec', 'm/prune.yaml', '--reported', file],
  scores: (file) => ['expect', '--dense', 'm/dense.onnx', '--spec', scored(file)],
  inputs: (file) => ['run', ...MODELS, '--inputs', file, '--onnxruntime', RUNTIME],
  reports: (file) => ['merge', file],
};

describe.skipIf(process.platform === 'win32')('what is no regular file is refused in one line, unread', () => {
  beforeAll(() => {
    expect(spawnSync('mkfifo', [join(work, 'pipe')]).status).toBe(0);
    mkdirSync(join(work, 'folder'));
  });

  const readers = Object.keys(READERS).filter((reader) => reader !== 'inputs' || existsSync(RUNTIME));
  const cases = readers.flatMap((reader) => ['pipe', 'folder', '/dev/zero'].map((file) => [reader, file] as const));
  // A reader that opened a pipe would wait for ever, and the test with it.
  it.each(cases)('%s: %s', (reader, file) => {
    const { status, stdout, stderr } = prunegate(...READERS[reader]!(file));
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toMatch(/^prunegate: [^\n]*(is not a regular file|is a directory|names no file)[^\n]*\n$/);
    expect(stderr).toContain(file);
  });
});

describe('JSON that is made to be parsed is refused in one line', () => {
  const report = (key: string, value: string): string => `{"schemaVersion": 1, "${key}": ${value}}`;
  const deep = `${'['.repeat(50_000)}${']'.repeat(50_000)}`;
  const wide = `[${'[],'.repeat(600_000)}[]]`;
  it.each([
    ['a deep report', () => ['merge', 'hostile.json'], report('layers', deep), 'is nested deeper than 32 levels'],
    ['a wide report', () => ['merge', 'hostile.json'], report('layers', wide), 'holds more than 500000 lists'],
    ['deep reported indices', READERS['reported']!, `{"conv1": ${deep}}`, 'is nested deeper than 16 levels'],
    ['wide reported indices', READERS['reported']!, `{"conv1": ${wide}}`, 'holds more than 200000 lists'],
    ['a deep spec', READERS['spec']!, deep, 'is nested deeper than'],
    ['a deep config', READERS['config']!, `{"models": ${deep}}`, 'is nested deeper than'],
  ])('%s', (_, args, text, problem) => {
    writeFileSync(join(work, 'hostile.json'), text);
    const { status, stderr } = prunegate(...args('hostile.json'));
    expect(status, stderr).toBe(2);
    expect(stderr).toMatch(/^prunegate: hostile\.json[^\n]*\n$/);
    expect(stderr).toContain(problem);
  });
});

describe('a folder that cannot be written to is one line', () => {
  it.skipIf(process.platform !== 'linux').each(['/proc/x', '/dev/null/x', '/sys/x'])('report-dir %s', (folder) => {
    const { status, stderr } = prunegate('check', ...MODELS, '--spec', 'm/prune.yaml', '--report-dir', folder);
    expect(status).toBe(2);
    expect(stderr).toMatch(/^prunegate: \/[^\n]*report\.json: cannot be written: [A-Z]+\n$/);
  });
});
