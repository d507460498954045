import type { GraphComparison } from '../comparison/index.ts';
import type { Place } from '../errors/place.ts';
import { listed } from '../prose/index.ts';
import type { Finding } from './types.ts';

const WHAT = {
  'graph-differs':
    'Between its layers the pruned model computes something else than the dense one, whatever filters it keeps.',
  'interface-differs': 'Whoever runs the dense model cannot run the pruned one in its place.',
} as const;

/** Findings shown one by one; a graph of another model differs everywhere. */
const MAX_SHOWN = 8;

/** Where the graph or the interface of the pruned model surely is another one than the dense model's. */
export function graphFindings({ differences }: Pick<GraphComparison, 'differences'>, place: Place): Finding[] {
  const shown = differences.slice(0, MAX_SHOWN);
  const left = differences.length - shown.length;
  return shown.map(({ kind, layer, title, isSure }, at) => ({
    kind,
    layers: layer === null ? [] : [layer],
    verdict: isSure ? 'mismatch' : 'unverifiable',
    title:
      kind === 'interface-differs'
        ? `the pruned model ${isSure ? 'has' : 'may have'} another interface: ${title}`
        : title,
    details: [WHAT[kind], ...(at === shown.length - 1 && left > 0 ? [`${left} more differences are left out.`] : [])],
    place: { ...place, layer, filters: [] },
  }));
}

/** What could not be compared, once. */
export function graphNotes({ open }: GraphComparison): string[] {
  if (open.length === 0) return [];
  return [
    `The graphs could not be compared behind ${listed(open, 4)}: whether the models compute the same there, only executing them tells.`,
  ];
}
