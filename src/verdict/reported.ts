import type { FirstStage, Reported } from '../dialects/index.ts';
import { filterWords, joined, sameFilters, without } from '../prose/index.ts';
import { type Group, groupedBy } from './grouped.ts';
import { countFindings, countNotes } from './reported-counts.ts';
import type { Finding, LayerResult, PlaceOf } from './types.ts';

/** Rows without names that are told apart, at most; a log of a large model has hundreds. */
const MAX_ROWS = 40;

/** Layers whose pruner says that it retained something else than the model does. */
export function reportedFindings(
  layers: readonly LayerResult[],
  reported: Reported | null,
  firstStage: FirstStage | null,
  at: PlaceOf,
): readonly Finding[] {
  if (reported === null) return [];
  const wrong = layers.filter(
    (layer) => layer.reported !== null && layer.actual !== null && !sameFilters(layer.reported, layer.actual),
  );
  const isEarly = (layer: LayerResult): boolean =>
    firstStage !== null && sameFilters(layer.reported, layer.exploring) && !sameFilters(layer.reported, layer.expected);
  const early = wrong.filter(isEarly);
  // Where the report is what was expected and the model is not, the finding of the layer says so.
  const isCovered = (layer: LayerResult): boolean =>
    layer.verdict === 'mismatch' && layer.problem === null && sameFilters(layer.reported, layer.expected);
  const others = wrong.filter((layer) => !isEarly(layer) && !isCovered(layer));
  return [
    ...countFindings(layers, reported, at),
    ...(early.length === 0 || firstStage === null ? [] : [earlyFinding(early, firstStage, at)]),
    ...alike(others).map((group) => difference(group, at)),
  ];
}

/** Layers of one group whose reports differ in the same way are reported once. */
function alike(layers: readonly LayerResult[]): readonly Group<LayerResult>[] {
  return groupedBy(layers, ({ name, group, reported, actual }) =>
    group === null ? `layer ${name}` : `${group} ${reported} / ${actual}`,
  );
}

/** The answer that the forum thread waited for. */
function earlyFinding(layers: readonly LayerResult[], { doing, stage, overruledBy }: FirstStage, at: PlaceOf): Finding {
  const names = layers.map((layer) => layer.name);
  const one = layers.length === 1;
  const cause = `They are what ${one ? 'the layer' : 'each layer'} would keep by its own norms, printed while ${doing}; ${overruledBy} overwrites them, and only the indices after ${stage} count.`;
  const isRight = layers.every((layer) => sameFilters(layer.actual, layer.expected));
  const model = isRight
    ? `The model is right: it retains what is expected after ${stage}.`
    : `The model retains neither these nor what is expected after ${stage}.`;
  const title = `the indices reported for ${joined(names)} are those of ${doing}, not of the end`;
  return { ...finding(layers, at, title, [differenceOf(layers[0]!), model, cause]), cause };
}

function difference(layers: Group<LayerResult>, at: PlaceOf): Finding {
  const [layer] = layers;
  const names = layers.map(({ name }) => name);
  const beyond = (layer.reported ?? []).filter((filter) => filter >= layer.filters);
  const details = [
    differenceOf(layer),
    ...(beyond.length > 0
      ? [`It has ${layer.filters} filters, 0 to ${layer.filters - 1}: ${filterWords(beyond)} cannot be of it.`]
      : []),
    ...(beyond.length === 0 && sameFilters(layer.reported, layer.expected)
      ? ['The report is what is expected: the pruner decided rightly, and the model was cut otherwise.']
      : []),
    ...(sameFilters(layer.actual, layer.expected) ? ['The model is right: it retains what is expected.'] : []),
  ];
  const title = `the indices reported for ${joined(names)} are not those that ${names.length > 1 ? 'they retain' : 'it retains'}`;
  return finding(layers, at, title, details);
}

function differenceOf(layer: LayerResult): string {
  const { only, missing } = differing(layer);
  if (only.length + missing.length === 0) return `${layer.name}: the report names some filters more than once.`;
  return `${layer.name}: reported but not retained ${filterWords(only)}; retained but not reported ${filterWords(missing)}.`;
}

/** Filters that only the report has, and those that only the model has. */
function differing({ reported, actual }: LayerResult): { readonly only: number[]; readonly missing: number[] } {
  return {
    only: without(reported ?? [], actual),
    missing: without(actual ?? [], reported),
  };
}

