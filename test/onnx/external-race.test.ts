import { linkSync, mkdirSync, realpathSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { openModel } from '../../src/files/index.ts';
import { modelWith, refusal, temporaryDirectory } from './support.ts';

/** Runs once, just before the next openSync of a path that ends in .bin: what an attacker does while we look. */
let meanwhile: (() => void) | null = null;

vi.mock('node:fs', async (original) => {
  const fs = await original<typeof import('node:fs')>();
  const openSync = (path: string, flags: number): number => {
    const act = String(path).endsWith('.bin') ? meanwhile : null;
    if (act !== null) {
      meanwhile = null;
      act();
    }
    return fs.openSync(path, flags);
  };
  return { ...fs, openSync };
});

const root = realpathSync(temporaryDirectory());
const directory = join(root, 'model');
const path = join(directory, 'model.onnx');

/** Reads data/weights.bin while `swap` changes it between the look at it and its opening (CWE-367). */
function readDuring(swap: (file: string, secret: string) => void): string {
  const file = join(directory, 'data', 'weights.bin');
  const secret = join(root, 'model-evil');
  rmSync(directory, { recursive: true, force: true });
  rmSync(secret, { recursive: true, force: true });
  mkdirSync(join(directory, 'data'), { recursive: true });
  mkdirSync(secret, { recursive: true });
  writeFileSync(file, new Uint8Array(8));
  writeFileSync(join(secret, 'weights.bin'), 'secrets!');
  const externalData = [{ key: 'location', value: 'data/weights.bin' }];
  writeFileSync(path, modelWith({ name: 'w', dims: [2n], dataType: 1, dataLocation: 1, externalData }));
  const model = openModel(path);
  meanwhile = () => swap(file, secret);
  try {
    return refusal(() => model.model.graph.initializers.get('w')!.read());
  } finally {
    model.close();
  }
}

describe.runIf(process.platform !== 'win32')('a file swapped while it is opened is refused', () => {
  it('for a symbolic link', () => {
    const message = readDuring((file, secret) => {
      unlinkSync(file);
      symlinkSync(join(secret, 'weights.bin'), file);
    });
    expect(message).toContain('is a symbolic link that may not be followed');
  });

  it('for another file', () => {
    const message = readDuring((file, secret) => renameSync(join(secret, 'weights.bin'), file));
    expect(message).toContain('was replaced while it was opened');
  });

  it('for a hard link of the same file', () => {
    const message = readDuring((file, secret) => linkSync(file, join(secret, 'twice')));
    expect(message).toContain('has a second hard link');
  });

  it('for a directory that became a link to where the same file went', () => {
    const message = readDuring((file, secret) => {
      renameSync(file, join(secret, 'weights.bin'));
      renameSync(join(directory, 'data'), join(directory, 'was'));
      symlinkSync(secret, join(directory, 'data'));
    });
    expect(message).toContain('lies outside the directory of the model');
  });
});
