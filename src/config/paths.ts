import { isAbsolute, relative, resolve } from 'node:path';
import { inputErrorAt, type Place } from '../errors/place.ts';

/**
 * A path that the user gave, as one that can be opened and shown: relative to the process's folder where it lies below, as messages and
 * annotations want it, else absolute; a path given relative to that very folder, or absolute, stays as it was written.
 * @param base the absolute folder to which the path is relative.
 * @throws InputError for `~` (only shells expand it) and NUL.
 */
export function openablePath(path: string, base: string, place: Place): string {
  if (path === '~' || /^~[/\\]/.test(path))
    throw inputErrorAt(place, 'must be a whole path: ~ is not expanded here', path);
  if (path.includes('\0')) throw inputErrorAt(place, 'must not hold a NUL character', path);
  const here = process.cwd();
  if (isAbsolute(path) || base === here) return path;
  const whole = resolve(base, path);
  const shown = relative(here, whole);
  if (shown === '') return '.';
  return isAbsolute(shown) || shown.split(/[/\\]/)[0] === '..' ? whole : shown;
}
