import { type BigIntStats, constants, lstatSync, realpathSync, statSync } from 'node:fs';
import { dirname, join, sep } from 'node:path';
import type { Refuse } from '../bytes/index.ts';
import { InputError } from '../errors/input-error.ts';
import type { Beside } from '../onnx/index.ts';
import { changedMeanwhile, fileError, isSame, openRegularFile, type RegularFile } from './regular-file.ts';

export interface FilesBeside extends Beside {
  /** @throws InputError where a file that was read is another one now */
  requireUnchanged(): void;
  close(): void;
}

/**
 * The external data of the model at `path`. The last file stays open: most models keep all weights in one, some keep each
 * in its own, and those may be thousands.
 */
export function filesBeside(path: string): FilesBeside {
  let last: { readonly location: string; readonly file: RegularFile } | null = null;
  /** As each was when it was opened first. */
  const seen = new Map<string, BigIntStats>();
  const requireSame = (name: string, now: BigIntStats | undefined): void => {
    const before = seen.get(name);
    if (before !== undefined && (now === undefined || !isSame(before, now))) throw changedMeanwhile(name);
  };
  const close = (): void => {
    last?.file.close();
    last = null;
  };
  return {
    open(location, refuse) {
      if (last?.location !== location) {
        close();
        last = { location, file: openBeside(path, location, refuse) };
        const { name, stats } = last.file;
        requireSame(name, stats);
        seen.set(name, stats);
      }
      return last.file;
    },
    requireUnchanged() {
      for (const name of seen.keys()) requireSame(name, statSync(name, { bigint: true, throwIfNoEntry: false }));
    },
    size(location) {
      try {
        return statSync(join(dirname(path), location), { throwIfNoEntry: false })?.size ?? null;
      } catch {
        // A file where a directory should be, a name that is too long: whoever opens it says so.
        return null;
      }
    },
    close,
  };
}

/**
 * Opens a file below the model's directory. A model is untrusted, so that its external data must not become a way to read
 * other files: no symbolic link on the way (CVE-2026-27489; it may be swapped for one while we look, so the descriptor is
 * compared with what was looked at, CWE-367), no second hard link, and a real path inside the directory.
 *
 * Links that stay inside are refused too, as are those of a Hugging Face cache, which lead to ../../blobs: telling a cache's
 * links from an attacker's would need trust in the directory's layout. The message says to copy the file.
 */
function openBeside(model: string, location: string, refuse: Refuse): RegularFile {
  // A file's second stream on Windows.
  if (process.platform === 'win32' && location.includes(':')) throw refuse('names a drive or stream');
  try {
    const directory = realpathSync(dirname(model));
    const path = join(directory, location);
    const seen = statWithoutLinks(directory, location, refuse);
    const file = openRegularFile(path, constants.O_NOFOLLOW ?? 0, refuse);
    const problem = problemOnceOpen(file, seen, directory);
    if (problem === null) return file;
    file.close();
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
  return realpathSync(file.name).startsWith(inside) ? null : 'lies outside the directory of the model';
}
