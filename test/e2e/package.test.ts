import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, normalize } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '../..');
const folder = mkdtempSync(join(tmpdir(), 'prunegate-package-'));
const unpacked = join(folder, 'package');
/** npm and npx are scripts there, which only a shell starts. */
const shell = process.platform === 'win32';
const tarball = (): string => join(folder, readdirSync(folder).find((file) => file.endsWith('.tgz'))!);

/** Of a shipped page only these may point out of the package: whoever follows them has the repository. */
const ONLY_IN_REPOSITORY =
  /^(?:src|test|scripts|bench|site|python|examples\/mobilenet-v2|docs\/recordings|\.github|\.ci)(?:\/|$)/;

beforeAll(() => {
  execFileSync('npm', ['pack', '--pack-destination', folder], { cwd: root, shell, stdio: 'ignore' });
  execFileSync('tar', ['-xzf', tarball(), '-C', folder]);
});

const files = (below: string): readonly string[] =>
  readdirSync(below, { recursive: true, encoding: 'utf8' }).filter((file) => statSync(join(below, file)).isFile());

describe('the package for npm', () => {
  it('needs no other package and runs no script where it is installed', () => {
    const manifest: Record<string, unknown> = JSON.parse(readFileSync(join(unpacked, 'package.json'), 'utf8'));
    expect(manifest['dependencies'] ?? {}).toEqual({});
    expect(manifest['optionalDependencies'] ?? {}).toEqual({});
    expect(manifest['peerDependenciesMeta']).toEqual({ 'onnxruntime-node': { optional: true } });
    expect(
      Object.keys(manifest['scripts'] as object).filter((script) => /install|prepare|postpack/.test(script)),
    ).toEqual([]);
    for (const key of ['repository', 'homepage', 'bugs', 'keywords', 'license'])
      expect(manifest[key], key).toBeTruthy();
  });

  it('runs from nothing: npx prunegate --help and a check in an empty folder', () => {
    const empty = mkdtempSync(join(tmpdir(), 'prunegate-npx-'));
    const env = { ...process.env, npm_config_cache: join(empty, 'cache'), npm_config_offline: 'true' };
    const npx = (...args: readonly string[]) =>
      spawnSync('npx', ['--yes', '--package', tarball(), '--', 'prunegate', ...args], {
        cwd: empty,
        env,
        shell,
        encoding: 'utf8',
      });
    const help = npx('--help');
    expect(help.status, help.stderr).toBe(0);
    expect(help.stdout).toContain('check');
    cpSync(join(root, 'examples/mobilenet-v2'), empty, { recursive: true });
    const models = ['--dense', 'dense.onnx', '--spec', 'prune.yaml'];
    expect(npx('check', ...models, '--pruned', 'pruned.onnx').status).toBe(0);
    expect(npx('check', ...models, '--pruned', 'pruned-naive.onnx').status).toBe(1);
  });

  it('has what its pages point to', () => {
    const shipped = files(unpacked);
    expect(shipped).toContain('README.md');
    const dead: string[] = [];
    for (const page of shipped.filter((file) => file.endsWith('.md'))) {
      const text = readFileSync(join(unpacked, page), 'utf8').replaceAll(/```[\s\S]*?```/g, '');
      for (const [, target] of text.matchAll(/\]\(([^)\s#]+)[^)]*\)/g)) {
        if (/^[a-z]+:/.test(target!)) continue;
        const place = normalize(join(dirname(page), target!));
        if (existsSync(join(unpacked, place))) continue;
        if (!(ONLY_IN_REPOSITORY.test(place) && existsSync(join(root, place)))) dead.push(`${page}: ${target}`);
      }
    }
    expect(dead).toEqual([]);
  });

  it('holds what is run and read, and no test or model', () => {
    expect(files(unpacked).filter((file) => /\.(?:onnx|test\.ts|pyc|tgz)$/.test(file))).toEqual([]);
    const bytes = files(unpacked).reduce((sum, file) => sum + statSync(join(unpacked, file)).size, 0);
    expect(bytes).toBeLessThan(4_000_000);
  });
});
