import { nearest } from '../../../config/values.ts';
import type { Place } from '../../../errors/place.ts';
import { layerNames, type Network } from '../../../network/index.ts';
import { listed } from '../../../prose/index.ts';
import type { Lint } from '../../types.ts';
import type { DeclaredExpected } from '../expect.ts';
import { matches } from '../glob.ts';
import { groupsOf, namesToExclude } from '../groups.ts';
import { type DeclaredSpec, withKeys } from '../spec.ts';

/** Remarks on a spec, each once over all layers that it concerns, likeliest mistakes first. */
export function lintDeclared(network: Network, spec: DeclaredSpec, expected: DeclaredExpected): readonly Lint[] {
  return [
    ...unknownLayers(network, spec),
    ...emptied(expected, spec),
    ...cutAlone(network, spec, expected),
    ...narrow(expected, spec),
    ...prunedOutputs(network, expected, spec),
    ...nearCut(expected, spec),
    ...nothingPruned(network, expected, spec),
  ];
}

function lint(rule: string, message: string, at: Place, layers: readonly string[] = []): Lint {
  return { rule, message, at, layers };
}

/** Names and patterns that fit no layer, and so do nothing. */
function unknownLayers({ prunable }: Network, spec: DeclaredSpec): Lint[] {
  const names = [...prunable.keys()];
  const excludable = [...prunable.values()].flatMap(namesToExclude);
  const known = layerNames(names);
  const given = [
    ...spec.keys.exclude.map((pattern, k) => ({ pattern, path: ['exclude', k] as const, fitting: excludable })),
    ...Object.keys(spec.keys.layers).map((pattern) => ({
      ...{ pattern, path: ['layers', pattern] as const, fitting: names },
    })),
  ];
  return given.flatMap(({ pattern, path, fitting }) => {
    if (fitting.some((name) => matches(pattern, name))) return [];
    const meant = known.meantBy(pattern)[0] ?? nearest(pattern, names);
    const hint = meant === null ? '' : `: did you mean ${meant}?`;
    return [lint('unknown-layer', `${pattern} fits no layer of the dense model${hint}`, spec.at(path), [pattern])];
  });
}

/** Layers that would lose everything: the model computes a constant behind them, and most pruners raise. */
function emptied({ layers }: DeclaredExpected, spec: DeclaredSpec): Lint[] {
  const names = [...layers.values()].filter(({ expected }) => expected?.length === 0).map(({ name }) => name);
  if (names.length === 0) return [];
  const message = `nothing is left of ${listed(names, 4)}: keep at least one filter by keep: {min: 1}`;
  return [lint('all-removed', message, spec.at('keep.min'), names)];
}

/** Layers with the same channels cannot lose different ones, unless these are zeroed. */
function cutAlone(network: Network, spec: DeclaredSpec, { layers }: DeclaredExpected): Lint[] {
  if (spec.keys.group.coupled !== 'alone') return [];
  const { group } = spec.keys;
  const { all } = groupsOf(network, withKeys(spec, { group: { ...group, coupled: 'together' } }));
  const uneven = all.flatMap(({ members }) => {
    const lists = new Set(members.map(({ layer }) => String(layers.get(layer.name)?.expected ?? '')));
    const isCut = members.some(({ layer }) => spec.formOf(layer.name).form === 'removed');
    return isCut && lists.size > 1 ? [members.map(({ layer }) => layer.name)] : [];
  });
  const [first] = uneven;
  if (first === undefined) return [];
  const message = `${listed(first, 4)} have the same channels and would lose different ones, which no cut can do: say coupled: together, or form: zeroed`;
  return [lint('cut-alone', message, spec.at('group.coupled'), uneven.flat())];
}

/** Layers narrower than what widths are rounded to stay whole. */
function narrow({ layers, decided }: DeclaredExpected, spec: DeclaredSpec): Lint[] {
  const names = [...layers.keys()].filter((name) => {
    const place = decided.of(name);
    return (
      place?.decision.kind === 'cut' &&
      place.decision.keep.multiple.to === 'up' &&
      place.group.size < place.decision.keep.multiple.of
    );
  });
  if (names.length === 0) return [];
  const message = `${listed(names, 4)} ${names.length > 1 ? 'have' : 'has'} fewer filters than the multiple, so that all of them stay`;
  return [lint('narrower-than-multiple', message, spec.at('keep.multiple'), names)];
}

/** A classifier that loses classes is hardly meant. */
function prunedOutputs(network: Network, { layers }: DeclaredExpected, spec: DeclaredSpec): Lint[] {
  const names = network.outputLayers.flatMap(({ name, filters }) => {
    const kept = layers.get(name)?.expected;
    return kept != null && kept.length < filters ? [name] : [];
  });
  if (names.length === 0) return [];
  const message = `${listed(names, 4)} makes an output of the model and is not excluded, so the output loses channels`;
  return [lint('output-pruned', message, spec.at('exclude'), names)];
}

function nearCut({ layers }: DeclaredExpected, spec: DeclaredSpec): Lint[] {
  const names = [...layers.values()].flatMap(({ name, tie, alternatives }) =>
    (tie ?? alternatives) === null ? [] : [name],
  );
  if (names.length === 0) return [];
  const message =
    'scores at the cut are equal, or nearer to one another than float32 sums are exact: which of them stay depends on the machine';
  return [lint('near-cut', message, spec.at('keep'), names)];
}

function nothingPruned({ prunable }: Network, { layers }: DeclaredExpected, spec: DeclaredSpec): Lint[] {
  const isWhole =
    layers.size > 0 &&
    [...layers.values()].every(({ name, expected }) => expected?.length === prunable.get(name)?.filters);
  return isWhole ? [lint('nothing-pruned', 'no layer loses a filter under this spec', spec.at('keep'))] : [];
}
