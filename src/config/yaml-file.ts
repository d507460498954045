import { dirname, resolve } from 'node:path';
import type { ReadNamed, Refuse } from '../bytes/index.ts';
import { InputError } from '../errors/input-error.ts';
import { inputErrorAt, type Place } from '../errors/place.ts';
import { readWhole } from '../files/index.ts';
import { SECTION } from './spec.ts';
import { parseYaml, parseYamlUnder, type YamlFile } from './yaml.ts';

/** Bytes of a config or spec file: real ones have a few thousand. */
const MAX_BYTES = 1024 * 1024;

/**
 * Reads a YAML or JSON file.
 * @param path opened as it is, and shown in messages.
 * @param namedAt where the user named the file: said when it cannot be read.
 * @throws InputError when it is missing, no regular file, too big, not UTF-8, or as parseYaml does.
 */
export function readYaml(path: string, namedAt?: Place): YamlFile {
  return parseYaml(...opened(path, namedAt));
}

/** Reads a spec, which may be the command line of a pruner and nothing else. */
export function readSpecYaml(path: string, namedAt?: Place): YamlFile {
  return parseYamlUnder(SECTION, ...opened(path, namedAt));
}

/** A file that was read already, by its text. */
export function yamlAgain({ path, text, under }: Pick<YamlFile, 'path' | 'text' | 'under'>): YamlFile {
  const read = readBeside(path);
  return under === null ? parseYaml(text, path, read) : parseYamlUnder(under, text, path, read);
}

function opened(path: string, namedAt: Place | undefined): readonly [string, string, ReadNamed] {
  const refuse = unreadable(path, namedAt);
  const { bytes } = readWhole(path, MAX_BYTES, refuse);
  return [textOf(bytes, refuse), path, readBeside(path)];
}

function readBeside(path: string): ReadNamed {
  return (named, limit, refuse) => readWhole(resolve(dirname(path), named), limit, refuse);
}

function textOf(bytes: Uint8Array, refuse: Refuse): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw refuse('is not UTF-8 text');
  }
}

function unreadable(path: string, namedAt: Place | undefined): Refuse {
  if (namedAt === undefined) return (problem) => new InputError(problem, { file: path });
  return (problem) => inputErrorAt(namedAt, `names ${path}, which ${problem}`);
}
