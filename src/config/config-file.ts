import { existsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { InputError } from '../errors/input-error.ts';
import { formatPath, inputErrorAt, type KeyPath, type Place } from '../errors/place.ts';
import { validateConfig } from './config.validator.generated.js';
import { openablePath } from './paths.ts';
import { ALL_SETTINGS, fileKey } from './table/index.ts';
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

/** One model of the config with the path of its keys in the file. */
export interface ConfigModel {
  /** Null for the keys of a file without names. */
  readonly name: string | null;
  /** Keys and values as schemas/config.schema.json has them. */
  readonly entry: Mapping;
  readonly path: KeyPath;
}

/** What prunegate.yml says; nothing where there is none. */
export interface Config {
  /** Null where there is no config file. */
  readonly file: YamlFile | null;
  /** The absolute folder to which its paths are relative. */
  readonly folder: string;
  /** Keys and values as schemas/config.schema.json has them, without defaults. */
  readonly entries: Mapping;
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
  return configOf(file, found === null ? base : dirname(resolve(found)));
}

/**
 * The config that a file holds.
 * @param folder the absolute folder to which its paths are relative
 * @throws InputError for the first mistake in it
 */
export function configOf(file: YamlFile | null, folder: string): Config {
  const at = (keys: KeyPath): Place =>
    file === null
      ? { file: null, line: null, key: formatPath(keys) }
      : { file: file.path, line: file.lineOf(keys), key: formatPath(keys) };
  const entries = file?.value ?? {};
  if (file !== null) validate(validateConfig, entries, at);
  return { file, folder, entries, models: modelsOf(entries, at), at };
}

function discovered(base: string): string | null {
  const present = NAMES.filter((name) => existsSync(resolve(base, name)));
  if (present.length > 1) throw new InputError(`stands beside ${NAMES[1]}: keep one of them`, { file: NAMES[0] });
  const [name] = present;
  return name === undefined ? null : openablePath(name, base, { file: null, line: null, key: null });
}

const MODEL_KEYS = ['name', ...ALL_SETTINGS.filter(([, { file }]) => file === 'model').map(([key]) => fileKey(key))];

function modelsOf(entries: Mapping, at: (path: KeyPath) => Place): readonly ConfigModel[] {
  const listed = entries['models'] as readonly Mapping[] | undefined;
  if (listed === undefined) return [{ name: nameOf(entries), entry: entries, path: [] }];
  const stray = MODEL_KEYS.find((key) => entries[key] !== undefined);
  if (stray !== undefined) throw inputErrorAt(at([stray]), 'belongs to a model: move it under models', entries[stray]);
  const models = listed.map((entry, index) => ({ name: nameOf(entry), entry, path: ['models', index] }));
  refuseTwins(models, at);
  return models;
}

function nameOf({ name }: Mapping): string | null {
  return typeof name === 'string' ? name : null;
}

/** Reports lie in a folder of the model's name, and not every file system tells a from A. */
function refuseTwins(models: readonly ConfigModel[], at: (path: KeyPath) => Place): void {
  const firstOf = new Map<string, KeyPath>();
  for (const { name, path } of models) {
    const folder = (name ?? '').toLowerCase();
    const first = firstOf.get(folder);
    if (first !== undefined) {
      const { key, line } = at([...first, 'name']);
      throw inputErrorAt(at([...path, 'name']), `must be unique: ${key} on line ${line} has the same folder`, name);
    }
    firstOf.set(folder, path);
  }
}
