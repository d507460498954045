import { existsSync, mkdtempSync, statSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { makeFolder } from '../../src/files/index.ts';

const folder = mkdtempSync(join(tmpdir(), 'prunegate-folder-'));

describe('a folder', () => {
  it('is made with those above it, also where it is there already', () => {
    const path = join(folder, 'a/b/c');
    makeFolder(path);
    makeFolder(path);
    expect(statSync(path).isDirectory()).toBe(true);
  });

  // Node's mkdir goes round for ever there.
  it.skipIf(!existsSync('/proc/self'))('that cannot be made is an error, at once', () => {
    expect(() => makeFolder('/proc/none/a')).toThrow(/ENOENT/);
  });

  it('is not made where a link leads nowhere', () => {
    symlinkSync(join(folder, 'nowhere'), join(folder, 'link'));
    expect(() => makeFolder(join(folder, 'link/a'))).toThrow(/ENOENT/);
    expect(existsSync(join(folder, 'nowhere'))).toBe(false);
  });
});
