import type { Norm, Operation } from '../network/index.ts';
import type { ChannelCorrespondence } from '../recovery/index.ts';
import { changedConstants } from './bare.ts';
import { type Difference, differenceOf, differingSetting, type Side } from './differences.ts';
import { interfaceDifferences } from './interface.ts';
import { callLeaf, sidesOf } from './sides.ts';
import { type Unseen, unseenWeights } from './unseen.ts';

/** A place where the pruned graph is surely another one. */
export interface GraphDifference {
  readonly kind: 'graph-differs' | 'interface-differs';
  /** The dense layer that it was found at; null for an output or an input of the model. */
  readonly layer: string | null;
  /** One sentence without its end, such as `relu behind conv1 is missing`. */
  readonly title: string;
  /** Whether it is one: what cannot be determined leaves the model unverified. */
  readonly isSure: boolean;
  /** Of an interface: outputs that the pruned model alone lacks, and one that only has the channels of the filters that are left. */
  readonly lost?: readonly string[];
  readonly narrowed?: string | null;
  /** Of an interface: whether it is of the type to which the model's weights were converted. */
  readonly isConverted?: boolean;
}

/** How the graph of a pruned model compares with the dense one's, apart from weights and their channels. */
export interface GraphComparison {
  readonly differences: readonly GraphDifference[];
  /** Operators that could not be compared, by name. */
  readonly open: readonly string[];
  readonly unseen: Unseen;
}

/**
 * Compares the two graphs operator by operator between the layers that recovery found to be the same: what each layer and each
 * output reads must be the same function of the same layers. How exporters write a function does not count: it is tried out on
 * numbers, and operators that look at several positions are compared by their settings.
 */
export function compareGraphs(correspondence: ChannelCorrespondence): GraphComparison {
  const { dense, pruned } = correspondence;
  const { before, after } = sidesOf(correspondence);
  const found = [
    ...layerDifferences(correspondence, before, after),
    ...outputDifferences(correspondence, before, after),
  ];
  const differences = found.flatMap(({ layer, difference }): GraphDifference[] =>
    difference.kind === 'sure' ? [{ kind: 'graph-differs', layer, title: difference.says, isSure: true }] : [],
  );
  const open = found.flatMap(({ difference }) => (difference.kind === 'open' ? [difference.op] : []));
  return {
    differences: [
      ...interfaceDifferences(dense, pruned, correspondence).map((difference) => ({
        kind: 'interface-differs' as const,
        layer: null,
        ...difference,
      })),
      ...changedConstants(dense, pruned).map((name) => ({
        ...{ kind: 'graph-differs' as const, layer: null, isSure: true },
        title: `${name} holds other values than in the dense model`,
      })),
      // One cause is found by every layer that reads it.
      ...new Map(differences.map((difference) => [difference.title, difference])).values(),
    ],
    open: [...new Set(open)],
    unseen: unseenWeights(dense, pruned),
  };
}

interface Found {
  readonly layer: string | null;
  readonly difference: Difference;
}

function layerDifferences({ partner, calls, pruned }: ChannelCorrespondence, before: Side, after: Side): Found[] {
  const denseCalls = new Map<string, number>();
  for (const [at, { call }] of before.operations.all.entries())
    if (call !== null) denseCalls.set(callLeaf(call.layer, call.call), at);
  return after.operations.all.flatMap(({ call }, at) => {
    if (call === null) return [];
    const layer = partner.get(call.layer);
    const denseCall = calls.get(call.layer)?.[call.call];
    const denseAt =
      layer === undefined || denseCall === undefined ? undefined : denseCalls.get(callLeaf(layer.id, denseCall));
    if (layer === undefined || denseCall === undefined || denseAt === undefined) return [];
    const read = operandDifference(before, after, denseAt, at);
    const own = callDifference(before.operations.all[denseAt]!, after.operations.all[at]!, layer.name, read);
    const epsilon = epsilonDifference(
      layer.norms[denseCall]?.statistics,
      pruned.layers[call.layer]!.norms[call.call]?.statistics,
      layer.name,
    );
    return [own, epsilon, read].flatMap((difference) =>
      difference === null ? [] : [{ layer: layer.name, difference }],
    );
  });
}

/** Settings of a layer itself. The kernel's size is the weights' matter. */
function callDifference(a: Operation, b: Operation, name: string, read: Difference | null): Difference | null {
  const [{ kernel: _, ...before }, { kernel: __, ...after }] = [a.settings, b.settings];
  const found = differingSetting(before, after);
  if (found === null || a.op !== b.op) return null;
  // What is cut away of a picture by what is not understood, padding may make up for.
  if (found.name === 'pads' && read?.kind === 'open') return null;
  const shown = (value: unknown): string => (Array.isArray(value) ? `[${value.join(', ')}]` : String(value));
  return { kind: 'sure', says: `${found.name} of ${name} is ${shown(found.after)} instead of ${shown(found.before)}` };
}

function epsilonDifference(
  before: Norm['statistics'] | undefined,
  after: Norm['statistics'] | undefined,
  name: string,
): Difference | null {
  if (before == null || after == null || Math.abs(before.epsilon - after.epsilon) <= 1e-6 * before.epsilon) return null;
  return {
    kind: 'sure',
    says: `epsilon of the BatchNorm behind ${name} is ${after.epsilon.toPrecision(3)} instead of ${before.epsilon.toPrecision(3)}`,
  };
}

function operandDifference(before: Side, after: Side, denseAt: number, prunedAt: number): Difference | null {
  const [a, b] = [before.operations.all[denseAt]!.inputs[0], after.operations.all[prunedAt]!.inputs[0]];
  if (a === undefined || b === undefined) return null;
  return differenceOf(before, after, a, b);
}

/** Outputs by name where both models have the same, else by their order. */
function outputDifferences(correspondence: ChannelCorrespondence, before: Side, after: Side): Found[] {
  const [a, b] = [before.network.model.graph.outputs, after.network.model.graph.outputs];
  const places = new Map(a.map(({ name }, at) => [name, at]));
  const isSameSet = b.every(({ name }) => places.has(name));
  if (a.length !== b.length && !isSameSet) return [];
  return b.flatMap(({ name }, at) => {
    const place = isSameSet ? places.get(name)! : at;
    const denseAt = before.operations.outputs[place] ?? null;
    const prunedAt = after.operations.outputs[at] ?? null;
    const difference =
      orderDifference(correspondence, a[place]!.name, name) ??
      (denseAt === null || prunedAt === null ? null : differenceOf(before, after, denseAt, prunedAt));
    return difference === null ? [] : [{ layer: null, difference }];
  });
}

/** Whoever reads an output knows its channels by their places. */
function orderDifference(
  { dense, pruned, positions }: ChannelCorrespondence,
  before: string,
  after: string,
): Difference | null {
  const [a, b] = [dense.tensors.get(before)?.channels ?? null, pruned.tensors.get(after)?.channels ?? null];
  if (a === null || b === null || !('ids' in a) || !('ids' in b)) return null;
  const places = positions(a.ids, b.ids);
  const isMoved = places?.some((place, at) => at > 0 && place < places[at - 1]!) ?? false;
  return isMoved ? { kind: 'sure', says: `the channels of the output ${after} stand in another order` } : null;
}
