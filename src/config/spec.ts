import type { ReadNamed } from '../bytes/index.ts';
import { formatPath, inputErrorAt, type KeyPath, type Place } from '../errors/place.ts';
import { type Assignment, type Override, parseOverride } from './overrides.ts';
import { copied, isMapping, type Mapping, mappingOf, nearest, valueAt } from './values.ts';
import type { YamlFile } from './yaml.ts';

/** The section of an experiment spec that holds the pruning keys. */
const SECTION = 'prune';
/** Keys at the top of a spec that say how to read it; they may be given by an override though the file lacks them. */
const TOP_KEYS = ['dialect', 'task'];
const DEFAULT_DIALECT = 'tao-tf2';

/** A pruning spec as a dialect reads it: keys with their places, of which config/ knows none but `dialect` and `task`. */
export interface SpecDocument {
  /** The file that holds it, as shown to the user: the spec file, or the config file for an inline spec. */
  readonly file: string;
  /** Which dialect reads it: its top-level `dialect:`, else `tao-tf2`. Not checked to exist. */
  readonly dialect: string;
  /** The pruning keys with overrides applied; without `dialect`. A bare spec's `task` is here. */
  readonly section: Mapping;
  /** Path of `section` in `file`. */
  readonly sectionPath: KeyPath;
  /** The other top-level keys of an experiment spec (so its `task`), with overrides applied; empty for bare keys. */
  readonly siblings: Mapping;
  /** Where a key of the section (or a path in it) was given, else a sibling of that name; for a key not given, the section. Overrides included. */
  at(path: string | KeyPath): Place;
  /** The line of `at(key)` in `file`; null where an override decides and stands elsewhere. */
  line(key: string): number | null;
  /** The scalar value of a key as it is spelled (`off`, `1e-3`), without quotes; null for lists, mappings and missing keys. */
  source(key: string): string | null;
  /** Reads a file that the spec names. */
  readonly read: ReadNamed;
}

/**
 * A spec file with overrides applied, the last one winning.
 * @throws InputError for a `prune` that is no mapping, or an override that fits nowhere.
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

function specOf(file: YamlFile, rootPath: KeyPath, given: Mapping, overrides: readonly Override[]): SpecDocument {
  const sectionIn = Object.hasOwn(given, SECTION) ? [SECTION] : [];
  const inFile = (path: KeyPath): Place => {
    const whole = [...rootPath, ...path];
    return { file: file.path, line: file.lineOf(whole), key: formatPath(whole) };
  };
  const root = copied(given) as Record<string, unknown>;
  if (sectionIn.length > 0) root[SECTION] ??= mappingOf([]);
  if (!isMapping(valueAt(root, sectionIn)))
    throw inputErrorAt(inFile(sectionIn), 'must be a mapping of pruning keys', root[SECTION]);
  const assignments = overrides.map(parseOverride).map((assignment) => assigned(root, assignment, sectionIn));

  const decider = (path: KeyPath) => assignments.findLast((one) => one.path.every((part, i) => part === path[i]));
  const placeOf = (path: KeyPath): Place => decider(path)?.place ?? inFile(path);
  const { dialect = DEFAULT_DIALECT, [SECTION]: _, ...others } = root;
  if (typeof dialect !== 'string' || dialect === '') {
    throw inputErrorAt(placeOf(['dialect']), 'must be the name of a dialect', dialect);
  }
  const bare = mappingOf(Object.entries(others));
  const section = sectionIn.length > 0 ? (root[SECTION] as Mapping) : bare;
  const siblings = sectionIn.length > 0 ? bare : mappingOf([]);
  const pathOf = (key: string | KeyPath): KeyPath => {
    const path = typeof key === 'string' ? [key] : key;
    const [first = ''] = path;
    return !Object.hasOwn(section, first) && Object.hasOwn(siblings, first) ? path : [...sectionIn, ...path];
  };
  const at = (key: string | KeyPath): Place => placeOf(pathOf(key));
  return {
    file: file.path,
    dialect,
    section,
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
  };
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
  if (first === SECTION && rest.length === 0)
    throw inputErrorAt(place, `must set a key of ${SECTION}, like prune.threshold=0.68`);
  if (sectionIn.length === 0) return first === SECTION ? rest : path;
  if (adds || Object.hasOwn(root, first) || TOP_KEYS.includes(first)) return path;
  const meant = nearest(first, Object.keys(root)) ?? SECTION;
  const hint =
    rest.length > 0
      ? `did you mean ${[meant, ...rest].join('.')}?`
      : `write ${SECTION}.${first} for a pruning key, +${first} to add one`;
  throw inputErrorAt(place, `${first} is no key of ${rest.length > 0 ? 'the spec' : 'the experiment spec'}: ${hint}`);
}
