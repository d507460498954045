import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';

/** A Python that has hatchling, which builds the wheel: that of PRUNEGATE_PYTHON, else the one on the path. */
const PYTHON = process.env['PRUNEGATE_PYTHON'] ?? 'python3';
const canBuild = spawnSync(PYTHON, ['-c', 'import hatchling, venv'], { stdio: 'ignore' }).status === 0;
const hasMypy = spawnSync(PYTHON, ['-c', 'import mypy'], { stdio: 'ignore' }).status === 0;

const root = join(import.meta.dirname, '../..');
const folder = mkdtempSync(join(tmpdir(), 'prunegate-wheel-'));
const inVenv = (name: string): string =>
  process.platform === 'win32' ? join(folder, 'venv/Scripts', `${name}.exe`) : join(folder, 'venv/bin', name);

describe.skipIf(!canBuild)('the wheel for PyPI (skipped without a Python that has hatchling)', () => {
  beforeAll(() => {
    execFileSync(PYTHON, ['-m', 'hatchling', 'build', '-t', 'wheel', '-d', folder], {
      cwd: join(root, 'python'),
      stdio: 'ignore',
    });
    execFileSync(PYTHON, ['-m', 'venv', join(folder, 'venv')], { stdio: 'ignore' });
    const wheel = readdirSync(folder).find((file) => file.endsWith('-py3-none-any.whl'))!;
    // Nothing is fetched: the wheel stands alone where Node is.
    const alone = ['--quiet', '--disable-pip-version-check', '--no-index'];
    execFileSync(inVenv('python'), ['-m', 'pip', 'install', ...alone, join(folder, wheel)], { stdio: 'ignore' });
  });

  it('has the version of the action and of the npm package', () => {
    const version = execFileSync(
      inVenv('python'),
      ['-c', 'import importlib.metadata as m; print(m.version("prunegate"))'],
      { encoding: 'utf8' },
    );
    const command = execFileSync(inVenv('prunegate'), ['--version'], { encoding: 'utf8' });
    expect(version).toBe(command);
  });

  it('passes its own tests, installed from nothing: the command, the module and the functions', () => {
    const done = spawnSync(inVenv('python'), ['-m', 'unittest', 'discover', '-s', join(root, 'python/tests')], {
      cwd: folder,
      env: {
        ...process.env,
        PRUNEGATE_EXAMPLE: join(root, 'examples/mobilenet-v2'),
        PYTHONDONTWRITEBYTECODE: '1',
      },
      encoding: 'utf8',
    });
    expect(done.status, done.stderr).toBe(0);
    expect(done.stderr).toMatch(/^Ran [1-9]\d* tests/m);
    expect(done.stderr).not.toContain('skipped');
  });

  it.skipIf(!hasMypy)('has types that hold (skipped without mypy)', () => {
    const done = spawnSync(PYTHON, ['-m', 'mypy', '--cache-dir', join(folder, 'mypy')], {
      cwd: join(root, 'python'),
      encoding: 'utf8',
    });
    expect(done.status, done.stdout).toBe(0);
  });
});
