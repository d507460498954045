import type { Layer, Network } from '../network/index.ts';
import type { Alignment } from './align/align.ts';
import type { AlikePair } from './align/alike.ts';
import type { FoldedReference } from './align/same-model.ts';
import { type Assignment, type ChannelCorrespondence, correspond } from './correspondence.ts';
import type { Disagreement, KernelOutcome, LayerRecovery, Recovery, ZeroedFilters } from './types.ts';

/** What became of one layer of the pruned model. */
export interface PrunedOutcome {
  readonly kernel: KernelOutcome;
  readonly assigned: Assignment | null;
  readonly zeroed: ZeroedFilters | null;
  readonly disagreements: readonly Disagreement[];
  readonly open: readonly Disagreement[];
}

/** What was recovered, by the dense model's layers: one that was exported as a kernel for each call from all of them. */
export function layerRecoveries(
  { dense, pruned, partner }: AlikePair,
  alignment: Alignment,
  outcomes: ReadonlyMap<number, PrunedOutcome>,
): ReadonlyMap<string, LayerRecovery> {
  const found = new Map<number, { readonly layer: Layer; readonly outcome: PrunedOutcome }[]>();
  for (const [id, outcome] of outcomes) {
    const { id: denseId } = partner.get(id)!;
    const own = found.get(denseId) ?? [];
    own.push({ layer: pruned.layers[id]!, outcome });
    found.set(denseId, own);
  }
  const open = [...alignment.unplaced].map(([id, reason]) => `${pruned.layers[id]!.name}: ${reason}`);
  const recoveries = new Map<string, LayerRecovery>();
  for (const [name, { id }] of dense.prunable) {
    const [first, ...others] = found.get(id) ?? [];
    recoveries.set(name, first === undefined ? missing(name, open) : joined(name, first.outcome, others));
  }
  return recoveries;
}

function missing(name: string, open: readonly string[]): LayerRecovery {
  const rest = open.length > 1 ? ` (and ${open.length - 1} more)` : '';
  const detail =
    open.length === 0
      ? `the pruned model has no layer ${name}`
      : `which layer of the pruned model is ${name} could not be determined; ${open[0]}${rest}`;
  return {
    name,
    kernel: { kind: 'missing', detail },
    ...retention(null),
    disagreements: [],
    open: [],
  };
}

/** What was recovered from a folded export, by the dense model's layers: a shared layer may be there as a kernel for each call. */
export function seenFrom(dense: Network, { network, partners }: FoldedReference, recovery: Recovery): Recovery {
  const layers = new Map<string, LayerRecovery>();
  for (const { id, name } of network.prunable.values()) {
    const base = partners.get(id)?.layer.name ?? name;
    const found = { ...recovery.layers.get(name)!, name: base };
    const first = layers.get(base);
    layers.set(base, first === undefined ? found : merged(first, name, found));
  }
  return { ...recovery, layers, correspondence: throughReference(dense, partners, recovery.correspondence) };
}

function throughReference(
  dense: Network,
  partners: FoldedReference['partners'],
  { pruned, partner: own, calls: ownCalls, assigned }: ChannelCorrespondence,
): ChannelCorrespondence {
  const partner = new Map<number, Layer>();
  const calls = new Map<number, readonly number[]>();
  for (const [id, { id: reference }] of own) {
    const found = partners.get(reference);
    if (found === undefined) continue;
    partner.set(id, found.layer);
    calls.set(
      id,
      ownCalls.get(id)!.map((call) => found.calls[call] ?? 0),
    );
  }
  const correspondence = correspond({ dense, pruned, partner, calls });
  for (const [id, filters] of assigned) correspondence.assign(pruned.layers[id]!, filters);
  return correspondence;
}

function merged(first: LayerRecovery, name: string, other: LayerRecovery): LayerRecovery {
  const isSame = String(first.actual) === String(other.actual) && first.isPermuted === other.isPermuted;
  return {
    ...first,
    kernel: worst(first.kernel, other.kernel),
    disagreements: [...first.disagreements, ...other.disagreements, ...(isSame ? [] : [otherFilters(name)])],
    open: [...first.open, ...other.open],
  };
}

function otherFilters(name: string): Disagreement {
  return { tensor: name, consumer: null, detail: 'it keeps other filters than the first call of the layer' };
}

/** Worst first. */
const WORST: readonly KernelOutcome['kind'][] = ['missing', 'unrecognized', 'altered', 'nearest', 'rounded', 'exact'];

function worst(a: KernelOutcome, b: KernelOutcome): KernelOutcome {
  return WORST.indexOf(b.kind) < WORST.indexOf(a.kind) ? b : a;
}

function joined(
  name: string,
  first: PrunedOutcome,
  others: readonly { readonly layer: Layer; readonly outcome: PrunedOutcome }[],
): LayerRecovery {
  const differing = others.filter(
    ({ outcome }) =>
      String(outcome.assigned) !== String(first.assigned) ||
      String(outcome.zeroed?.filters ?? '') !== String(first.zeroed?.filters ?? ''),
  );
  return {
    name,
    ...withZeroed(retention(first.assigned), first.zeroed),
    kernel: others.reduce((kernel, { outcome }) => worst(kernel, outcome.kernel), first.kernel),
    disagreements: [
      ...first.disagreements,
      ...others.flatMap(({ outcome }) => outcome.disagreements),
      ...differing.map(({ layer }) => otherFilters(layer.name)),
    ],
    open: [...first.open, ...others.flatMap(({ outcome }) => outcome.open)],
  };
}

/** Filters that hold zeros are there, and retained as little as removed ones. */
function withZeroed(
  retained: ReturnType<typeof retention>,
  zeroed: ZeroedFilters | null,
): Pick<LayerRecovery, 'actual' | 'order' | 'isPermuted' | 'duplicated' | 'zeroed'> {
  if (zeroed === null) return retained;
  const gone = new Set(zeroed.filters);
  return { ...retained, actual: retained.actual?.filter((filter) => !gone.has(filter)) ?? null, zeroed };
}

function retention(assigned: Assignment | null): Pick<LayerRecovery, 'actual' | 'order' | 'isPermuted' | 'duplicated'> {
  if (assigned === null || assigned.includes(-1))
    return { actual: null, order: null, isPermuted: false, duplicated: [] };
  const filters: number[] = [];
  let isAscending = true;
  for (let at = 0; at < assigned.length; at++) {
    if (at > 0 && assigned[at]! <= assigned[at - 1]!) isAscending = false;
    filters.push(assigned[at]!);
  }
  if (isAscending) return { actual: filters, order: filters, isPermuted: false, duplicated: [] };
  const ordered = assigned.slice().sort();
  const sorted = [...new Set(ordered)];
  const duplicated = [...new Set(ordered.filter((filter, at) => filter === ordered[at - 1]))];
  return {
    actual: sorted,
    order: filters,
    isPermuted: assigned.some((filter, at) => at > 0 && filter < assigned[at - 1]!),
    duplicated,
  };
}
