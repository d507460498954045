import { isBelow } from '../files/index.ts';

/**
 * A file of a report as a path in the repository, with slashes; null where it lies outside. A merged report may be anybody's, and its paths become links:
 * one that does not lead where it seems to is none.
 */
export function repositoryPath(file: string | null): string | null {
  if (file === null || !isBelow(file)) return null;
  const parts = file.split(/[\\/]/);
  return parts.every((part) => part !== '' && part !== '.' && part !== '..') ? parts.join('/') : null;
}
