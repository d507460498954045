import type { Expectation, LayerExpectation } from '../dialects/index.ts';
import type { RetainedIndices } from '../network/index.ts';
import { sameFilters, without } from '../prose/index.ts';
import { type Disagreement, isVerified, type LayerRecovery } from '../recovery/index.ts';
import { formProblem, orderProblem, orderWords } from './judge-form.ts';
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

/** One layer of both models. */
export interface LayerCase {
  readonly expected: LayerExpectation;
  readonly recovery: LayerRecovery;
  /** Filters of the dense layer. */
  readonly filters: number;
  /** Tensors of the layer that keep other channels than its kernel. */
  readonly disagreements: readonly Disagreement[];
}

/** What every layer of a run is judged by. */
export interface Rules {
  readonly expectation: Expectation;
  readonly isConsistent: Consistency;
  /** Relative distance up to which a changed filter still counts as the dense one; null where only rounding does. */
  readonly tolerance: number | null;
  /** What any layer really keeps. */
  actual(layer: string): RetainedIndices | null;
}

const RETRAINED =
  'Give the model as it was pruned, before it was trained again; or set tolerance to a relative distance (such as 0.2), and the nearest filters are judged.';

function outcome(
  verdict: LayerVerdict,
  reason: string,
  others: Partial<Pick<Outcome, 'problem' | 'specKey' | 'remedy'>> = {},
): Outcome {
  const { problem = null, specKey = null, remedy = null } = others;
  return { verdict, reason, problem, specKey, remedy };
}

/** Compares what a layer really keeps with what it should, kernel first, then everything else that belongs to it. */
export function judgeLayer(layer: LayerCase, rules: Rules): Outcome {
  const judged =
    kernelOutcome(layer, rules) ??
    formOutcome(layer) ??
    belongingsOutcome(layer) ??
    filtersOutcome(layer, rules, layer.recovery.actual) ??
    otherFilters(layer.expected);
  return unlessOpen(judged, layer.recovery);
}

/** What asks for the filters that are expected, as far as they can be. */
const ASKING = {
  weights: 'these weights ask',
  names: 'the spec asks without it',
  parameters: 'a parameter asks',
} as const;

/** It keeps other filters than expected: wrong, unless the weights may not be those that the pruner saw. */
function otherFilters({ assumes, reason }: LayerExpectation): Outcome {
  return assumes === null
    ? outcome('mismatch', reason)
    : outcome('unverifiable', `${assumes.open}, and it keeps other filters than ${ASKING[assumes.of]} for`, {
        remedy: assumes.remedy,
      });
}

/** A layer of which something could not be compared is not known to be right. */
function unlessOpen(judged: Outcome, { open }: LayerRecovery): Outcome {
  const [first] = open;
  if (first === undefined || judged.verdict === 'mismatch') return judged;
  const more = open.length > 1 ? ` (and ${open.length - 1} more tensors)` : '';
  return outcome('unverifiable', `${first.tensor} could not be compared: ${first.detail}${more}`);
}

/** What its kernel alone says; null where its filters are dense filters. */
function kernelOutcome({ recovery: { kernel } }: LayerCase, { tolerance }: Rules): Outcome | null {
  switch (kernel.kind) {
    case 'missing':
      return outcome('unverifiable', kernel.detail);
    case 'nearest':
      return isVerified(kernel, tolerance) ? null : outcome('unverifiable', kernel.detail, { remedy: RETRAINED });
    case 'unrecognized':
      return outcome('unverifiable', `${kernel.detail}: was the pruned model retrained or exported in another way?`);
    case 'altered':
      return outcome('mismatch', `${kernel.detail}: weights were altered after pruning`, {
        problem: 'has weights that the dense model does not have',
      });
    case 'exact':
    case 'rounded':
      return null;
  }
}

/** Filters that are gone in another way than the spec says. */
function formOutcome({ expected, recovery, filters }: LayerCase): Outcome | null {
  const found = formProblem(expected, recovery, filters);
  return found === null ? null : outcome('mismatch', found.reason, found);
}

/** A filter that stands there twice, and whatever follows the kernel but keeps other filters. */
function belongingsOutcome({ recovery: { duplicated }, disagreements }: LayerCase): Outcome | null {
  if (duplicated.length > 0) {
    const twice = `filter ${duplicated.join(', ')}`;
    return outcome('mismatch', `${twice} stands in it more than once`, { problem: `has ${twice} more than once` });
  }
  const [first] = disagreements;
  if (first === undefined) return null;
  const more = disagreements.length > 1 ? ` (and ${disagreements.length - 1} more tensors)` : '';
  return outcome('mismatch', `${first.tensor} does not fit its filters: ${first.detail}${more}`, {
    problem:
      first.consumer === null
        ? 'and a vector that follows it keep different filters'
        : `keeps other filters than ${first.consumer} reads`,
  });
}

