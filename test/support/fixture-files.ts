import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Names of a fixture's files that are byte for byte files elsewhere, relative to its folder. No file is kept twice. */
function sameIn(folder: string): Readonly<Record<string, string>> {
  const path = join(folder, 'same.json');
  return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : {};
}

/** Where a file of a fixture lies. */
export function fileIn(folder: string, name: string): string {
  return join(folder, sameIn(folder)[name] ?? name);
}

/** The names of all files of a fixture. */
export function filesIn(folder: string): readonly string[] {
  return [...readdirSync(folder).filter((name) => name !== 'same.json'), ...Object.keys(sameIn(folder))];
}
