import { dirname, join, resolve } from 'node:path';
import type { ReadNamed } from '../bytes/index.ts';
import {
  type ModelRequest,
  type ModelSettingKey,
  PATH_SETTINGS,
  type SpecDocument,
  settingName,
} from '../config/index.ts';
import { InputError } from '../errors/input-error.ts';
import { inputErrorAt, type Place } from '../errors/place.ts';
import type { RuntimeSources } from '../execution/find-runtime.ts';
import { pathBelow, whereabouts } from '../files/index.ts';
import type { EventContext } from '../github/events.ts';
import { isUnmerged, refusalToRun } from '../github/trust.ts';

/** How far what an unmerged change names may reach. */
export interface Confines {
  /** The workspace. */
  readonly root: string;
  /** The runner's temporary folder. */
  readonly temporary: string | undefined;
  /** Whether whoever wrote the change may not run code here, so that a link must not do in its place. */
  readonly isFork: boolean;
  /** Why code that comes with the change must not be loaded, as the end of a sentence; null where it may be. */
  readonly refusal: string | null;
}

/** Of a run about what is not merged yet; null of any other, on the user's own machine for one. */
export function confinesOf(
  event: EventContext | null,
  env: Readonly<Record<string, string | undefined>>,
): Confines | null {
  if (!isUnmerged(event)) return null;
  return {
    root: env['GITHUB_WORKSPACE'] || process.cwd(),
    temporary: env['RUNNER_TEMP'],
    isFork: event?.isFork ?? false,
    refusal: refusalToRun(event),
  };
}

/** Where onnxruntime may come from for a model. */
export function runtimeSources(
  { allowUntrustedCommands }: ModelRequest,
  confines: Confines | null,
  mayInstall: boolean,
): RuntimeSources {
  const refusal = allowUntrustedCommands ? null : (confines?.refusal ?? null);
  return { project: process.cwd(), mayInstall, refusal };
}

/**
 * Does something with a model that keeps to the confines.
 * @throws what `work` throws, without quotes of what lies beyond; InputError for what reaches there
 */
export async function within<T>(
  confines: Confines | null,
  request: ModelRequest,
  work: (request: ModelRequest) => T | Promise<T>,
): Promise<T> {
  if (confines === null) return work(request);
  try {
    return await work(confined(request, confines));
  } catch (error) {
    throw withoutQuotes(error, confines);
  }
}

/** Whether a model keeps to the confines, for what looks at its files before its turn. */
export function isWithin(confines: Confines | null, request: ModelRequest): boolean {
  try {
    if (confines !== null) confined(request, confines);
    return true;
  } catch (error) {
    if (error instanceof InputError) return false;
    throw error;
  }
}

/** Files whose values are quoted. */
const QUOTED: readonly ModelSettingKey[] = ['spec', 'reported', 'lockFile', 'baseline'];

/**
 * The request, whose spec reads no file beyond. Refuses files out of the workspace that a pull request's prunegate.yml names, or that a link in the place of one of its files leads to: the runner's
 * user can read more than its author. What the workflow itself names may lie anywhere.
 * @throws InputError
 */
function confined(request: ModelRequest, confines: Confines): ModelRequest {
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
  for (const command of [request.commands.export, request.commands.prune])
    if (command?.workingDirectory != null) refuseOutside(command.workingDirectory, command.at, confines);
  const { spec } = request;
  if (spec === null) return request;
  refuseFile('spec', spec.file, request.at('spec'), confines);
  return { ...request, spec: { ...spec, read: confinedRead(spec, confines) } };
}

/** @throws InputError where reports of all models would be written out of the confines */
export function requireOwnFolder(requests: readonly ModelRequest[], confines: Confines | null): void {
  const folder = requests[0]?.reportDir ?? null;
  if (confines === null || folder === null) return;
  refuseFolder(join(folder, 'index.html'), folder, requests[0]!.at('reportDir'), confines);
}

/** Of files that a spec names, as the scores of channels. */
function confinedRead({ file, read }: SpecDocument, { root }: Confines): ReadNamed {
  if (whereabouts(file, root) === 'outside') return read;
  return (path, limit, refuse) => {
    if (whereabouts(resolve(dirname(file), path), root) !== 'inside')
      throw new InputError(
        `names ${path}, which lies outside of the workspace, or behind a link that leads there; this spec is not merged yet`,
        { file },
      );
    return read(path, limit, refuse);
  };
}

/**
 * The error without what it quotes, where that may come of a file out of the workspace. What lies in the runner's temporary folder by its own path
 * is written there by this run, and its error says why that failed.
 */
export function withoutQuotes(error: unknown, confines: Confines | null): unknown {
  if (confines === null || !(error instanceof InputError)) return error;
  const { root, temporary } = confines;
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
  refuseOutside(path, at, { root }, `: ${byInput(key)}`);
  if (whereabouts(path, root) === 'linked' && (isFork || QUOTED.includes(key)))
    throw inputErrorAt(at, 'leads out of the workspace by a link, which a pull request could hold', path);
}

function refuseOutside(path: string, at: Place, { root }: Pick<Confines, 'root'>, remedy = ''): void {
  if (whereabouts(resolve(path), root) !== 'outside' || resolve(path) === resolve(root) || !isFromFile(at, root))
    return;
  throw inputErrorAt(at, `lies outside of the workspace, and this prunegate.yml is not merged yet${remedy}`, path);
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
