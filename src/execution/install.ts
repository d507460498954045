import { randomBytes } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { makeFolder } from '../files/index.ts';
import { startChild } from './child.ts';
import { findNpm, runScript } from './npm.ts';
import manifest from './pinned/package.json' with { type: 'json' };
import lock from './pinned/package-lock.json' with { type: 'json' };
import { obstacleOf } from './run-models.ts';
import { type FoundRuntime, inspectRuntime } from './runtime.ts';
import type { Obstacle } from './types.ts';

/** Where an onnxruntime-node is, or is to be. */
export interface Installation {
  /** The runner's tool cache, or a user's cache folder. */
  readonly root: string;
  /** With the CUDA and TensorRT libraries, which are downloaded from NuGet by the package's own script. */
  readonly withCuda: boolean;
}

const VERSION = manifest.dependencies['onnxruntime-node'];
/** The only manifest of onnxruntime-node 1.30 (script/install-metadata.js). */
const CUDA = 'cuda12';
const CUDA_PLATFORM = 'linux x64';

/** One that was installed before and looks whole. */
export function installed(target: Installation): FoundRuntime | null {
  const found = inspectRuntime(folderOf(target));
  return 'folder' in found ? found : null;
}

/**
 * Installs the pinned version with npm, whose lock file's hashes are shipped with prunegate, into a folder of its own under
 * a temporary name, tries it, and gives it its name in one step: concurrent jobs on one runner see a whole package or none,
 * and whoever comes second takes what the first one left.
 */
export async function installRuntime(
  target: Installation,
  log: (line: string) => void,
): Promise<FoundRuntime | Obstacle> {
  const missing = (reason: string): Obstacle => ({ code: 'not-installed', reason });
  const npm = findNpm();
  if (npm === null) return missing('onnxruntime-node is not installed, and there is no npm to install it with');
  const folder = folderOf(target);
  const temporary = `${folder}.${process.pid}.${randomBytes(4).toString('hex')}.tmp`;
  log(`installing onnxruntime-node ${VERSION} into ${folder}`);
  try {
    const failure = await fetchPackage(npm, { ...target, withCuda: false }, temporary);
    if (failure !== null) return missing(`npm cannot install onnxruntime-node ${VERSION}: ${failure}`);
    const root = join(temporary, 'node_modules', 'onnxruntime-node');
    const isCudaMissing = hasCuda(target) && !(await downloadCuda(root, log));
    const broken = await probe(temporary, root);
    if (broken !== null)
      return { code: 'runtime-broken', reason: `the onnxruntime-node that npm installed does not work: ${broken}` };
    // Without the libraries it is what a machine without a GPU has, and the next job tries again.
    const settled = settle(temporary, isCudaMissing ? { ...target, withCuda: false } : target);
    return 'folder' in settled ? settled : missing(settled.problem);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === undefined) throw error;
    return missing(`onnxruntime-node cannot be installed into ${folder}: ${code}`);
  } finally {
    rmSync(temporary, { recursive: true, force: true, maxRetries: 3 });
  }
}

/** Puts the package without CUDA into a folder: a copy where there is one already, else from the registry. */
async function fetchPackage(npm: string, plain: Installation, temporary: string): Promise<string | null> {
  makeFolder(dirname(temporary));
  if (installed(plain) !== null) {
    cpSync(folderOf(plain), temporary, { recursive: true });
    return null;
  }
  mkdirSync(temporary);
  writeFileSync(join(temporary, 'package.json'), JSON.stringify(manifest));
  writeFileSync(join(temporary, 'package-lock.json'), JSON.stringify(lock));
  const args = ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--no-progress', '--loglevel=error'];
  const failure = await runScript(npm, args, { cwd: temporary, env: withoutInputs(process.env) });
  if (failure === null) removeForeign(join(temporary, 'node_modules', 'onnxruntime-node'));
  return failure;
}

function hasCuda({ withCuda }: Installation): boolean {
  return withCuda && `${process.platform} ${process.arch}` === CUDA_PLATFORM;
}

function folderOf(target: Installation): string {
  const variant = hasCuda(target) ? `${process.arch}-${CUDA}` : process.arch;
  return join(target.root, 'onnxruntime-node', VERSION, variant);
}

/** Moves a finished package to its place; what another job has put there meanwhile is taken instead, unless it is broken. */
function settle(temporary: string, target: Installation): FoundRuntime | { readonly problem: string } {
  const folder = folderOf(target);
  const others = installed(target);
  if (others !== null) return others;
  try {
    if (existsSync(folder)) renameSync(folder, `${temporary}.broken`);
    renameSync(temporary, folder);
  } catch (error) {
    if (installed(target) === null) throw error;
  } finally {
    rmSync(`${temporary}.broken`, { recursive: true, force: true });
  }
  return inspectRuntime(folder);
}

/** The package holds the native parts of all systems, 240 of 290 MB. */
function removeForeign(root: string): void {
  for (const version of readdirSync(join(root, 'bin'))) {
    for (const platform of readdirSync(join(root, 'bin', version))) {
      for (const arch of readdirSync(join(root, 'bin', version, platform))) {
        if (platform !== process.platform || arch !== process.arch)
          rmSync(join(root, 'bin', version, platform, arch), { recursive: true });
      }
    }
  }
}

async function downloadCuda(root: string, log: (line: string) => void): Promise<boolean> {
  log('downloading the CUDA libraries of onnxruntime from NuGet');
  const env = { ...withoutInputs(process.env), ONNXRUNTIME_NODE_INSTALL: CUDA };
  const failure = await runScript(join(root, 'script', 'install.js'), [], { cwd: root, env });
  if (failure !== null) log(`the CUDA libraries cannot be downloaded: ${failure}`);
  return failure === null;
}

async function probe(temporary: string, root: string): Promise<string | null> {
  const work = join(temporary, 'probe');
  mkdirSync(work);
  const child = startChild({ isExact: false, cancel: null, log() {} });
  const result = await child.run({ kind: 'probe', runtime: root, providers: ['cpu'], workFolder: work });
  child.close();
  rmSync(work, { recursive: true });
  return result.kind === 'failed' || result.kind === 'crashed' ? obstacleOf(result).reason : null;
}

/** npm needs proxies, certificates and perhaps a registry's token, but none of the action's inputs or of the runner's own tokens. */
function withoutInputs(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !/^(INPUT_|ACTIONS_|GITHUB_TOKEN$)/.test(name)));
}
