import { resolve } from 'node:path';
import { InputError } from '../errors/input-error.ts';
import { liesInside } from '../files/index.ts';
import { type Installation, installed, installRuntime } from './install.ts';
import { cacheFolder, type FoundRuntime, hasCudaProvider, inspectRuntime, nearestRuntime } from './runtime.ts';
import type { Obstacle } from './types.ts';

/** Where onnxruntime, which no bundle can hold, may come from. */
export interface RuntimeSources {
  /** Folder of the project, whose node_modules are looked through; code in it may be a stranger's. */
  readonly project: string;
  /** Why code that lies in the project must not be loaded, as the end of a sentence; null where it may be. */
  readonly refusal: string | null;
  /** Whether it may be installed where it is nowhere. */
  readonly mayInstall: boolean;
}

/** What is looked for. */
export interface WantedRuntime {
  /** A package folder that the user named; null to look for one. */
  readonly folder: string | null;
  /** Whether its CUDA libraries are of use. */
  readonly withCuda: boolean;
  log(line: string): void;
}

/** What is to be done about a missing onnxruntime. */
const ADVICE = 'install it with npm install onnxruntime-node, or name its folder with onnxruntime';

/**
 * Finds an onnxruntime-node: the folder that the user named, the project's, the one that prunegate itself was installed
 * with, one that was installed before, else installs it where that is allowed.
 * @throws InputError where a named folder is none, or must not be loaded
 */
export async function findRuntime(wanted: WantedRuntime, sources: RuntimeSources): Promise<FoundRuntime | Obstacle> {
  if (wanted.folder !== null) return named(wanted.folder, sources);
  const found = nearestOf(sources.refusal === null ? sources.project : null);
  if (found !== null) return found;
  const target: Installation = { root: cacheFolder(), withCuda: wanted.withCuda };
  const before = installed(target);
  if (before !== null) return before;
  if (!sources.mayInstall) return { code: 'no-runtime', reason: `onnxruntime-node is not installed: ${ADVICE}` };
  return installRuntime(target, wanted.log);
}

/** The one that would be used in a folder without being named, and whether it has CUDA libraries; null where there is none. */
export function installedRuntime(folder: string): (FoundRuntime & { readonly hasCuda: boolean }) | null {
  const root = cacheFolder();
  const found = nearestOf(folder) ?? installed({ root, withCuda: true }) ?? installed({ root, withCuda: false });
  return found === null ? null : { ...found, hasCuda: hasCudaProvider(found) };
}

/** The project's, where it may be loaded, else the one that prunegate itself was installed with. */
function nearestOf(project: string | null): FoundRuntime | null {
  return (project === null ? null : nearestRuntime(resolve(project))) ?? nearestRuntime(import.meta.dirname);
}

function named(folder: string, { refusal, project }: RuntimeSources): FoundRuntime {
  const details = { key: 'onnxruntime', value: folder };
  const refuseInside = (path: string): void => {
    if (refusal !== null && liesInside(path, project)) throw new InputError(`must not be loaded: ${refusal}`, details);
  };
  refuseInside(folder);
  const found = inspectRuntime(resolve(folder));
  if ('problem' in found)
    throw new InputError(`${found.problem}: name the folder of an onnxruntime-node package`, details);
  // A package in its node_modules may be a link.
  refuseInside(found.folder);
  return found;
}
