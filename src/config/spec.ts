import type { ReadNamed } from '../bytes/index.ts';
import type { InputError } from '../errors/input-error.ts';
import { formatPath, inputErrorAt, type KeyPath, type Place } from '../errors/place.ts';
import { linesOfWords, splitWords, type Word } from './command-line.ts';
import { type Assignment, type Override, parseOverride } from './overrides.ts';
import { copied, isMapping, type Mapping, mappingOf, nearest, valueAt } from './values.ts';
import type { YamlFile } from './yaml.ts';

/** The section of an experiment spec that holds the pruning keys. */
export const SECTION = 'prune';
/** The key at the top of a spec that says who reads it. */
const DIALECT = 'dialect';

/** A top-level key of an experiment spec that only an override names: a dialect may know it. */
export interface AddedKey {
  readonly key: string;
  /** What to say where it does not: a mistyped key would go unnoticed. */
  readonly mistake: InputError;
}

/** A pruning spec as a dialect reads it: keys with their places, of which config/ knows none but `dialect`. */
export interface SpecDocument {
  /** The file that holds it, as shown to the user: the spec file, or the config file for an inline spec. */
  readonly file: string;
  /** Which dialect reads it: its top-level `dialect:`, not checked to exist; null where it names none. */
  readonly dialect: string | null;
  /** Keys beside the section that overrides alone name, without `+`. */
  readonly added: readonly AddedKey[];
  /** The pruning keys with overrides applied; without `dialect`. Bare keys are all here. */
  readonly section: Mapping;
  /** The words of the pruner's command line, where the section is one; empty for keys. */
  readonly words: readonly Word[];
  /** Words that overrides give, which come after all else. */
  readonly addedWords: readonly Word[];
  /** Path of `section` in `file`. */
  readonly sectionPath: KeyPath;
  /** The other top-level keys of an experiment spec, with overrides applied; empty for bare keys. */
  readonly siblings: Mapping;
  /** Where a key of the section (or a path in it) was given, else a sibling of that name; for a key not given, the section. Overrides included. */
  at(path: string | KeyPath): Place;
  /** The line of `at(key)` in `file`; null where an override decides and stands elsewhere. */
  line(key: string): number | null;
  /** The scalar value of a key as it is spelled (`off`, `1e-3`), without quotes; null for lists, mappings and missing keys. */
  source(key: string): string | null;
  /** Reads a file that the spec names. */
  readonly read: ReadNamed;
  /** What it was made of, as data. */
  readonly origin: SpecOrigin;
}

/** All that a spec is made of. */
export interface SpecOrigin extends Pick<YamlFile, 'path' | 'text' | 'under'> {
  /** Where it stands in the file. */
  readonly at: KeyPath;
  readonly overrides: readonly Override[];
}

/**
 * A spec file with overrides applied, the last one winning.
 * @throws InputError for a `prune` that is neither a mapping nor a command line, or an override that fits nowhere.
 */
export function specFromFile(file: YamlFile, overrides: readonly Override[] = []): SpecDocument {
  return specOf(file, [], file.value, overrides);
}

/**
 * The same for a spec that stands inline in a config file.
 * @param path leads to `value` in `configFile`.
 * @throws InputError as specFromFile does.
 */
export function specFromInline(
  value: Mapping,
  configFile: YamlFile,
  path: KeyPath,
  overrides: readonly Override[] = [],
): SpecDocument {
  return specOf(configFile, path, value, overrides);
}

/** The same spec once more, of what it was made of. */
export function specAgain({ at, overrides }: SpecOrigin, file: YamlFile): SpecDocument {
  return specOf(file, at, valueAt(file.value, at) as Mapping, overrides);
}

function specOf(file: YamlFile, rootPath: KeyPath, given: Mapping, overrides: readonly Override[]): SpecDocument {
  const sectionIn = Object.hasOwn(given, SECTION) || overrides.some(setsSection) ? [SECTION] : [];
  const inFile = (path: KeyPath): Place => {
    const whole = [...rootPath, ...path];
    return { file: file.path, line: file.lineOf(whole), key: formatPath(whole) };
  };
  const root = copied(given) as Record<string, unknown>;
  if (sectionIn.length > 0) root[SECTION] ??= mappingOf([]);
  const words = sectionWords(file, [...rootPath, SECTION], root[SECTION], overrides);
  if (words !== null) root[SECTION] = mappingOf([]);
  if (!isMapping(valueAt(root, sectionIn)))
    throw inputErrorAt(inFile(sectionIn), 'must be a mapping of pruning keys', root[SECTION]);
  const parsed = overrides.filter((one) => !isFlags(one) && !setsSection(one)).map((one) => parseOverride(one));
  const added = parsed.flatMap((assignment) => addedKey(root, assignment, sectionIn) ?? []);
  const assignments = parsed.map((assignment) => assigned(root, assignment, sectionIn));

  const decider = (path: KeyPath) => assignments.findLast((one) => one.path.every((part, i) => part === path[i]));
  const placeOf = (path: KeyPath): Place => {
    const override = decider(path);
    return override === undefined ? inFile(path) : withKey(override);
  };
  const { [DIALECT]: named, [SECTION]: _, ...others } = root;
  if (named !== undefined && (typeof named !== 'string' || named === ''))
    throw inputErrorAt(placeOf([DIALECT]), 'must be the name of a dialect', named);
  const bare = mappingOf(Object.entries(others));
  const section = sectionIn.length > 0 ? (root[SECTION] as Mapping) : bare;
  const siblings = sectionIn.length > 0 ? bare : mappingOf([]);
  const pathOf = (key: string | KeyPath): KeyPath => {
    const path = typeof key === 'string' ? [key] : key;
    const [first = ''] = path;
    const isBeside = first === DIALECT || Object.hasOwn(siblings, first);
    return isBeside && !Object.hasOwn(section, first) ? path : [...sectionIn, ...path];
  };
  const at = (key: string | KeyPath): Place => placeOf(pathOf(key));
  return {
    file: file.path,
    dialect: named ?? null,
    added,
    section,
    words: words ?? [],
    addedWords: overrides.filter(isFlags).flatMap(({ text, place }) => wordsOf(text, place)),
    sectionPath: [...rootPath, ...sectionIn],
    siblings,
    at,
    line: (key) => (at(key).file === file.path ? at(key).line : null),
    source: (key) => {
      const path = pathOf(key);
      const override = decider(path);
      return override === undefined ? file.sourceOf([...rootPath, ...path]) : override.source;
    },
    read: file.read,
    origin: { path: file.path, text: file.text, under: file.under, at: rootPath, overrides },
  };
}

