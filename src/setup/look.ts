import { spawnSync } from 'node:child_process';
import { type Dirent, existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { readSpecYaml, specFromFile } from '../config/index.ts';
import { isMapping } from '../config/values.ts';
import { readSpec } from '../dialects/index.ts';
import { InputError } from '../errors/input-error.ts';
import { openModel } from '../files/index.ts';
import { readNetwork, sizeOf } from '../network/index.ts';

/** An ONNX file of a repository. */
export interface SeenModel {
  /** Relative to the folder, with `/`. */
  readonly path: string;
  readonly parameters: number;
  /** Whether git leaves it out of the repository, so that CI has to make it. */
  readonly isIgnored: boolean;
}

/** A file that a dialect reads as a pruning spec. */
export interface SeenSpec {
  readonly path: string;
  readonly dialect: string;
  /** Whether its pruner runs in a container of its own. */
  readonly isContained: boolean;
}

/** What a repository has that concerns pruning. */
export interface Seen {
  readonly models: readonly SeenModel[];
  readonly specs: readonly SeenSpec[];
  /** Of files that look like a spec and are none that a dialect reads: what is wrong with the first; null where there are none. */
  readonly mistakenSpec: InputError | null;
  /** What `pip install -r` takes; null where there is none. */
  readonly requirements: string | null;
  /** Whether models come by Git LFS. */
  readonly hasLfs: boolean;
}

/** Deep enough for models/NAME/onnx/FILE. */
const MAX_DEPTH = 4;
/** A folder with more is no repository of models. */
const MAX_FILES = 20_000;
const NEVER = new Set(['node_modules', '__pycache__', 'prunegate-report']);
/** Larger ones are data. */
const MAX_SPEC_BYTES = 256 * 1024;

/** Looks at a folder: ONNX files, and specs that a dialect reads. Files that are neither are passed over. */
export function look(folder: string): Seen {
  const files = filesBelow(folder);
  const onnx = files.filter((path) => /\.onnx$/i.test(path));
  const ignored = ignoredByGit(folder, onnx);
  const read = files.filter((path) => /\.(?:ya?ml|json)$/i.test(path)).flatMap((path) => seenSpec(folder, path) ?? []);
  return {
    models: onnx.flatMap((path) => seenModel(folder, path, ignored.has(path)) ?? []),
    specs: read.filter((one): one is SeenSpec => !(one instanceof InputError)),
    mistakenSpec: read.find((one): one is InputError => one instanceof InputError) ?? null,
    requirements: files.find((path) => path === 'requirements.txt') ?? null,
    hasLfs: usesLfs(folder),
  };
}

/** Links are not followed; folders that begin with a dot are tools'. */
function filesBelow(folder: string): readonly string[] {
  const files: string[] = [];
  const open = [{ path: '', depth: 0 }];
  for (let next = open.shift(); next !== undefined && files.length < MAX_FILES; next = open.shift()) {
    for (const entry of entriesOf(join(folder, next.path))) {
      const path = next.path === '' ? entry.name : `${next.path}/${entry.name}`;
      if (entry.isFile()) files.push(path);
      else if (entry.isDirectory() && next.depth < MAX_DEPTH && !entry.name.startsWith('.') && !NEVER.has(entry.name))
        open.push({ path, depth: next.depth + 1 });
    }
  }
  return files;
}

function entriesOf(folder: string): readonly Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
  } catch {
    return [];
  }
}

function ignoredByGit(folder: string, paths: readonly string[]): ReadonlySet<string> {
  if (paths.length === 0) return new Set();
  const input = paths.join('\0');
  const { stdout } = spawnSync('git', ['check-ignore', '-z', '--stdin'], { cwd: folder, input, encoding: 'utf8' });
  return new Set((stdout ?? '').split('\0'));
}

function seenModel(folder: string, path: string, isIgnored: boolean): SeenModel | null {
  return attempted(() => {
    const file = openModel(join(folder, path));
    try {
      const network = readNetwork(file.model);
      return network.prunable.size === 0 ? null : { path, parameters: sizeOf(network).parameters, isIgnored };
    } finally {
      file.close();
    }
  });
}

/** Null for a file that is no spec, and does not look like one. */
function seenSpec(folder: string, path: string): SeenSpec | InputError | null {
  if (/(?:^|\/)(?:prunegate\.ya?ml|package(?:-lock)?\.json|tsconfig\.json)$|report\.json$/.test(path)) return null;
  const file = join(folder, path);
  let looksLikeOne = /prun/i.test(path.split('/').at(-1)!);
  try {
    if (statSync(file).size > MAX_SPEC_BYTES) return null;
    const yaml = readSpecYaml(file);
    const { value } = yaml;
    looksLikeOne ||= isMapping(value) && ('dialect' in value || isMapping(value['prune']));
    const { name, isContained = false } = readSpec(specFromFile(yaml), { file: path, line: null, key: null });
    return { path, dialect: name, isContained };
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    return looksLikeOne ? new InputError(error.message.replace(file, path)) : null;
  }
}

function usesLfs(folder: string): boolean {
  const attributes = join(folder, '.gitattributes');
  if (!existsSync(attributes)) return false;
  return readFileSync(attributes, 'utf8')
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .some(([pattern = '', ...given]) => pattern.includes('.onnx') && given.includes('filter=lfs'));
}

/** Null for what is something else than it looks like. */
function attempted<T>(read: () => T): T | null {
  try {
    return read();
  } catch (error) {
    if (error instanceof InputError) return null;
    throw error;
  }
}
