import { type JsonLimits, measureJson } from '../../../bytes/index.ts';
import { isMapping } from '../../../config/values.ts';
import { InputError } from '../../../errors/input-error.ts';
import type { NamedFile } from '../../shared/scores-file.ts';

/** A large model has some thousand modules (CWE-409). */
const MAX_BYTES = 16 * 1024 * 1024;
const LIMITS: JsonLimits = { depth: 2, containers: 1, keys: 200_000 };

/**
 * The type of each module by its name, as recipes/torch writes them of the model that it prunes.
 * @throws InputError that names the file, for what is no mapping of names to types
 */
export function readModuleTypes({ path, at, read }: NamedFile): ReadonlyMap<string, string> {
  const refuse = (problem: string): InputError => new InputError(problem, { file: path });
  const { bytes } = read(path, MAX_BYTES, (problem) => refuse(`${problem}; it is named at ${at.key ?? 'modules'}`));
  const text = new TextDecoder().decode(bytes);
  measureJson(text, LIMITS, refuse);
  const types = parsed(text);
  if (types === null) throw refuse('must be a JSON mapping of module names to types, as recipes/torch writes it');
  return types;
}

function parsed(text: string): ReadonlyMap<string, string> | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  if (!isMapping(value)) return null;
  const entries = Object.entries(value);
  return entries.every((entry): entry is [string, string] => typeof entry[1] === 'string') ? new Map(entries) : null;
}

/** Whether any module is a BatchNorm, of any class that is called one, so that an exporter may have folded it. */
export function hasBatchNorm(types: ReadonlyMap<string, string>): boolean {
  return [...types.values()].some((type) => /batch_?norm/i.test(type));
}
