import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';

const root = join(import.meta.dirname, '../..');

interface Workflow {
  readonly jobs: Readonly<
    Record<
      string,
      { readonly needs?: string | readonly string[]; readonly permissions: Readonly<Record<string, string>> }
    >
  >;
}

const { jobs }: Workflow = parse(readFileSync(join(root, '.github/workflows/release.yml'), 'utf8'));

describe('release.yml', () => {
  it('publishes nothing that was not checked', () => {
    const needed = (job: string): readonly string[] => {
      const direct = [jobs[job]!.needs ?? []].flat();
      return [...direct, ...direct.flatMap(needed)];
    };
    for (const job of Object.keys(jobs).filter((name) => name !== 'check')) expect(needed(job), job).toContain('check');
  });

  it('lets one job alone write to the repository, and none that runs code of ours or of a dependency publish', () => {
    const writers = Object.entries(jobs).filter(([, { permissions }]) => permissions['contents'] === 'write');
    expect(writers.map(([name]) => name)).toEqual(['release']);
    expect(jobs['check']!.permissions).toEqual({ contents: 'read' });
  });
});

describe.skipIf(process.platform === 'win32')('.github/move-major.sh', () => {
  const folder = mkdtempSync(join(tmpdir(), 'prunegate-major-'));
  const [remote, work] = [join(folder, 'remote.git'), join(folder, 'work')];
  const git = (...args: readonly string[]): string =>
    execFileSync('git', ['-c', 'user.name=x', '-c', 'user.email=x@y', ...args], {
      cwd: work,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
  const commit = (tag: string): string => {
    git('commit', '--allow-empty', '-qm', tag);
    git('tag', tag);
    return git('rev-parse', 'HEAD');
  };
  const move = (version: string): number | null => {
    git('fetch', '--quiet', '--force', remote, 'refs/tags/*:refs/tags/*');
    const env = { ...process.env, MOVE_MAJOR_REMOTE: remote };
    return spawnSync('bash', [join(root, '.github/move-major.sh'), version], { cwd: work, env }).status;
  };
  const major = (): string => git('ls-remote', remote, 'refs/tags/v1').split('\t')[0]!;

  it('moves the tag of the major version forward, and never back or aside', () => {
    execFileSync('git', ['init', '-q', '--bare', remote]);
    execFileSync('git', ['init', '-q', '-b', 'main', work]);
    const first = commit('v1.0.0');
    expect(move('v1.0.0')).toBe(0);
    expect(major()).toBe(first);
    const second = commit('v1.1.0');
    expect(move('v1.1.0')).toBe(0);
    expect(major()).toBe(second);
    expect(move('v1.0.0')).toBe(1);
    git('checkout', '-q', '-b', 'aside', first);
    commit('v1.0.1');
    expect(move('v1.0.1')).toBe(1);
    expect(major()).toBe(second);
    expect(move('v1')).toBe(2);
  });
});
