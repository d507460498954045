import { join } from 'node:path';
import { type ModelRequest, type ModelSettingKey, PATH_SETTINGS, settingName } from '../config/index.ts';
import { InputError } from '../errors/input-error.ts';
import { inputErrorAt, type Place } from '../errors/place.ts';
import { pathBelow, whereabouts } from '../files/index.ts';
import type { Channel } from '../github/index.ts';

/** How far what an unmerged change names may reach. */
export interface Confines {
  /** The workspace. */
  readonly root: string;
  /** The runner's temporary folder. */
  readonly temporary: string | undefined;
  /** Whether whoever wrote the change may not run code here, so that a link must not do in its place. */
  readonly isFork: boolean;
}

export function confinesOf({ event, workspace, temporary }: Channel): Confines {
  return { root: workspace ?? process.cwd(), temporary, isFork: event?.isFork ?? false };
}

/** Files whose values are quoted. */
const QUOTED: readonly ModelSettingKey[] = ['spec', 'reported', 'lockFile'];

/**
 * Refuses files out of the workspace that a pull request's prunegate.yml names, or that a link in the place of one of its files leads to: the runner's
 * user can read more than its author. What the workflow itself names may lie anywhere.
 * @throws InputError
 */
export function confine(request: ModelRequest, confines: Confines): void {
  for (const key of PATH_SETTINGS) {
    const values: unknown = request[key as keyof ModelRequest];
    const at = request.at(key);
    for (const path of [values].flat()) {
      if (typeof path !== 'string') continue;
      if (key === 'onnxruntime') refuseCode(path, at, confines);
      else if (key === 'reportDir') refuseFolder(join(path, request.name ?? 'model'), path, at, confines);
      else refuseFile(key, path, at, confines);
    }
  }
  if (request.spec !== null) refuseFile('spec', request.spec.file, request.at('spec'), confines);
}

/**
 * The error without what it quotes, where that may come of a file out of the workspace. What lies in the runner's temporary folder by its own path
 * is written there by this run, and its error says why that failed.
 */
export function withoutQuotes(error: InputError, { root, temporary }: Confines): InputError {
  const { file } = error.details;
  const where = file === undefined ? 'inside' : whereabouts(file, root);
  if (file === undefined || where === 'inside') return error;
  if (where === 'outside' && temporary !== undefined && pathBelow(file, temporary) !== null) return error;
  return new InputError('is not as it should be; what it holds is not quoted, for it lies outside of the workspace', {
    file,
  });
}

/** Whether a prunegate.yml of the workspace says it; one that lies elsewhere came with no pull request. */
function isFromFile({ file }: Place, root: string): boolean {
  return file !== null && whereabouts(file, root) !== 'outside';
}

function refuseCode(path: string, at: Place, { root }: Confines): void {
  if (isFromFile(at, root))
    throw inputErrorAt(at, `is code, and this prunegate.yml is not merged yet: ${byInput('onnxruntime')}`, path);
}

function refuseFile(key: ModelSettingKey, path: string, at: Place, { root, isFork }: Confines): void {
  const where = whereabouts(path, root);
  if (where === 'outside' && isFromFile(at, root))
    throw inputErrorAt(
      at,
      `lies outside of the workspace, and this prunegate.yml is not merged yet: ${byInput(key)}`,
      path,
    );
  if (where === 'linked' && (isFork || QUOTED.includes(key)))
    throw inputErrorAt(at, 'leads out of the workspace by a link, which a pull request could hold', path);
}

function refuseFolder(folder: string, path: string, at: Place, { root, temporary }: Confines): void {
  const isInside =
    pathBelow(folder, root) !== null || (temporary !== undefined && pathBelow(folder, temporary) !== null);
  if (isInside || (!isFromFile(at, root) && whereabouts(path, root) === 'outside')) return;
  throw inputErrorAt(
    at,
    'leads out of the workspace, and what is checked is not merged yet: nothing is written there',
    path,
  );
}

function byInput(key: ModelSettingKey): string {
  return `only the workflow can name it, by ${settingName('inputs', key)}`;
}
