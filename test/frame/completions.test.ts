import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '../..');
const script = join(root, 'completions/prunegate.bash');
const has = (shell: string): boolean => spawnSync(shell, ['-c', 'true'], { stdio: 'ignore' }).status === 0;

/** What bash offers for the last of these words. */
function offered(...words: readonly string[]): readonly string[] {
  const run = `source "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _prunegate; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout, status } = spawnSync('bash', ['--norc', '-c', run, script, ...words], {
    encoding: 'utf8',
    cwd: root,
  });
  expect(status).toBe(0);
  return stdout.split('\n').filter((line) => line !== '');
}

describe.skipIf(!has('bash'))('completions in bash', () => {
  it('offers commands, the flags of a command, the words that a flag takes, and files', () => {
    expect(offered('prunegate', 'ex')).toEqual(['expect', 'explain']);
    expect(offered('prunegate', 'do')).toEqual(['doctor']);
    expect(offered('prunegate', 'check', '--dense')).toEqual(['--dense', '--dense-folded']);
    expect(offered('prunegate', 'plan', '--')).toEqual(['--config', '--no-config']);
    expect(offered('prunegate', 'check', '--folding', '')).toEqual(['raw', 'folded']);
    expect(offered('prunegate', 'check', '--dense', 'action.')).toEqual(['action.yml']);
  });
});

describe.skipIf(!has('zsh'))('completions in zsh (skipped without it)', () => {
  it('takes the script of bash', () => {
    const { stderr, status } = spawnSync(
      'zsh',
      ['-f', '-c', 'autoload -U compinit bashcompinit; compinit -D; bashcompinit; source "$0"', script],
      { encoding: 'utf8' },
    );
    expect(stderr).toBe('');
    expect(status).toBe(0);
  });
});

describe.skipIf(!has('fish'))('completions in fish (skipped without it)', () => {
  it('offers the flags of a command', () => {
    const run = `source completions/prunegate.fish; complete -C 'prunegate check --dense'`;
    const { stdout } = spawnSync('fish', ['--no-config', '-c', run], { encoding: 'utf8', cwd: root });
    expect(stdout.split('\n').map((line) => line.split('\t')[0])).toEqual(['--dense', '--dense-folded', '']);
  });
});

describe('the hook of pre-commit', () => {
  it('starts a file that runs as it lies here', () => {
    const hooks = readFileSync(join(root, '.pre-commit-hooks.yaml'), 'utf8');
    const [, program] = /^ {2}entry: (\S+) check --no-commands$/m.exec(hooks)!;
    expect(spawnSync(process.execPath, [join(root, program!), '--version'], { encoding: 'utf8' }).status).toBe(0);
    expect(readFileSync(join(root, program!), 'utf8')).toMatch(/^#!\/usr\/bin\/env node\n/);
  });
});
