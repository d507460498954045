import type { Expectation, LayerExpectation } from '../dialects/index.ts';
import type { RetainedIndices } from '../network/index.ts';
import { type Disagreement, isVerified, type LayerRecovery } from '../recovery/index.ts';
import type { LayerVerdict } from './types.ts';

export interface Outcome {
  readonly verdict: LayerVerdict;
  readonly reason: string;
  /** What is wrong, after the layer's name; null where other filters are kept than expected. */
  readonly problem: string | null;
  /** The key of the spec that is broken; null for the one that decided. */
  readonly specKey: string | null;
  /** What the user can do so that it can be verified; null for what the expectation says. */
  readonly remedy: string | null;
}

const RETRAINED =
  'Give the model as it was pruned, before it was trained again; or set tolerance to a relative distance (such as 0.2), and the nearest filters are judged.';

function outcome(
  verdict: LayerVerdict,
  reason: string,
  problem: string | null = null,
  specKey: string | null = null,
  remedy: string | null = null,
): Outcome {
  return { verdict, reason, problem, specKey, remedy };
}

/**
 * Holds what a layer really keeps against what it should, kernel first, then everything else that belongs to it.
 * @param disagreements tensors of the layer that keep other channels than its kernel
 * @param actualOf what any layer really keeps
 */
export function judgeLayer(
  expected: LayerExpectation,
  recovery: LayerRecovery,
  disagreements: readonly Disagreement[],
  expectation: Expectation,
  isConsistent: Consistency,
  actualOf: (layer: string) => RetainedIndices | null,
  tolerance: number | null,
): Outcome {
  const { kernel, actual } = recovery;
  switch (kernel.kind) {
    case 'missing':
      return outcome('unverifiable', kernel.detail);
    case 'nearest':
      if (isVerified(kernel, tolerance)) break;
      return outcome('unverifiable', kernel.detail, null, null, RETRAINED);
    case 'unrecognized':
      return outcome('unverifiable', `${kernel.detail}: was the pruned model retrained or exported in another way?`);
    case 'altered':
      return outcome(
        'mismatch',
        `${kernel.detail}: weights were altered after pruning`,
        'has weights that the dense model does not have',
      );
    case 'exact':
    case 'rounded':
      break;
  }
  if (recovery.duplicated.length > 0) {
    const twice = `filter ${recovery.duplicated.join(', ')}`;
    return outcome('mismatch', `${twice} stands in it more than once`, `has ${twice} more than once`);
  }
  const [first] = disagreements;
  if (first !== undefined) {
    const more = disagreements.length > 1 ? ` (and ${disagreements.length - 1} more tensors)` : '';
    const problem =
      first.consumer === null
        ? 'and a vector that follows it keep different filters'
        : `keeps other filters than ${first.consumer} reads`;
    return outcome('mismatch', `${first.tensor} does not fit its filters: ${first.detail}${more}`, problem);
  }
  if (actual === null) return outcome('unverifiable', 'which filters it keeps could not be told');
  if (expectation.refusal?.always === true) return outcome('unverifiable', expected.reason);
  const isEqual = String(actual) === String(expected.expected);
  if (recovery.isPermuted) {
    const reason =
      expected.expected === null
        ? 'its filters stand in another order than in the dense model'
        : isEqual
          ? 'it keeps the right filters in another order'
          : 'it keeps other filters, and in another order';
    return outcome(
      'mismatch',
      reason,
      isEqual ? 'keeps the right filters in another order' : 'keeps its filters in another order',
    );
  }
  if (expected.expected === null) {
    const broken = expectation.certain.contradiction(expected.name, actualOf);
    return broken === null
      ? outcome('unverifiable', expected.reason)
      : outcome('mismatch', broken.reason, broken.problem, broken.specKey);
  }
  if (expected.alternatives !== null) {
    if (isConsistent(expected.name))
      return outcome(
        'ambiguous',
        `${expected.reason}; the pruner's own choice is one of ${expected.alternatives.length}, and this is one of them`,
      );
  } else if (isEqual)
    return outcome('match', 'detail' in kernel ? `${expected.reason}; ${kernel.detail}` : expected.reason);
  else if (expected.tie !== null && fitsTie(expected.tie, actual) && isConsistent(expected.name)) {
    return outcome(
      'ambiguous',
      `it differs only among filters whose values are equal at the cut (${expected.tie.candidates.join(', ')}), of which any ${expected.tie.pick} may stay`,
    );
  }
  return outcome('mismatch', expected.reason);
}

/** A layer of which something could not be compared is not known to be right. */
export function unlessOpen(judged: Outcome, { open }: LayerRecovery): Outcome {
  const [first] = open;
  if (first === undefined || judged.verdict === 'mismatch') return judged;
  const more = open.length > 1 ? ` (and ${open.length - 1} more tensors)` : '';
  return outcome('unverifiable', `${first.tensor} could not be compared: ${first.detail}${more}`);
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
