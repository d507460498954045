import type { Reported } from '../dialects/index.ts';
import { joined } from '../prose/index.ts';
import type { Finding, LayerResult, PlaceOf } from './types.ts';

/** A layer of which the pruner says how many filters it retained, and retained as many others. */
interface Miscounted {
  readonly layer: LayerResult;
  readonly reported: number;
  readonly actual: number;
}

function miscounted(layers: readonly LayerResult[], { counts }: Reported): readonly Miscounted[] {
  return layers.flatMap((layer) => {
    const { actual } = layer;
    const reported = counts?.get(layer.name)?.retained;
    const isOther = reported !== undefined && actual !== null && actual.length !== reported;
    return isOther ? [{ layer, reported, actual: actual.length }] : [];
  });
}

/** Where a log tells counts alone: the model must have as many filters in each layer. */
export function countFindings(layers: readonly LayerResult[], reported: Reported | null, at: PlaceOf): Finding[] {
  const wrong = reported === null ? [] : miscounted(layers, reported);
  const [first] = wrong;
  if (first === undefined) return [];
  const names = wrong.map(({ layer }) => layer.name);
  return [
    {
      kind: 'reported',
      verdict: 'mismatch',
      title: `the number of filters reported for ${joined(names)} is not that of the model`,
      details: wrong.slice(0, MAX_SHOWN).map(({ layer, reported: stated, actual }) => {
        const expected = layer.expected === null ? '' : `; ${layer.expected.length} are expected`;
        return `${layer.name}: the log says that ${stated} stay, the model keeps ${actual}${expected}.`;
      }),
      layers: names,
      place: { ...at(first.layer.specKey), layer: first.layer.name, filters: [] },
    },
  ];
}

const MAX_SHOWN = 6;

/** What the user should know of counts: of how many layers they were compared, and which of them are of another model. */
export function countNotes(layers: readonly LayerResult[], reported: Reported | null): string[] {
  const counts = reported?.counts ?? new Map();
  if (counts.size === 0) return [];
  const known = new Map(layers.map((layer) => [layer.name, layer]));
  const unknown = [...counts.keys()].filter((name) => !known.has(name));
  const other = [...counts].filter(([name, { filters }]) => (known.get(name)?.filters ?? filters) !== filters);
  const compared = layers.filter(({ name, actual }) => actual !== null && counts.has(name)).length;
  return [
    `The report tells how many filters stay, not which: the numbers of ${compared} of ${layers.length} layers were compared.`,
    ...(unknown.length > 0 ? [`The report names ${joined(unknown)}, which the dense model does not have.`] : []),
    ...(other.length > 0
      ? [
          `The report is of another dense model: ${joined(other.map(([name, { filters }]) => `${name} has ${filters} filters in it`))}.`,
        ]
      : []),
  ];
}