/** Its filters compared with those expected; null where they are simply others. */
function filtersOutcome(layer: LayerCase, rules: Rules, actual: RetainedIndices | null): Outcome | null {
  const { expected, recovery } = layer;
  if (actual === null) return outcome('unverifiable', 'which filters it keeps could not be determined');
  if (rules.expectation.refusal?.always === true) return outcome('unverifiable', expected.reason);
  if (recovery.isPermuted && expected.form?.isInOrder === undefined) return permutedOutcome(expected, actual);
  if (expected.expected === null) {
    const broken = rules.expectation.certain.contradiction(expected.name, rules.actual);
    return broken === null
      ? outcome('unverifiable', expected.reason)
      : outcome('mismatch', broken.reason, { problem: broken.problem, specKey: broken.specKey });
  }
  if (expected.alternatives !== null) return alternativesOutcome(expected, expected.alternatives, rules);
  if (sameFilters(actual, expected.expected)) return matchOutcome(expected, recovery);
  if (expected.tie === null || !fitsTie(expected.tie, actual) || !rules.isConsistent(expected.name)) return null;
  return outcome(
    'ambiguous',
    `it differs only among filters whose values are equal at the cut, or nearer than rounding tells (${expected.tie.candidates.join(', ')}), of which any ${expected.tie.pick} may stay`,
  );
}

/** The right filters, if they stand in an order that the spec allows. */
function matchOutcome(expected: LayerExpectation, recovery: LayerRecovery): Outcome {
  const moved = orderProblem(expected, recovery);
  if (moved !== null) return outcome('mismatch', moved.reason, moved);
  const { kernel } = recovery;
  const more = [...orderWords(expected, recovery), ...('detail' in kernel ? [kernel.detail] : [])];
  return outcome('match', [expected.reason, ...more].join('; '));
}

function permutedOutcome({ expected }: LayerExpectation, actual: RetainedIndices): Outcome {
  if (expected === null)
    return outcome('mismatch', 'its filters stand in another order than in the dense model', {
      problem: 'keeps its filters in another order',
    });
  return sameFilters(actual, expected)
    ? outcome('mismatch', 'it keeps the right filters in another order', {
        problem: 'keeps the right filters in another order',
      })
    : outcome('mismatch', 'it keeps other filters, and in another order', {
        problem: 'keeps its filters in another order',
      });
}

function alternativesOutcome(
  { name, reason }: LayerExpectation,
  alternatives: readonly RetainedIndices[],
  { isConsistent }: Rules,
): Outcome | null {
  if (!isConsistent(name)) return null;
  return outcome(
    'ambiguous',
    `${reason}; the pruner's own choice is one of ${alternatives.length}, and this is one of them`,
  );
}

/** Whether a layer's undetermined choice is the same that its partners made. */
export type Consistency = (layer: string) => boolean;

/** The pruned model must have one whole outcome of each joint choice, and the same pick in every layer of a tie. */
export function consistencyOf(
  expectation: Expectation,
  actual: (layer: string) => RetainedIndices | null,
): Consistency {
  const joint = new Map(expectation.joint.toReversed().flatMap((set) => set.layers.map((layer) => [layer, set])));
  const isOneOutcome = new Map(
    expectation.joint.map((set) => [
      set,
      set.outcomes.some((one) => set.layers.every((layer) => sameFilters(one.get(layer), actual(layer)))),
    ]),
  );
  /** What the first layer of each tie keeps; null where another keeps something else. */
  const picks = new Map<NonNullable<LayerExpectation['tie']>, RetainedIndices | null>();
  for (const { name, tie } of expectation.layers.values()) {
    if (tie === null) continue;
    const kept = actual(name);
    picks.set(tie, !picks.has(tie) || sameFilters(picks.get(tie), kept) ? kept : null);
  }
  return (name) => {
    const set = joint.get(name);
    if (set !== undefined) return isOneOutcome.get(set)!;
    const tie = expectation.layers.get(name)?.tie ?? null;
    return tie === null || picks.get(tie) !== null;
  };
}

function fitsTie(tie: NonNullable<LayerExpectation['tie']>, actual: RetainedIndices): boolean {
  return (
    actual.length === tie.certain.length + tie.pick &&
    without(tie.certain, actual).length === 0 &&
    without(without(actual, tie.certain), tie.candidates).length === 0
  );
}
