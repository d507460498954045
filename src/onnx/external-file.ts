import { type BigIntStats, closeSync, constants, lstatSync, realpathSync } from 'node:fs';
import { dirname, join, sep } from 'node:path';
import { InputError, shown } from '../config/errors.ts';
import {
  bufferFor,
  fileError,
  openRegularFile,
  type Refuse,
  type RegularFile,
  type ReusableBuffer,
  readFully,
} from './file.ts';
import type { TensorStorage } from './model.ts';

type ExternalStorage = Extract<TensorStorage, { kind: 'external' }>;

/** Reads tensors kept in files beside the model. */
export interface ExternalReader {
  /**
   * @param expected bytes that the tensor's type and shape ask for.
   * @param key names the tensor in messages.
   * @param reuse is filled instead of a new buffer.
   * @throws InputError where the file may not be read or is too short.
   */
  read(storage: ExternalStorage, expected: number, key: string, reuse?: ReusableBuffer): Uint8Array;
  close(): void;
}

/**
 * A reader of the external data of the model at `path`. The last file stays open: most models keep all weights in one,
 * some keep each in its own, and those may be thousands.
 */
export function openExternalReader(path: string): ExternalReader {
  let last: { readonly location: string; readonly file: RegularFile } | null = null;
  const close = (): void => {
    if (last !== null) closeSync(last.file.descriptor);
    last = null;
  };
  return {
    close,
    read: ({ location, offset }, expected, key, reuse) => {
      if (last?.location !== location) {
        close();
        last = { location, file: openBeside(path, location, key) };
      }
      const { file } = last;
      if (offset + expected > file.size) {
        throw new InputError(
          `needs bytes ${offset} to ${offset + expected} of ${shown(location)}, which has ${file.size}`,
          { file: path, key },
        );
      }
      const bytes = bufferFor(expected, path, key, reuse);
      readFully(file, bytes, offset, expected);
      return bytes;
    },
  };
}

/**
 * Opens a file below the model's directory. A model is untrusted, so that its external data must not become a way to read
 * other files: no symbolic link on the way (CVE-2026-27489; it may be swapped for one while we look, so the descriptor is
 * compared with what was looked at, CWE-367), no second hard link, and a real path inside the directory.
 *
 * Links that stay inside are refused too, as are those of a Hugging Face cache, which lead to ../../blobs: telling a cache's
 * links from an attacker's would need trust in the directory's layout. The message says to copy the file.
 *
 * @param location passed `locationProblem`: relative, with plain segments.
 */
function openBeside(model: string, location: string, key: string): RegularFile {
  const refuse: Refuse = (problem) => {
    return new InputError(`keeps its data in ${shown(location)}, which ${problem}`, { file: model, key });
  };
  try {
    const directory = realpathSync(dirname(model));
    const path = join(directory, location);
    const seen = statWithoutLinks(directory, location, refuse);
    const file = openRegularFile(path, constants.O_NOFOLLOW ?? 0, refuse);
    const problem = problemOnceOpen(file, seen, directory);
    if (problem === null) return file;
    closeSync(file.descriptor);
    throw refuse(problem);
  } catch (error) {
    throw error instanceof InputError ? error : fileError(error, refuse);
  }
}

/** Stats the file, having looked at each directory on the way to it. */
function statWithoutLinks(directory: string, location: string, refuse: Refuse): BigIntStats {
  let path = directory;
  let stats = lstatSync(directory, { bigint: true });
  for (const segment of location.split('/')) {
    path = join(path, segment);
    stats = lstatSync(path, { bigint: true });
    if (stats.isSymbolicLink())
      throw refuse('is or passes through a symbolic link: copy the file (cp -L) beside the model');
  }
  if (!stats.isFile()) throw refuse('is not a regular file');
  return stats;
}

/** What is wrong with an opened file, judged by its descriptor and by where its path leads now; null if nothing. */
function problemOnceOpen(file: RegularFile, seen: BigIntStats, directory: string): string | null {
  const { stats } = file;
  if (stats.ino !== seen.ino || stats.dev !== seen.dev) return 'was replaced while it was opened';
  if (stats.nlink > 1n) return 'has a second hard link: copy the file beside the model';
  // The separator keeps /models/resnet-evil from passing for a part of /models/resnet (CVE-2024-27318's lesson).
  const inside = directory.endsWith(sep) ? directory : directory + sep;
  return realpathSync(file.path).startsWith(inside) ? null : 'lies outside the directory of the model';
}
