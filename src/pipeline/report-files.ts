import { readdirSync, statSync } from 'node:fs';
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
    const found = matching(pattern);
    if (found.length === 0) throw inputErrorAt(at, 'names no file', pattern);
    return found;
  });
  return [...new Set(files)];
}

function matching(pattern: string): readonly string[] {
  const { base } = picomatch.scan(pattern);
  const folder = base === '' ? '.' : base;
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true) return [];
  const isMatch = picomatch(resolve(pattern).replaceAll('\\', '/'), { dot: true });
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((file) => isMatch(resolve(file).replaceAll('\\', '/')))
    .sort();
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
}
