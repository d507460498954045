import { lstatSync, realpathSync, statSync } from 'node:fs';
import { dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';

/** A file's path below a folder, with forward slashes; links are followed. Null where it does not lie there. */
export function pathBelow(file: string, folder: string): string | null {
  const [whole, root] = [real(resolve(file)), real(resolve(folder))];
  const path = whole === null || root === null ? '..' : relative(root, whole);
  return isBelow(path) ? path.split(sep).join('/') : null;
}

/** Whether a relative path stays in the folder that it is relative to, and is not that folder. */
export function isBelow(path: string): boolean {
  return path !== '' && !isAbsolute(path) && path !== '..' && !path.startsWith('../') && !path.startsWith(`..${sep}`);
}

/** How a path lies to a folder: in it, out of it as it is written, or out of it by links alone. */
export function whereabouts(path: string, folder: string): 'inside' | 'outside' | 'linked' {
  if (pathBelow(path, folder) !== null) return 'inside';
  const roots = [resolve(folder), real(resolve(folder)) ?? resolve(folder)];
  return roots.some((root) => isBelow(relative(root, resolve(path)))) ? 'linked' : 'outside';
}

/**
 * Whether a path lies in a folder, as it is written or in truth: links are followed, /proc/self/cwd is one too, and folders are
 * compared by device and inode, so that one that is mounted elsewhere is known as well.
 */
export function liesInside(path: string, folder: string): boolean {
  const way = relative(resolve(folder), resolve(path));
  if (way === '' || isBelow(way)) return true;
  const target = identityOf(folder);
  const whole = real(resolve(path));
  return target !== null && whole !== null && foldersAbove(whole).some((above) => identityOf(above) === target);
}

/** A path and all above it. */
function foldersAbove(path: string): readonly string[] {
  const all = [path];
  for (let above = dirname(path); above !== all.at(-1); above = dirname(above)) all.push(above);
  return all;
}

function identityOf(path: string): string | null {
  try {
    const { dev, ino } = statSync(path, { bigint: true });
    return `${dev} ${ino}`;
  } catch {
    return null;
  }
}

/** The path without links, as far as it is there: what is not yet would be made in the folders that are. Null for a link to nowhere. */
function real(path: string): string | null {
  try {
    return realpathSync(path);
  } catch {
    if (isThere(path)) return null;
    const parent = dirname(path);
    const above = parent === path ? path : real(parent);
    return above === null ? null : join(above, relative(parent, path));
  }
}

function isThere(path: string): boolean {
  try {
    lstatSync(path);
    return true;
  } catch {
    return false;
  }
}
