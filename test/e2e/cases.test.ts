import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { fileIn } from '../support/fixture-files.ts';

/** Small models from public reports of users of pruning libraries and exporters, each with the exit statuses that are right. */
const CASES = join(import.meta.dirname, '../fixtures/cases');
const CLI = join(import.meta.dirname, '../../dist/cli.cjs');

interface Run {
  readonly args: readonly string[];
  readonly exit: readonly number[];
  /** Patterns that the output has, or lacks. */
  readonly has?: string;
  readonly lacks?: string;
}

describe.each(readdirSync(CASES))('%s', (name) => {
  const folder = join(CASES, name);
  const runs = JSON.parse(readFileSync(join(folder, 'expected.json'), 'utf8')) as readonly Run[];
  for (const { args, exit, has, lacks } of runs) {
    it(args.join(' '), () => {
      const full = args.map((arg) => (existsSync(fileIn(folder, arg)) ? fileIn(folder, arg) : arg));
      const { status, stdout, stderr } = spawnSync(process.execPath, [CLI, ...full], {
        cwd: tmpdir(),
        encoding: 'utf8',
      });
      const text = `${stdout}${stderr}`;
      expect(exit, text).toContain(status);
      if (has !== undefined) expect(text).toMatch(new RegExp(has));
      if (lacks !== undefined) expect(text).not.toMatch(new RegExp(lacks));
    });
  }
});
