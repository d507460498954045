import { type Dirent, readdirSync, type Stats, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import picomatch from 'picomatch';
import { inputErrorAt, type Place } from '../errors/place.ts';

/**
 * The files that paths and patterns name, in order and once each.
 * @param patterns with `*`, `**`, `?` and `{a,b}`; a path that exists is itself
 * @throws InputError for one that names no file: a report that is missing must not pass
 */
export function reportFiles(patterns: readonly string[], at: Place): readonly string[] {
  if (patterns.length === 0) throw inputErrorAt(at, 'is required: name the reports to merge');
  const files = patterns.flatMap((pattern) => {
    if (isFile(pattern)) return [pattern];
    const found = matching(pattern, at);
    if (found.length === 0) throw inputErrorAt(at, 'names no file', pattern);
    return found;
  });
  return [...new Set(files)];
}

function matching(pattern: string, at: Place): readonly string[] {
  const { base } = picomatch.scan(pattern);
  const folder = base === '' ? '.' : base;
  if (statOf(folder)?.isDirectory() !== true) return [];
  const isMatch = picomatch(resolve(pattern).replaceAll('\\', '/'), { dot: true });
  return entriesBelow(folder, at)
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((file) => isMatch(resolve(file).replaceAll('\\', '/')))
    .sort();
}

/** @throws InputError where a folder cannot be looked into: a report that nobody sees must not pass */
function entriesBelow(folder: string, at: Place): readonly Dirent[] {
  try {
    return readdirSync(folder, { recursive: true, withFileTypes: true });
  } catch (error) {
    const { code, path } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    throw inputErrorAt(at, `names a folder that cannot be searched (${code})`, path ?? folder);
  }
}

function isFile(path: string): boolean {
  return statOf(path)?.isFile() ?? false;
}

/** null for what is not there, or is no path at all, as a long pattern. */
function statOf(path: string): Stats | null {
  try {
    return statSync(path);
  } catch {
    return null;
  }
}
