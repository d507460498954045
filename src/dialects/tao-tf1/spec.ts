import type { SpecDocument } from '../../config/spec.ts';
import { validate } from '../../config/validate.ts';
import { type Mapping, mappingOf, nearest } from '../../config/values.ts';
import type { KeyPath, Place } from '../../errors/place.ts';
import { inputErrorAt } from '../../errors/place.ts';
import type { Criterion, Normalizer, TaoSpec, Ties } from '../tao/spec.ts';
import { type CommandLine, type Given, readFlags } from './flags.ts';
import { defaultMinimum, exclusionsOf, isOneScript, NETWORK_NAMES, namesExcludedBy, networkNamed } from './networks.ts';
import { validateSpec } from './spec.validator.generated.js';

/** A spec as it is written, and whose command it is. */
export interface Tf1Spec extends TaoSpec {
  /** null where it is not named. */
  readonly network: string | null;
  /** The same spec as another network's command takes it. */
  as(network: string): TaoSpec;
}

interface Written {
  readonly threshold: number;
  readonly normalizer: Normalizer | false;
  readonly equalization_criterion: Criterion;
  readonly granularity: number;
  readonly min_num_filters?: number;
  readonly excluded_layers: readonly string[];
  readonly network?: string;
  readonly ties: Ties;
}

/** Long flags as keys, as they stand in a command line. */
export const SPELLINGS: Readonly<Record<string, string>> = {
  pruning_threshold: 'threshold',
  pruning_granularity: 'granularity',
};

/** @throws InputError naming file, line, key or flag, value and what is allowed */
export function readTf1Spec(document: SpecDocument): Tf1Spec {
  const command = readFlags(document.words);
  const added = readFlags(document.addedWords);
  const keys = respelled({ ...siblingKeys(document), ...document.section }, document);
  const at = (path: KeyPath): Place => placeOf(path, document, keys, command, added);
  const written = validate<Written>(
    validateSpec,
    { ...valuesOf(command), ...keys.values, ...valuesOf(added), ...networkIn(keys.values, command) },
    at,
  );
  const network = written.network === undefined ? null : knownNetwork(written.network, at(['network']));
  requireOneNetwork(network, command);
  const normalizer = written.normalizer === false ? 'off' : written.normalizer;
  const settings = {
    threshold: written.threshold,
    normalizer,
    criterion: written.equalization_criterion,
    granularity: written.granularity,
    ties: written.ties,
    releases: ['5.0.0'],
    excludedList: written.excluded_layers,
    excludedLayers: new Set(written.excluded_layers),
    file: document.file,
    inputSizes: null,
    line: (key: string) => (at([key]).file === document.file ? at([key]).line : null),
    at: (path: string | KeyPath) => at(typeof path === 'string' ? [path] : path),
  };
  const as = (name: string): TaoSpec => {
    const minNumFilters = written.min_num_filters ?? defaultMinimum(name);
    return {
      ...settings,
      minNumFilters,
      effective: effectiveOf(written, normalizer, minNumFilters, name),
      summary: summaryOf(written, normalizer, minNumFilters),
      excluder: name === 'none' ? null : `the prune command of ${name}`,
      builtInExclusions: (model) => exclusionsOf(name, model),
    };
  };
  return { ...as(network ?? 'none'), ...(network === null ? unnamed(written, normalizer) : {}), network, as };
}

/** What is shown of a spec whose network is not named. */
function unnamed(written: Written, normalizer: Normalizer): Pick<TaoSpec, 'effective'> {
  return {
    effective: effectiveOf(written, normalizer, written.min_num_filters ?? '16, or 8 for unet', null),
  };
}

function effectiveOf(
  { threshold, granularity, equalization_criterion, excluded_layers, ties }: Written,
  normalizer: Normalizer,
  minNumFilters: number | string,
  network: string | null,
): Readonly<Record<string, unknown>> {
  return {
    network,
    threshold,
    normalizer,
    granularity,
    min_num_filters: minNumFilters,
    equalization_criterion,
    excluded_layers,
    built_in_exclusions: network === null ? null : namesExcludedBy(network),
    ...(ties === 'any' ? {} : { ties }),
  };
}

function summaryOf(written: Written, normalizer: Normalizer, minNumFilters: number): string {
  const of = normalizer === 'off' ? '' : ` of ${normalizer}`;
  return `threshold ${written.threshold}${of}, granularity ${written.granularity}, at least ${minNumFilters}, ${written.equalization_criterion}`;
}

/** Keys beside the section that say how to read it. */
function siblingKeys({ siblings }: SpecDocument): Mapping {
  return mappingOf(Object.entries(siblings).filter(([key]) => key === 'network' || key === 'ties'));
}

interface Keys {
  readonly values: Mapping;
  /** The key as it is written, by the spec's own. */
  readonly spelled: ReadonlyMap<string, string>;
}

function respelled(given: Mapping, document: SpecDocument): Keys {
  const spelled = new Map<string, string>();
  const values: [string, unknown][] = [];
  for (const [key, value] of Object.entries(given)) {
    const own = Object.hasOwn(SPELLINGS, key) ? SPELLINGS[key]! : key;
    const other = spelled.get(own);
    if (other !== undefined) throw inputErrorAt(document.at(key), `is given twice: ${other} is the same`);
    spelled.set(own, key);
    values.push([own, value]);
  }
  return { values: mappingOf(values), spelled };
}

function valuesOf({ given }: CommandLine): Mapping {
  return mappingOf([...given].map(([key, { value }]) => [key, value]));
}

function networkIn(keys: Mapping, { network }: CommandLine): Mapping {
  return network === null || Object.hasOwn(keys, 'network') ? {} : { network: network.text };
}

/** The flag that decides, else the key. */
function placeOf(path: KeyPath, document: SpecDocument, keys: Keys, command: CommandLine, added: CommandLine): Place {
  const [key = '', item] = path;
  const own = String(key);
  const placed = (flag: Given): Place => (typeof item === 'number' ? flag.items[item] : undefined) ?? flag.at;
  const later = added.given.get(own);
  if (later !== undefined) return placed(later);
  const spelled = keys.spelled.get(own);
  if (spelled !== undefined) return document.at([spelled, ...path.slice(1)]);
  if (own === 'network' && command.network !== null) return command.network.place;
  const flag = command.given.get(own);
  return flag === undefined ? document.at(path) : placed(flag);
}

/** A command line under another network's name is a mistake in one of them. */
function requireOneNetwork(network: string | null, { network: called }: CommandLine): void {
  const other = called === null ? null : networkNamed(called.text);
  if (network === null || other === null || network === 'none' || isOneScript(network, other)) return;
  throw inputErrorAt(called!.place, `is the command of ${other}, but network is ${network}`, called!.text);
}

function knownNetwork(name: string, at: Place): string {
  const known = networkNamed(name);
  if (known !== null) return known;
  const meant = nearest(name, NETWORK_NAMES);
  const hint = meant === null ? '' : `: did you mean ${meant}?`;
  throw inputErrorAt(at, `must be one of ${NETWORK_NAMES.join(', ')}${hint}`, name);
}
