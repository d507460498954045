import { oneLine } from '../config/index.ts';
import type { Expectation, LayerExplanation } from '../dialects/index.ts';
import { columns } from './columns.ts';

/** Filters shown on either side of the cut. */
const NEAR_THE_CUT = 8;

/** A layer's filters by the value that decided, with the cut drawn through them. */
export function renderLayerExplanation(layer: LayerExplanation, all: boolean): string {
  const { merged, members, retained, threshold } = layer;
  const order = [...merged.keys()].sort((a, b) => merged[b]! - merged[a]! || 0 || a - b);
  const cut = retained?.length ?? 0;
  const isKept = (filter: number): boolean => retained?.includes(filter) ?? false;
  const wouldStay = (filter: number): boolean => layer.exploring.includes(filter);
  // Where a partner changed a filter's fate, that is what one wants to see.
  const shown = order.filter(
    (filter, at) => all || Math.abs(at - cut + 0.5) < NEAR_THE_CUT || isKept(filter) !== wouldStay(filter),
  );
  const isMerged = members.length > 1;
  const ranks = members.map(({ values }) => rankOf(values));
  const mergedRank = rankOf(merged);
  const header = [
    'filter',
    ...members.flatMap(({ name }) => [oneLine(name), 'rank']),
    ...(isMerged ? [`merged (${layer.criterion})`, 'rank'] : []),
    '',
    '',
  ];
  const rows = shown.map((filter) => [
    String(filter).padStart(6),
    ...members.flatMap(({ values }, m) => [number(values[filter]!), String(ranks[m]![filter]!).padStart(4)]),
    ...(isMerged ? [number(merged[filter]!), String(mergedRank[filter]!).padStart(4)] : []),
    isKept(filter) ? 'kept' : 'cut',
    isKept(filter) === wouldStay(filter) ? '' : `would ${wouldStay(filter) ? 'stay' : 'go'} on its own`,
  ]);
  const lines = columns([header, ...rows], '').split('\n');
  const passing = merged.filter((value) => value > threshold).length;
  const rule = `${'-'.repeat(12)} cut: ${passing} filters exceed ${threshold}, ${cut} are kept ${'-'.repeat(12)}`;
  const at = 1 + shown.filter(isKept).length;
  const drawn = [...lines.slice(0, at), rule, ...lines.slice(at)];
  const hidden = order.length - shown.length;
  const more = hidden > 0 ? [`... ${hidden} more filters (--all shows them)`] : [];
  return `${[oneLine(`${layer.layer}  ${merged.length} filters, ${cut} kept: ${layer.reason}`), ...drawn, ...more].join('\n')}\n`;
}

/** Every layer in a line: how many filters it keeps and which rule decided. */
export function renderModelExplanation({ layers, refusal }: Expectation): string {
  const rows = [...layers.values()].map((layer) => [
    oneLine(layer.name),
    layer.expected === null ? '?' : String(layer.expected.length),
    layer.rule,
    oneLine(layer.reason),
  ]);
  const raised =
    refusal === null ? [] : [oneLine(`the real pruner ${refusal.always ? 'raises' : 'may raise'}: ${refusal.message}`)];
  return `${[columns([['layer', 'kept', 'rule', 'why'], ...rows], ''), ...raised].join('\n')}\n`;
}

/** 1 for the largest value; equal values share a rank. */
function rankOf(values: readonly number[]): readonly number[] {
  const sorted = [...values].sort((a, b) => b - a);
  return values.map((value) => sorted.indexOf(value) + 1);
}

function number(value: number): string {
  return value.toFixed(3);
}
