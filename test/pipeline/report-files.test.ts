import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { reportFiles } from '../../src/pipeline/report-files.ts';

const work = mkdtempSync(join(tmpdir(), 'prunegate-files-'));
afterAll(() => rmSync(work, { recursive: true, force: true }));
const at = { file: null, line: null, key: 'reports' };

it('names files by paths and patterns, once each and in order', () => {
  for (const name of ['b', 'a']) {
    mkdirSync(join(work, 'r', name), { recursive: true });
    writeFileSync(join(work, 'r', name, 'report.json'), '{}');
  }
  const [a, b] = ['a', 'b'].map((name) => join(work, 'r', name, 'report.json'));
  expect(reportFiles([b!, join(work, '**/report.json')], at)).toEqual([b, a]);
});

it.each([
  ['a path that is too long', 'x'.repeat(5000)],
  ['a pattern that is too long', '+(a|aa)'.repeat(50)],
  ['no path', 'a\u0000b'],
  ['nothing that is there', 'nope/**/*.json'],
])('is refused in one line: %s', (_, pattern) => {
  expect(() => reportFiles([pattern], at)).toThrow(/^reports: names no file/);
});

/** Whom no folder of a disk is closed to. */
const isRoot = process.getuid?.() === 0;

it.skipIf(isRoot)('is refused where a folder cannot be searched, for a report there would not be seen', () => {
  const closed = join(work, 'closed');
  mkdirSync(closed);
  chmodSync(closed, 0);
  try {
    expect(() => reportFiles([join(work, '**/report.json')], at)).toThrow(
      /^reports: names a folder that cannot be searched \(EACCES\) \(found ".*closed"\)$/,
    );
  } finally {
    chmodSync(closed, 0o700);
  }
});
