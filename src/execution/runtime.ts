import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join, parse } from 'node:path';
import { InputError } from '../errors/input-error.ts';

/** A package folder of onnxruntime-node that holds a native library for this machine. */
export interface FoundRuntime {
  readonly folder: string;
  readonly version: string;
}

/** Why a folder is not used, as a sentence that reads after its path. */
export interface UnusableRuntime {
  readonly problem: string;
}

const PACKAGE = 'onnxruntime-node';

/** Looks at a package folder, or at a folder with node_modules in it, without loading anything. */
export function inspectRuntime(folder: string): FoundRuntime | UnusableRuntime {
  const installed = join(folder, 'node_modules', PACKAGE);
  const root = existsSync(join(installed, 'package.json')) ? installed : folder;
  const manifest = manifestOf(root);
  if (manifest === null) return { problem: `holds no ${PACKAGE} package` };
  if (manifest.name !== PACKAGE) return { problem: `holds the package ${manifest.name}, not ${PACKAGE}` };
  const missing = missingLibrary(root);
  return missing === null ? { folder: root, version: manifest.version } : { problem: missing };
}

function manifestOf(folder: string): { readonly name: string; readonly version: string } | null {
  try {
    const { name, version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Record<string, unknown>;
    return typeof name === 'string' && typeof version === 'string' ? { name, version } : null;
  } catch {
    return null;
  }
}

function missingLibrary(root: string): string | null {
  const { platform, arch } = process;
  const isThere = nativeFolders(root).some((folder) => existsSync(join(folder, 'onnxruntime_binding.node')));
  return isThere ? null : `has no native library for ${platform} ${arch}`;
}

/** Whether the package's CUDA libraries were downloaded: they are no part of the package itself. */
export function hasCudaProvider({ folder }: FoundRuntime): boolean {
  return nativeFolders(folder)
    .flatMap((native) => readdirSync(native))
    .some((file) => /onnxruntime_providers_cuda\.(?:so|dll)$/.test(file));
}

/** The package keeps its native part in bin/napi-v<N>/<platform>/<arch>/. */
function nativeFolders(root: string): readonly string[] {
  const versions = existsSync(join(root, 'bin')) ? readdirSync(join(root, 'bin')) : [];
  return versions
    .map((version) => join(root, 'bin', version, process.platform, process.arch))
    .filter((folder) => existsSync(folder));
}

/** The nearest usable package in node_modules of a folder or of one above it, as require would find it. */
export function nearestRuntime(from: string): FoundRuntime | null {
  for (let folder = from; ; folder = dirname(folder)) {
    const found = inspectRuntime(join(folder, 'node_modules', PACKAGE));
    if ('folder' in found) return found;
    if (folder === parse(folder).root || folder === '.') return null;
  }
}

/** The runner's tool cache, which jobs share; elsewhere the user's cache folder. */
export function cacheFolder(env: NodeJS.ProcessEnv = process.env): string {
  const toolCache = env['RUNNER_TOOL_CACHE'];
  if (toolCache) return toolCache;
  const cache =
    process.platform === 'win32'
      ? env['LOCALAPPDATA'] || join(home(), 'AppData', 'Local')
      : env['XDG_CACHE_HOME'] || join(home(), '.cache');
  return join(cache, 'prunegate');
}

function home(): string {
  try {
    return homedir();
  } catch {
    throw new InputError('this user has no home folder to install onnxruntime-node under; set RUNNER_TOOL_CACHE', {
      key: 'HOME',
    });
  }
}
