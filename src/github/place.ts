import { existsSync, realpathSync } from 'node:fs';
import { isAbsolute, join, relative, resolve, sep } from 'node:path';
import type { ModelRequest } from '../config/index.ts';
import type { Place } from '../errors/place.ts';

import type { Finding } from '../verdict/index.ts';

/** A line that a reviewer can be pointed to. The file is relative to the workspace, as GitHub attaches annotations; null is nowhere. */
export interface ReviewPlace {
  readonly file: string | null;
  readonly line: number | null;
}

const NOWHERE: ReviewPlace = { file: null, line: null };

/**
 * Where a finding is told: at the key of the spec that decided, in the spec's file or in prunegate.yml, which may hold or override it.
 * A lock file with a line for each layer would be the better place, and this is where it would be asked for.
 */
export function reviewPlace(
  { spec, at }: Pick<ModelRequest, 'spec' | 'at'>,
  { specKey }: Pick<Finding, 'layers' | 'specKey'>,
  workspace: string | undefined,
): ReviewPlace {
  if (spec === null) return inWorkspace(at('spec'), workspace);
  const decided = spec.at(specKey);
  // An override given as an input stands in no file; then the spec is what it overrides.
  return inWorkspace(decided.file === null ? { file: spec.file, line: null } : decided, workspace);
}

/** A place in a file outside the workspace is none: GitHub would drop the annotation. */
export function inWorkspace({ file, line }: Pick<Place, 'file' | 'line'>, workspace: string | undefined): ReviewPlace {
  if (file === null) return NOWHERE;
  const folder = real(workspace === undefined || workspace === '' ? process.cwd() : workspace);
  const path = relative(folder, real(resolve(file)));
  return isBelow(path) ? { file: path.split(sep).join('/'), line } : NOWHERE;
}

/**
 * A file's path in the repository that was checked out, as the API names it; null outside the workspace. Links are not followed: a pull request that
 * puts a link in the place of a folder does not change which file of the base is meant. The outermost `.git` counts, which no pull request can hold.
 */
export function pathInRepository(file: string, workspace: string | undefined): string | null {
  const folder = resolve(workspace === undefined || workspace === '' ? process.cwd() : workspace);
  const below = [folder, real(folder)].map((root) => relative(root, resolve(file))).find(isBelow);
  if (below === undefined) return null;
  const parts = below.split(sep);
  const top = parts.findIndex((_, k) => existsSync(join(folder, ...parts.slice(0, k), '.git')));
  return parts.slice(Math.max(top, 0)).join('/');
}

function isBelow(path: string): boolean {
  return path !== '' && !isAbsolute(path) && path !== '..' && !path.startsWith(`..${sep}`);
}

/** The workspace may be a link, and the process's folder is what it leads to. */
function real(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}
