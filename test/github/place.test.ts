import { mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { pathInRepository, reviewPlace } from '../../src/github/place.ts';

const workspace = mkdtempSync(join(tmpdir(), 'prunegate-place-'));
for (const folder of ['ci', 'src/.git', 'src/ci/.git']) mkdirSync(join(workspace, folder), { recursive: true });

describe('the place of a finding in a report that anybody may have written', () => {
  it.each(['../x', 'a/../../x', 'a/./x', 'a//x', '/etc/x', 'a\\..\\x', ''])('is nowhere: %j', (file) => {
    expect(reviewPlace({ place: { file, line: 1, key: null, layer: null, filters: [] } })).toEqual({
      file: null,
      line: null,
    });
  });

  it('is where it says', () => {
    const place = { file: 'specs/..x.yaml', line: 3, key: null, layer: null, filters: [] };
    expect(reviewPlace({ place })).toEqual({ file: 'specs/..x.yaml', line: 3 });
  });
});

describe('a path in the repository', () => {
  it.each([
    ['prunegate.yml', 'prunegate.yml'],
    ['ci/prunegate.yml', 'ci/prunegate.yml'],
    ['src/prunegate.yml', 'prunegate.yml'],
    ['src/ci/prunegate.yml', 'ci/prunegate.yml'],
    ['src', 'src'],
  ])('starts where it was checked out: %s', (file, path) => {
    expect(pathInRepository(join(workspace, file), workspace)).toBe(path);
  });

  it.each(['..', '../prunegate.yml', '.'])('is none outside the workspace: %s', (file) => {
    expect(pathInRepository(join(workspace, file), workspace)).toBeNull();
  });

  it('is the same where the workspace itself is a link', () => {
    const link = `${workspace}-link`;
    symlinkSync(workspace, link);
    expect(pathInRepository(join(link, 'src/prunegate.yml'), link)).toBe('prunegate.yml');
    expect(pathInRepository(join(workspace, 'src/prunegate.yml'), link)).toBe('prunegate.yml');
  });

  it('does not move where a pull request makes links of folders', () => {
    const checkout = mkdtempSync(join(tmpdir(), 'prunegate-place-'));
    mkdirSync(join(checkout, '.git'));
    writeFileSync(join(checkout, 'prunegate.yml'), '');
    symlinkSync('.', join(checkout, 'ci'));
    expect(pathInRepository(join(checkout, 'ci/prunegate.yml'), checkout)).toBe('ci/prunegate.yml');
    symlinkSync('/etc', join(checkout, 'etc'));
    expect(pathInRepository(join(checkout, 'etc/prunegate.yml'), checkout)).toBe('etc/prunegate.yml');
  });
});
