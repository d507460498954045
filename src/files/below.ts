import { realpathSync } from 'node:fs';
import { isAbsolute, relative, resolve, sep } from 'node:path';

/** A file's path below a folder, with forward slashes; links are followed. Null where it does not lie there. */
export function pathBelow(file: string, folder: string): string | null {
  const path = relative(real(folder), real(resolve(file)));
  return isBelow(path) ? path.split(sep).join('/') : null;
}

/** Whether a relative path stays in the folder that it is relative to, and is not that folder. */
export function isBelow(path: string): boolean {
  return path !== '' && !isAbsolute(path) && path !== '..' && !path.startsWith('../') && !path.startsWith(`..${sep}`);
}

/** A folder may be a link, and the process's own is what it leads to. */
function real(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}
