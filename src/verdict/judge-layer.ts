import type { Expectation, LayerExpectation } from '../dialects/index.ts';
import type { RetainedIndices } from '../network/index.ts';
import type { Disagreement, LayerRecovery } from '../recovery/index.ts';
import type { LayerVerdict } from './types.ts';

export interface Outcome {
  readonly verdict: LayerVerdict;
  readonly reason: string;
}

/**
 * Holds what a layer really keeps against what it should, kernel first, then everything else that belongs to it.
 * @param disagreements tensors of the layer that keep other channels than its kernel
 */
export function judgeLayer(
  expected: LayerExpectation,
  recovery: LayerRecovery,
  disagreements: readonly Disagreement[],
  expectation: Expectation,
  isConsistent: Consistency,
): Outcome {
  const { kernel, actual } = recovery;
  switch (kernel.kind) {
    case 'missing':
      return { verdict: 'unverifiable', reason: `the pruned model has no layer ${recovery.name}` };
    case 'unrecognized':
      return {
        verdict: 'unverifiable',
        reason: `${kernel.detail}: was the pruned model retrained or exported in another way?`,
      };
    case 'altered':
      return { verdict: 'mismatch', reason: `${kernel.detail}: weights were altered after pruning` };
    case 'exact':
      break;
  }
  if (recovery.duplicated.length > 0)
    return { verdict: 'mismatch', reason: `filter ${recovery.duplicated.join(', ')} stands in it more than once` };
  const [first] = disagreements;
  if (first !== undefined) {
    const more = disagreements.length > 1 ? ` (and ${disagreements.length - 1} more tensors)` : '';
    return { verdict: 'mismatch', reason: `${first.tensor} does not fit its filters: ${first.detail}${more}` };
  }
  if (actual === null) return { verdict: 'unverifiable', reason: 'which filters it keeps could not be told' };
  if (expectation.refusal?.always === true || expected.expected === null)
    return { verdict: 'unverifiable', reason: expected.reason };
  const isEqual = String(actual) === String(expected.expected);
  if (recovery.isPermuted) {
    return {
      verdict: 'mismatch',
      reason: isEqual ? 'it keeps the right filters in another order' : 'it keeps other filters, and in another order',
    };
  }
  if (expected.alternatives !== null) {
    if (isConsistent(expected.name))
      return {
        verdict: 'ambiguous',
        reason: `${expected.reason}; the pruner's own choice is one of ${expected.alternatives.length}, and this is one of them`,
      };
  } else if (isEqual) return { verdict: 'match', reason: expected.reason };
  else if (expected.tie !== null && fitsTie(expected.tie, actual) && isConsistent(expected.name)) {
    return {
      verdict: 'ambiguous',
      reason: `it differs only among filters whose values are equal at the cut (${expected.tie.candidates.join(', ')}), of which any ${expected.tie.pick} may stay`,
    };
  }
  return { verdict: 'mismatch', reason: expected.reason };
}

/** Whether a layer's undetermined choice is the same that its partners made. */
export type Consistency = (layer: string) => boolean;

/** The pruned model must have one whole outcome of each joint choice, and the same pick in every layer of a tie. */
export function consistencyOf(
  expectation: Expectation,
  actual: (layer: string) => RetainedIndices | null,
): Consistency {
  return (name) => {
    const joint = expectation.joint.find((set) => set.layers.includes(name));
    if (joint !== undefined) {
      return joint.outcomes.some((outcome) =>
        joint.layers.every((layer) => String(outcome.get(layer)) === String(actual(layer))),
      );
    }
    const tie = expectation.layers.get(name)?.tie;
    const sharing = [...expectation.layers.values()].filter((other) => other.tie !== null && other.tie === tie);
    return sharing.every((other) => String(actual(other.name)) === String(actual(name)));
  };
}

function fitsTie(tie: NonNullable<LayerExpectation['tie']>, actual: RetainedIndices): boolean {
  const kept = new Set(actual);
  return (
    actual.length === tie.certain.length + tie.pick &&
    tie.certain.every((filter) => kept.has(filter)) &&
    actual.every((filter) => tie.certain.includes(filter) || tie.candidates.includes(filter))
  );
}
