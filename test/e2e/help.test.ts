import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '../..');
const folder = mkdtempSync(join(tmpdir(), 'prunegate-help-'));
cpSync(join(root, 'examples/mobilenet-v2'), folder, { recursive: true });
writeFileSync(
  join(folder, 'prunegate.yml'),
  'models:\n  - {name: model, dense: dense.onnx, pruned: pruned.onnx, spec: prune.yaml}\n',
);

const prunegate = (...args: readonly string[]) =>
  spawnSync(process.execPath, [join(root, 'dist/cli.cjs'), ...args], { cwd: folder, encoding: 'utf8' });

const commands = [...prunegate('--help').stdout.matchAll(/^ {2}([a-z]+) .*/gm)]
  .map(([, name]) => name!)
  .filter((name) => name !== 'help');

describe('--help', () => {
  it('lists the commands', () => {
    expect(commands).toEqual(expect.arrayContaining(['check', 'explain', 'merge', 'init', 'doctor']));
  });

  it('shows examples that work as they are written', { timeout: 120_000 }, () => {
    prunegate('check', '--report-dir', 'reports');
    const examples = commands.flatMap((name) =>
      [...prunegate(name, '--help').stdout.matchAll(/^ {2}prunegate (.+)$/gm)].map(([, line]) => line!),
    );
    expect(examples.length).toBeGreaterThanOrEqual(commands.length);
    for (const line of examples) {
      const { status, stderr } = prunegate(...line.split(' '));
      // A machine may lack things that `doctor` names and without which `run` verifies nothing.
      const allowed = line === 'doctor' ? [0, 1] : line.startsWith('run ') ? [0, 3] : [0];
      expect(allowed, `${line}: ${stderr}`).toContain(status);
    }
  });
});
