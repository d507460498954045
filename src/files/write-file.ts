import { type BigIntStats, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { InputError } from '../errors/input-error.ts';
import { makeFolder } from './make-folder.ts';

/**
 * Writes a file under a temporary name and renames it; its folder is made where it is missing.
 * @throws InputError where it cannot be written, or something else than a file bears its name
 */
export function writeWhole(target: string, text: string): void {
  requireReplaceable(target);
  const temporary = `${target}.${process.pid}.tmp`;
  try {
    makeFolder(dirname(target));
    // A link that lies there under this name is not followed.
    rmSync(temporary, { force: true });
    writeFileSync(temporary, text, { flag: 'wx' });
    renameSync(temporary, target);
  } catch (error) {
    discard(temporary);
    throw new InputError(`cannot be written: ${(error as NodeJS.ErrnoException).code ?? String(error)}`, {
      file: target,
    });
  }
}

/**
 * What a rename would take the place of: a device node or a pipe would be gone for all who use it.
 * @returns null where there is nothing
 * @throws InputError where it is no regular file
 */
export function requireReplaceable(target: string): BigIntStats | null {
  const found = statsOf(target);
  if (found?.isDirectory() === true) throw new InputError('is a directory: name the file to write', { file: target });
  if (found !== null && !found.isFile())
    throw new InputError('is not a regular file: name another one to write', { file: target });
  return found;
}

/** Null where there is nothing, or nothing can be there: writing it will say so. */
export function statsOf(path: string): BigIntStats | null {
  try {
    return statSync(path, { bigint: true, throwIfNoEntry: false }) ?? null;
  } catch {
    return null;
  }
}

function discard(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // It was never made: its folder could not be.
  }
}
