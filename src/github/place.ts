import { existsSync, realpathSync } from 'node:fs';
import { join, relative, resolve, sep } from 'node:path';
import type { Place } from '../errors/place.ts';
import { isBelow, pathBelow } from '../files/index.ts';
import { repositoryPath } from '../report/index.ts';
import type { Finding } from '../verdict/index.ts';

/** A line that a reviewer can be pointed to. The file is relative to the workspace, as GitHub attaches annotations; null is nowhere. */
export interface ReviewPlace {
  readonly file: string | null;
  readonly line: number | null;
}

const NOWHERE: ReviewPlace = { file: null, line: null };

/** Where a finding of a report is shown, whose places are relative to the workspace: nowhere outside, for GitHub would drop the annotation. */
export function reviewPlace({ place: { file, line } }: Pick<Finding, 'place'>): ReviewPlace {
  const path = repositoryPath(file);
  return path === null ? NOWHERE : { file: path, line };
}

/** A place in a file outside the workspace is none. */
export function inWorkspace({ file, line }: Pick<Place, 'file' | 'line'>, workspace: string | undefined): ReviewPlace {
  const path = file === null ? null : pathBelow(file, folderOf(workspace));
  return path === null ? NOWHERE : { file: path, line };
}

/**
 * A file's path in the repository that was checked out, as the API names it; null outside the workspace. Links are not followed: a pull request that
 * puts a link in the place of a folder does not change which file of the base is meant. The outermost `.git` counts, which no pull request can hold.
 */
export function pathInRepository(file: string, workspace: string | undefined): string | null {
  const folder = resolve(folderOf(workspace));
  const below = [folder, real(folder)].map((root) => relative(root, resolve(file))).find(isBelow);
  if (below === undefined) return null;
  const parts = below.split(sep);
  const top = parts.findIndex((_, k) => existsSync(join(folder, ...parts.slice(0, k), '.git')));
  return parts.slice(Math.max(top, 0)).join('/');
}

function folderOf(workspace: string | undefined): string {
  return workspace === undefined || workspace === '' ? process.cwd() : workspace;
}

/** The workspace may be a link, and the process's folder is what it leads to. */
function real(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}
