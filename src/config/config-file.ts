import { existsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { InputError } from '../errors/input-error.ts';
import { formatPath, inputErrorAt, type KeyPath, type Place } from '../errors/place.ts';
import { validateConfig } from './config.validator.generated.js';
import { openablePath } from './paths.ts';
import type { CommentPolicy, FailOn, Folding, ProviderChoice } from './settings.ts';
import { validate } from './validate.ts';
import type { Mapping } from './values.ts';
import type { YamlFile } from './yaml.ts';
import { readYaml } from './yaml-file.ts';

/** Where the config file is looked for. */
const NAMES = ['prunegate.yml', 'prunegate.yaml'] as const;

/** A command of prunegate.yml: `export:` or `prune:`. */
export interface CommandEntry {
  readonly run: string;
  readonly shell?: string;
  readonly 'working-directory'?: string;
  readonly env?: Readonly<Record<string, string | number | boolean>>;
  readonly 'timeout-minutes'?: number;
}

/** The keys of one model, as schemas/config.schema.json has them. */
export interface ModelEntry {
  readonly name?: string;
  readonly spec?: string | Mapping;
  readonly overrides?: readonly string[];
  readonly dense?: string;
  readonly 'dense-folded'?: string;
  readonly pruned?: string;
  readonly export?: CommandEntry;
  readonly prune?: CommandEntry;
  readonly reported?: string;
  readonly lock?: string;
  readonly folding?: Folding;
  readonly tolerance?: number;
  readonly inputs?: readonly string[];
  readonly 'input-shapes'?: readonly string[];
  readonly 'max-latency-ratio'?: number;
  readonly 'min-parameter-reduction'?: number;
  readonly 'min-mac-reduction'?: number;
  readonly 'min-size-reduction'?: number;
}

/** prunegate.yml as schemas/config.schema.json has it, defaults filled in. */
interface ConfigEntries extends ModelEntry {
  readonly models?: readonly ModelEntry[];
  readonly 'fail-on': readonly FailOn[];
  readonly 'warn-only': boolean;
  readonly 'report-dir'?: string;
  readonly annotations: boolean;
  readonly execute?: boolean;
  readonly 'execution-provider': ProviderChoice;
  readonly 'require-gpu': boolean;
  readonly onnxruntime?: string;
  readonly comment: CommentPolicy;
  readonly 'check-run': boolean;
}

/** One model of the config with the path of its keys in the file. */
export interface ConfigModel {
  readonly entry: ModelEntry;
  readonly path: KeyPath;
}

/** What prunegate.yml says, or the defaults alone where there is none. */
export interface Config {
  /** Null where there is no config file. */
  readonly file: YamlFile | null;
  /** The absolute folder to which its paths are relative. */
  readonly folder: string;
  readonly entries: ConfigEntries;
  /** One or more; the model keys at the top level make one model. */
  readonly models: readonly ConfigModel[];
  at(path: KeyPath): Place;
}

/**
 * Reads the config file, if there is one.
 * @param path as the user gave it; undefined to look for prunegate.yml or prunegate.yaml in the folder.
 * @param base the absolute working folder.
 * @throws InputError for an unreadable file and for the first mistake in it.
 */
export function loadConfig(path: string | undefined, base: string, place: Place): Config {
  const found = path === undefined ? discovered(base) : openablePath(path, base, place);
  const file = found === null ? null : readYaml(found, path === undefined ? undefined : place);
  const at = (keys: KeyPath): Place =>
    file === null
      ? { file: null, line: null, key: formatPath(keys) }
      : { file: file.path, line: file.lineOf(keys), key: formatPath(keys) };
  const entries = validate<ConfigEntries>(validateConfig, file?.value ?? {}, at);
  return { file, folder: found === null ? base : dirname(resolve(found)), entries, models: modelsOf(entries, at), at };
}

function discovered(base: string): string | null {
  const present = NAMES.filter((name) => existsSync(resolve(base, name)));
  if (present.length > 1) throw new InputError(`stands beside ${NAMES[1]}: keep one of them`, { file: NAMES[0] });
  const [name] = present;
  return name === undefined ? null : openablePath(name, base, { file: null, line: null, key: null });
}

const MODEL_KEYS = [
  'name',
  'spec',
  'overrides',
  'dense',
  'dense-folded',
  'pruned',
  'export',
  'prune',
  'reported',
  'lock',
  'folding',
  'tolerance',
  'inputs',
  'input-shapes',
  'max-latency-ratio',
  'min-parameter-reduction',
  'min-mac-reduction',
  'min-size-reduction',
] as const satisfies readonly (keyof ModelEntry)[];

function modelsOf(entries: ConfigEntries, at: (path: KeyPath) => Place): readonly ConfigModel[] {
  if (entries.models === undefined) return [{ entry: entries, path: [] }];
  const stray = MODEL_KEYS.find((key) => entries[key] !== undefined);
  if (stray !== undefined) throw inputErrorAt(at([stray]), 'belongs to a model: move it under models', entries[stray]);
  const models = entries.models.map((entry, index) => ({ entry, path: ['models', index] }));
  const firstOf = new Map<string, KeyPath>();
  for (const { entry, path } of models) {
    // Reports lie in a folder of the model's name, and not every file system tells a from A.
    const name = (entry.name ?? '').toLowerCase();
    const first = firstOf.get(name);
    if (first !== undefined) {
      const { key, line } = at([...first, 'name']);
      throw inputErrorAt(
        at([...path, 'name']),
        `must be unique: ${key} on line ${line} has the same folder`,
        entry.name,
      );
    }
    firstOf.set(name, path);
  }
  return models;
}
