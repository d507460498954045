import type { Expectation } from '../dialects/index.ts';
import { FIXED_CHANNEL, type Network, type RetainedIndices } from '../network/index.ts';
import { joined, sameFilters } from '../prose/index.ts';
import type { Disagreement, Recovery } from '../recovery/index.ts';

type ActualOf = (layer: string) => RetainedIndices | null;

/**
 * Layers whose input columns are wrong because the pruner itself cuts them so: the run did what the pruner does, and the
 * user should know that the pruner is at fault.
 */
export function excusedConsumers(
  dense: Network,
  expectation: Expectation | null,
  recovery: Recovery | null,
  actual: ActualOf,
): ReadonlySet<string> {
  if (expectation === null || recovery === null) return new Set();
  const columnsCut = expectation.columnsCut(actual);
  const isExcused = (consumer: string, columns: readonly number[]): boolean => {
    const cut = columnsCut(consumer);
    // Cut for the very channels that reach it in the dense model, its columns are right: the pruned graph is another one.
    return sameFilters(cut, columns) && !sameFilters(cut, columnsThatReach(dense, consumer, actual));
  };
  return new Set([...recovery.misplaced].flatMap(([name, columns]) => (isExcused(name, columns) ? [name] : [])));
}

/** Positions of a layer's input columns whose channels are kept, as the dense graph has them; null where that is not known. */
function columnsThatReach(dense: Network, consumer: string, actual: ActualOf): readonly number[] | null {
  const columns = dense.prunable.get(consumer)?.calls[0]?.columns;
  if (!(columns instanceof Int32Array)) return null;
  const kept = new Map<number, ReadonlySet<number>>();
  const positions: number[] = [];
  for (const [at, id] of columns.entries()) {
    const owner = id === FIXED_CHANNEL ? null : dense.layers[dense.channelOwner[id]!]!;
    if (owner !== null && dense.prunable.get(owner.name) === owner) {
      const filters = kept.get(owner.id) ?? new Set(actual(owner.name) ?? []);
      kept.set(owner.id, filters);
      if (!filters.has(id - owner.firstChannel)) continue;
    }
    positions.push(at);
  }
  return positions;
}

/** Says so of each. */
export function excusedNotes(consumers: ReadonlySet<string>): string[] {
  return [...consumers].map(
    (consumer) =>
      `${consumer} reads other channels than before: the pruner itself cuts its input columns so, and the model computes something else. The retained filters are right.`,
  );
}

/** Layers that the pruner built anew with other weights. */
export interface Rebuilt {
  /** As the source calls them. */
  readonly names: readonly string[];
  /** As the network does: a layer of the source may be several. */
  readonly layers: ReadonlySet<string>;
}

/** What the pruner builds anew has other weights, which are its own fault: what was found of the rest. */
export function withoutRebuilt(
  recovery: Recovery | null,
  expectation: Expectation | null,
): { readonly recovery: Recovery | null; readonly rebuilt: Rebuilt } {
  const known = expectation?.faults?.rebuilt ?? new Map<string, string>();
  if (recovery === null || known.size === 0) return { recovery, rebuilt: { names: [], layers: new Set() } };
  const { dense, pruned } = recovery.correspondence;
  const found = new Set([
    ...[...recovery.elsewhere, ...recovery.open].flatMap(({ tensor }) => known.get(tensor) ?? []),
    ...[...known].flatMap(([layer, name]) => (scalarsOf(dense, layer) === scalarsOf(pruned, layer) ? [] : [name])),
  ]);
  const isOther = ({ tensor }: Disagreement): boolean => !known.has(tensor);
  return {
    recovery: { ...recovery, elsewhere: recovery.elsewhere.filter(isOther), open: recovery.open.filter(isOther) },
    rebuilt: {
      names: [...found],
      layers: new Set([...known].flatMap(([layer, name]) => (found.has(name) ? [layer] : []))),
    },
  };
}

/** The single numbers that a layer computes with, as a text; none of a layer that is not there. */
function scalarsOf({ layers, nodes, tensors, numbers }: Network, name: string): string {
  const id = layers.find((layer) => layer.name === name)?.id;
  const own = nodes.filter(({ outputs: [first = ''] }) => id !== undefined && tensors.get(first)?.layer === id);
  return own
    .flatMap(({ op, inputs }) => inputs.map((input) => ({ op, data: numbers(input)?.data ?? [] })))
    .flatMap(({ op, data }) => (data.length === 1 ? [`${op} ${data[0]}`] : []))
    .sort()
    .join();
}

/** Says so of all of them. */
export function rebuiltNotes(layers: readonly string[]): string[] {
  if (layers.length === 0) return [];
  return [
    `${joined(layers)} ${layers.length === 1 ? 'does' : 'do'} not have the dense model's weights: the pruner itself makes such layers anew and never gives them theirs, so that they have to be trained again. The retained filters are right.`,
  ];
}
