import type { GraphComparison, GraphDifference } from '../comparison/index.ts';
import type { Expectation } from '../dialects/index.ts';
import type { Place } from '../errors/place.ts';
import { counted, joined, listed } from '../prose/index.ts';
import type { Finding } from './types.ts';

const WHAT = {
  'graph-differs':
    'Between its layers the pruned model computes something else than the dense one, whatever filters it keeps.',
  'interface-differs': 'Whoever runs the dense model cannot run the pruned one in its place.',
} as const;

type Differing = Pick<GraphDifference, 'kind' | 'layer' | 'title' | 'isSure'>;

/** Differences that the pruner's own doing explains, and those that nothing does. */
export interface SortedDifferences {
  readonly unexplained: readonly GraphDifference[];
  /** What the user should know of the others, a sentence each. */
  readonly notes: readonly string[];
  readonly isInterfaceExcused: boolean;
}

/** Tells differences of the interface that come of the spec, or of the pruner, from those of a wrong model. */
export function sortDifferences(differences: readonly GraphDifference[], { faults }: Expectation): SortedDifferences {
  const isLost = ({ lost = [] }: GraphDifference): boolean =>
    lost.length > 0 && lost.every((name) => faults?.lostOutputs.has(name));
  const lost = differences.filter(isLost);
  const narrowed = differences.filter((difference) => difference.narrowed != null);
  const converted = differences.filter(({ isConverted }) => isConverted === true);
  const explained = new Set([...lost, ...narrowed, ...converted]);
  return {
    unexplained: differences.filter((difference) => !explained.has(difference)),
    notes: [
      ...lost.map(
        ({ lost: names = [] }) =>
          `The pruned model has no output ${joined(names)}: the pruner itself drops an output that another layer reads.`,
      ),
      ...narrowed.map(
        ({ title }) =>
          `The pruned model has another interface: ${title}, because filters of what makes it are pruned. Exclude the layer if that is not meant.`,
      ),
      ...converted
        .slice(0, 1)
        .map(
          ({ title }) => `The pruned model has another interface: ${title}, as its weights are.${moreOf(converted)}`,
        ),
    ],
    isInterfaceExcused: explained.size > 0,
  };
}

function moreOf({ length }: readonly unknown[]): string {
  return length > 1
    ? ` So ${length === 2 ? 'is' : 'are'} ${counted(length - 1, 'other input or output', 'other inputs or outputs')}.`
    : '';
}

/** Findings shown one by one; a graph of another model differs everywhere. */
const MAX_SHOWN = 8;

/** Where the graph or the interface of the pruned model surely is another one than the dense model's. */
export function graphFindings(differences: readonly Differing[], place: Place): Finding[] {
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
