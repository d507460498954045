import { isConcatenation, type Layer, type Network, type Operation, operationsOf } from '../../network/index.ts';

/** A call of a layer with weights, and the calls nearest to it through all other operations. */
export interface SkeletonCall {
  readonly layer: Layer;
  readonly call: number;
  /**
   * Calls before it (their positions in the skeleton): what is concatenated stands in its order, what is added or multiplied in
   * one group, in which no order means anything.
   */
  readonly before: readonly (readonly number[])[];
  /** Names of the model's inputs that reach it, in groups as the calls before it. */
  readonly inputs: readonly (readonly string[])[];
  /** Calls after it. */
  readonly after: number[];
  /** Which of the model's outputs it makes without another call between. */
  readonly outputs: number[];
}

/** Calls that are remembered before an operation: a Concat of concats reaches many, of which the first tell enough. */
const MAX_REACHED = 256;

/** Calls, by position, and inputs, by name, that an operation was computed by, in groups as in `SkeletonCall`. */
type Reached = readonly (readonly (number | string)[])[];

/** What remains of a network when everything but its layers with weights is taken away: all that exporters leave alone. */
export function skeletonOf(network: Network): readonly SkeletonCall[] {
  const { all, outputs } = operationsOf(network);
  const calls: SkeletonCall[] = [];
  const reached: Reached[] = [];
  for (const operation of all) {
    const before = reachedBefore(operation, reached);
    if (operation.call === null) {
      reached.push(before);
      continue;
    }
    const groups = before.map((group) => group.filter((source) => typeof source === 'number'));
    for (const source of new Set(groups.flat())) calls[source]!.after.push(calls.length);
    reached.push([[calls.length]]);
    calls.push({
      layer: network.layers[operation.call.layer]!,
      call: operation.call.call,
      before: groups,
      inputs: before.map((group) => group.filter((source) => typeof source === 'string')),
      after: [],
      outputs: [],
    });
  }
  for (const [k, at] of outputs.entries()) {
    if (at === null) continue;
    for (const source of new Set(reached[at]!.flat())) if (typeof source === 'number') calls[source]!.outputs.push(k);
  }
  return calls;
}

function reachedBefore(operation: Operation, reached: readonly Reached[]): Reached {
  const { op, name, inputs } = operation;
  if (op === 'Input') return [[name]];
  const [first] = inputs;
  if (first === undefined) return [];
  if (inputs.every((input) => input === first)) return reached[first]!;
  const groups = inputs.flatMap((input) => reached[input]!).slice(0, MAX_REACHED);
  return isConcatenation(operation) ? groups : [[...new Set(groups.flat())].slice(0, MAX_REACHED)];
}
