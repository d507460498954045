import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { InputError } from '../../src/errors/input-error.ts';
import { lookAt, requireFresh } from '../../src/process/outputs.ts';

const folder = mkdtempSync(join(tmpdir(), 'prunegate-outputs-'));
const path = join(folder, 'pruned.onnx');
const YESTERDAY = new Date('2026-11-23T10:00:00Z');
const NOW = new Date('2026-11-24T08:00:00Z');

/** Holds the file to be fresh after something was done. */
async function freshAfter(action: () => void): Promise<void> {
  const before = await lookAt(path);
  action();
  await requireFresh(
    { path, at: { file: 'prunegate.yml', line: 4, key: 'pruned' } },
    before,
    'the prune command',
    NOW,
    ['last words'],
  );
}

const stale = `prunegate.yml:4: pruned: ${path} is stale: it is from 2026-11-23T10:00:00.000Z, and the prune command, started 2026-11-24T08:00:00.000Z, did not write it`;

beforeEach(() => {
  rmSync(path, { recursive: true, force: true });
  writeFileSync(path, 'old');
  utimesSync(path, YESTERDAY, YESTERDAY);
});

describe('requireFresh', () => {
  it('takes a file that was not there before', async () => {
    rmSync(path);
    await freshAfter(() => writeFileSync(path, 'new'));
  });

  it('refuses a file that the command did not touch, with both times and its last words', async () => {
    const refused = freshAfter(() => {});
    await expect(refused).rejects.toThrow(stale);
    await expect(refused).rejects.toBeInstanceOf(InputError);
    await expect(refused).rejects.toMatchObject({ details: { output: ['last words'] } });
  });

  it('refuses a file of which only the mode was changed', async () => {
    await expect(freshAfter(() => chmodSync(path, 0o600))).rejects.toThrow(stale);
  });

  it('takes a file that was written anew with the same content', async () => {
    await freshAfter(() => writeFileSync(path, 'old'));
  });

  it('takes another content of the same size under the same time and inode', async () => {
    await freshAfter(() => {
      writeFileSync(path, 'new');
      utimesSync(path, YESTERDAY, YESTERDAY);
    });
  });

  it('takes another file that was moved there, its time kept', async () => {
    const inode = statSync(path).ino;
    await freshAfter(() => {
      writeFileSync(`${path}.new`, 'old');
      utimesSync(`${path}.new`, YESTERDAY, YESTERDAY);
      renameSync(`${path}.new`, path);
    });
    expect(statSync(path).ino).not.toBe(inode);
  });

  it('looks behind symbolic links', async () => {
    rmSync(path);
    writeFileSync(join(folder, 'run1.onnx'), 'old');
    symlinkSync('run1.onnx', path);
    await expect(freshAfter(() => {})).rejects.toThrow('is stale');
    await freshAfter(() => writeFileSync(join(folder, 'run1.onnx'), 'newer'));
  });

  it('says that a file is missing, or gone', async () => {
    const missing = `prunegate.yml:4: pruned: ${path} is missing: the prune command did not write it`;
    await expect(freshAfter(() => rmSync(path))).rejects.toThrow(missing);
    await expect(freshAfter(() => {})).rejects.toThrow(missing);
  });

  it('leaves what is no regular file to the reader', async () => {
    rmSync(path);
    mkdirSync(path);
    await freshAfter(() => writeFileSync(join(path, 'x'), ''));
    await expect(freshAfter(() => {})).rejects.toThrow('is stale');
  });
});
