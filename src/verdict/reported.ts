import type { Reported } from '../dialects/index.ts';
import { joined } from './names.ts';
import type { Finding, LayerResult } from './types.ts';

/** Rows without names that are told apart, at most; a log of a large model has hundreds. */
const MAX_ROWS = 40;

/** Layers whose pruner says that it retained something else than the model does. */
export function reportedFindings(layers: readonly LayerResult[], reported: Reported | null): Finding[] {
  if (reported === null) return [];
  const wrong = layers.filter(
    (layer) => layer.reported !== null && layer.actual !== null && String(layer.reported) !== String(layer.actual),
  );
  const exploring = wrong.filter((layer) => String(layer.reported) === String(layer.exploring));
  const others = wrong.filter((layer) => !exploring.includes(layer));
  const early: Finding[] =
    exploring.length === 0
      ? []
      : [
          {
            layers: exploring.map((layer) => layer.name),
            verdict: 'mismatch',
            title: `the indices reported for ${joined(exploring.map((layer) => layer.name))} are those printed while exploring`,
            details: [
              'They are what each layer would keep on its own. Equalization with a coupled layer overwrote them, and only the indices after exploration count; those are what the model retains.',
            ],
            specKey: 'threshold',
          },
        ];
  return [...early, ...others.map(difference)];
}

function difference(layer: LayerResult): Finding {
  const [reported, actual] = [layer.reported ?? [], layer.actual ?? []];
  const only = reported.filter((filter) => !actual.includes(filter));
  const missing = actual.filter((filter) => !reported.includes(filter));
  const details = [
    `Reported but not retained: ${only.join(', ') || 'none'}. Retained but not reported: ${missing.join(', ') || 'none'}.`,
  ];
  return {
    layers: [layer.name],
    verdict: 'mismatch',
    title: `the indices reported for ${layer.name} are not those that it retains`,
    details,
    specKey: layer.specKey,
  };
}

/** What the user should know of a report: rows without names that equal some layer's indices, and names that fit no layer. */
export function reportedNotes(layers: readonly LayerResult[], reported: Reported | null): string[] {
  if (reported === null) return [];
  const unknown = [...reported.named.keys()].filter((name) => !layers.some((layer) => layer.name === name));
  const rows = reported.rows.slice(0, MAX_ROWS).map((row, k) => `reported row ${k + 1} ${identified(layers, row)}.`);
  const hidden = reported.rows.length - rows.length;
  return [
    ...(unknown.length > 0 ? [`The report names ${joined(unknown)}, which the dense model does not have.`] : []),
    ...rows,
    ...(hidden > 0 ? [`${hidden} more reported rows are not shown.`] : []),
  ];
}

function identified(layers: readonly LayerResult[], row: readonly number[]): string {
  const after = layers.filter((layer) => String(layer.expected) === String(row) && layer.filters > row.length);
  const own = layers.filter(
    (layer) => String(layer.exploring) === String(row) && layer.filters > row.length && !after.includes(layer),
  );
  const whole = layers.filter((layer) => layer.filters === row.length && row.every((filter, k) => filter === k));
  const parts = [
    own.length > 0
      ? `is what ${joined(own.map((layer) => layer.name))} would keep on ${own.length > 1 ? 'their' : 'its'} own`
      : '',
    after.length > 0 ? `is ${joined(after.map((layer) => layer.name))} after exploration` : '',
    own.length + after.length === 0 && whole.length > 0 ? `is a layer of ${row.length} filters kept whole` : '',
  ].filter((part) => part !== '');
  return parts.length > 0 ? parts.join(' and ') : "equals no layer's indices, neither exploring nor after exploration";
}