function finding(layers: readonly LayerResult[], at: PlaceOf, title: string, details: readonly string[]): Finding {
  const layer = layers[0]!;
  const { only, missing } = differing(layer);
  return {
    kind: 'reported',
    verdict: 'mismatch',
    title,
    details,
    layers: layers.map(({ name }) => name),
    place: { ...at(layer.specKey), layer: layer.name, filters: [...only, ...missing].sort((a, b) => a - b) },
  };
}

/** How diverging layers stand to what the pruner said of them: who is to be asked next. */
export function reportedRelation(layers: readonly LayerResult[]): readonly string[] {
  if (layers.every((layer) => layer.reported !== null && sameFilters(layer.reported, layer.actual)))
    return ['The pruner reported just these: it decided so, and the cut is what it decided.'];
  if (layers.every((layer) => layer.reported !== null && sameFilters(layer.reported, layer.expected)))
    return ['The pruner reported what is expected: it decided rightly, and the model was cut otherwise.'];
  return [];
}

/** What the user should know of a report: rows without names that equal some layer's indices, and names that fit no layer. */
export function reportedNotes(
  layers: readonly LayerResult[],
  reported: Reported | null,
  firstStage: FirstStage | null,
): string[] {
  if (reported === null) return [];
  const known = new Set(layers.map((layer) => layer.name));
  const unknown = [...reported.named.keys()].filter((name) => !known.has(name));
  const silent =
    reported.named.size === 0 ? [] : layers.filter((layer) => layer.reported === null).map((layer) => layer.name);
  const unheld = layers.filter(
    (layer) =>
      layer.actual === null &&
      layer.reported !== null &&
      layer.expected !== null &&
      !sameFilters(layer.reported, layer.expected),
  );
  const rows = reported.rows
    .slice(0, MAX_ROWS)
    .map((row, k) => `reported row ${k + 1} ${identified(layers, row, firstStage)}.`);
  const hidden = reported.rows.length - rows.length;
  return [
    ...countNotes(layers, reported),
    ...(reported.unread ?? []).slice(0, MAX_ROWS).map((what) => `The report could not be followed for ${what}.`),
    ...(unknown.length > 0 ? [`The report names ${joined(unknown)}, which the dense model does not have.`] : []),
    ...(silent.length > 0 ? [`The report says nothing of ${joined(silent)}.`] : []),
    ...(unheld.length > 0
      ? [
          `The indices reported for ${joined(unheld.map((layer) => layer.name))} are not the expected ones; what is retained could not be determined.`,
        ]
      : []),
    ...rows,
    ...(hidden > 0 ? [`${hidden} more reported rows are not shown.`] : []),
  ];
}

function identified(layers: readonly LayerResult[], row: readonly number[], firstStage: FirstStage | null): string {
  const isCut = (layer: LayerResult): boolean => layer.filters > row.length;
  const after = layers.filter((layer) => isCut(layer) && sameFilters(layer.expected, row));
  const own = layers.filter((layer) => isCut(layer) && sameFilters(layer.exploring, row) && !after.includes(layer));
  const kept = layers.filter(
    (layer) => isCut(layer) && sameFilters(layer.actual, row) && !after.includes(layer) && !own.includes(layer),
  );
  const whole = layers.filter((layer) => layer.filters === row.length && row.every((filter, k) => filter === k));
  const named = (group: readonly LayerResult[]): string => joined(group.map((layer) => layer.name));
  const parts = [
    ...(own.length > 0 ? [`is what ${named(own)} would keep on ${own.length > 1 ? 'their' : 'its'} own`] : []),
    ...(after.length > 0 ? [`is ${named(after)} after ${firstStage?.stage ?? 'pruning'}`] : []),
    ...(kept.length > 0 ? [`is what ${named(kept)} of the pruned model ${kept.length > 1 ? 'keep' : 'keeps'}`] : []),
    ...(own.length + after.length + kept.length === 0 && whole.length > 0
      ? [`is a layer of ${row.length} filters kept whole`]
      : []),
  ];
  if (parts.length > 0) return parts.join(' and ');
  const stages = firstStage === null ? '' : `, neither ${firstStage.doing} nor after ${firstStage.stage}`;
  return `equals no layer's indices${stages}`;
}