/** Where an override was given, with the key that it sets: `--overrides: prune.key`. */
function withKey({ place, path }: Assignment): Place {
  return { ...place, key: [place.key ?? '', formatPath(path)].filter((part) => part !== '').join(': ') };
}

/** `-pth 0.5`: flags of a command line. */
function isFlags({ text }: Override): boolean {
  return /^\s*-/.test(text);
}

/** `prune=-pth 0.5`: another command line altogether. */
function setsSection({ text }: Override): boolean {
  return new RegExp(`^\\s*\\+{0,2}${SECTION}\\s*=`).test(text);
}

/**
 * The command line that a section is: a text, or a list of words.
 * @param path leads to it in the file
 * @returns null for a mapping, and for what is none of them
 */
function sectionWords(
  file: YamlFile,
  path: KeyPath,
  given: unknown,
  overrides: readonly Override[],
): readonly Word[] | null {
  const override = overrides.findLast(setsSection);
  const value = override === undefined ? given : parseOverride(override).value;
  const isList = Array.isArray(value) && value.length > 0 && value.every((item) => typeof item !== 'object');
  if (override !== undefined) {
    const { place, text } = override;
    if (isList) return value.map((item) => ({ text: String(item), place, command: 0 }));
    if (typeof value === 'string' && /(?:^|\s)-/.test(value)) return wordsOf(value, place);
    throw inputErrorAt(place, `must set a key of ${SECTION}, like prune.key=value, or be its command line`, text);
  }
  const at = (keyPath: KeyPath, line: number | null): Place => ({ file: file.path, line, key: formatPath(keyPath) });
  if (isList)
    return value.map((item, k) => {
      const itemPath = [...path, k];
      return { text: file.sourceOf(itemPath) ?? String(item), place: at(itemPath, file.lineOf(itemPath)), command: 0 };
    });
  if (typeof value !== 'string') return null;
  const spelled = file.spelledOf(path);
  const words = wordsOf(value, at(path, file.lineOf(path)));
  if (spelled === null) return words;
  const lines = linesOfWords(
    words.map(({ text }) => text),
    spelled,
  );
  return words.map((word, k) => ({ ...word, place: at(path, lines[k]!) }));
}

function wordsOf(text: string, place: Place): readonly Word[] {
  const words = splitWords(text);
  if (words === null) throw inputErrorAt(place, 'has a quote that is not closed', text);
  return words.map((word) => ({ ...word, place }));
}

/** Sets an override's value in the spec's root; its path is then the whole one from the root. */
function assigned(root: Record<string, unknown>, assignment: Assignment, sectionIn: readonly string[]): Assignment {
  const path = wholePath(root, assignment, sectionIn);
  let parent = root;
  for (const part of path.slice(0, -1)) {
    parent[part] ??= mappingOf([]);
    const next = parent[part];
    if (!isMapping(next))
      throw inputErrorAt(assignment.place, `${part} is no mapping that could hold ${path.join('.')}`, next);
    parent = next as Record<string, unknown>;
  }
  parent[path.at(-1) ?? ''] = assignment.value;
  return { ...assignment, path };
}

/** As in Hydra, an override without `+` must name a section that the spec has, else a mistyped one would go unnoticed. */
function wholePath(root: Mapping, { path, adds, place }: Assignment, sectionIn: readonly string[]): readonly string[] {
  const [first = '', ...rest] = path;
  if (sectionIn.length === 0) return first === SECTION ? rest : path;
  if (adds || Object.hasOwn(root, first) || rest.length === 0) return path;
  const meant = nearest(first, Object.keys(root)) ?? SECTION;
  throw inputErrorAt(place, `${first} is no key of the spec: did you mean ${[meant, ...rest].join('.')}?`);
}

/** A key that an override sets beside the section, and that nothing else names. */
function addedKey(root: Mapping, { path, adds, place }: Assignment, sectionIn: readonly string[]): AddedKey | null {
  const [key = '', ...rest] = path;
  if (sectionIn.length === 0 || adds || rest.length > 0 || key === DIALECT || Object.hasOwn(root, key)) return null;
  const hint = `write ${SECTION}.${key} for a pruning key, +${key} to add one`;
  return { key, mistake: inputErrorAt(place, `${key} is no key of the experiment spec: ${hint}`) };
}
