import { nearest } from '../../../config/values.ts';
import { isMadeUp, layerNames, type NameScheme, nameScheme } from '../../../network/index.ts';
import type { Unknown } from '../score/terms.ts';
import type { TorchSpec } from '../spec.ts';
import type { Module } from './module-graph.ts';
import { isNamed } from './modules.ts';

/** A spec whose names are those of the dense model, as far as they could be determined. */
export interface SpecNames {
  readonly spec: TorchSpec;
  /** The prefix by which the spec's names became the model's; null where they are the model's own. */
  readonly scheme: NameScheme | null;
  /** Modules that a name without a layer could mean: nothing is known of their groups. */
  readonly unresolved: ReadonlyMap<Module, Unknown>;
}

/** A module's name in a spec, and the key that it stands under. */
export interface GivenName {
  readonly name: string;
  readonly key: string;
  /** What names the item, for its line. */
  readonly path: readonly (string | number)[];
}

export function givenNames(spec: TorchSpec): readonly GivenName[] {
  return [
    ...spec.ignored.map((name, k) => ({ name, key: 'ignored_layers', path: ['ignored_layers', k] })),
    ...spec.ratios.flatMap(({ modules, key }) =>
      modules.map((name) => ({ name, key: 'pruning_ratio_dict', path: ['pruning_ratio_dict', key] })),
    ),
    ...[...spec.outGroups.keys()].map((name) => ({ name, key: 'out_channel_groups', path: ['out_channel_groups'] })),
    ...[...spec.inGroups.keys()].map((name) => ({ name, key: 'in_channel_groups', path: ['in_channel_groups'] })),
  ];
}

export function namesOf(modules: readonly Module[]): readonly string[] {
  return modules.flatMap(({ layer, type }) => (isNamed(type) ? [layer.name] : []));
}

/** Reads a spec's names as the dense model's. */
export function specNames(modules: readonly Module[], spec: TorchSpec): SpecNames {
  const names = namesOf(modules);
  const given = givenNames(spec);
  const scheme = nameScheme(
    given.map(({ name }) => name),
    names,
  );
  if (scheme !== null) return { spec: renamed(spec, scheme.resolve), scheme, unresolved: new Map() };
  return { spec, scheme: null, unresolved: unresolvedModules(modules, given) };
}

/** Names that are compared with every layer's by their spelling; a spec has few mistakes. */
const MAX_SPELT = 64;

/** Modules that names without a layer could mean, each with the last of those. */
function unresolvedModules(modules: readonly Module[], given: readonly GivenName[]): ReadonlyMap<Module, Unknown> {
  const names = namesOf(modules);
  const known = layerNames(names);
  const unknown = given.filter(({ name }) => !known.has(name));
  const meaning = new Map<string, GivenName>();
  const isAnyLost = names.some(hasLostName);
  for (const [k, each] of unknown.entries()) {
    const under = known.meantBy(each.name);
    // Else the one that is spelt nearly so, unless names were lost.
    const near = under.length > 0 || isAnyLost || k >= MAX_SPELT ? null : nearest(each.name, names);
    for (const layer of near === null ? under : [near]) meaning.set(layer, each);
  }
  const last = unknown.at(-1);
  const unresolved = new Map<Module, Unknown>();
  for (const module of modules) {
    const { layer, type } = module;
    const meant = meaning.get(layer.name);
    const found = hasLostName(layer.name) ? last : meant;
    if (!isNamed(type) || found === undefined) continue;
    const hint = found === meant ? `: did you mean ${layer.name}?` : ', whose export lost names';
    const why = `${found.key} names ${found.name}, which is no layer of the dense model${hint}`;
    unresolved.set(module, { unknown: why, remedy: 'Name the layers as the dense model does.', isRaised: false });
  }
  return unresolved;
}

/** Whether an exporter named a module by its operator, so that it could be any. */
function hasLostName(name: string): boolean {
  return name.startsWith('/') || isMadeUp(name);
}

function renamed(spec: TorchSpec, resolve: (name: string) => string): TorchSpec {
  const keys = <T>(map: ReadonlyMap<string, T>): ReadonlyMap<string, T> =>
    new Map([...map].map(([name, value]) => [resolve(name), value]));
  return {
    ...spec,
    ignored: spec.ignored.map(resolve),
    ratios: spec.ratios.map((entry) => ({ ...entry, modules: entry.modules.map(resolve) })),
    outGroups: keys(spec.outGroups),
    inGroups: keys(spec.inGroups),
    heads: keys(spec.heads),
  };
}
