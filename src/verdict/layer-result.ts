import type { LayerExpectation, Reported, Tie } from '../dialects/index.ts';
import type { Layer, RetainedIndices } from '../network/index.ts';
import { counted, sameFilters, without } from '../prose/index.ts';
import type { Disagreement, LayerRecovery, Recovery } from '../recovery/index.ts';
import { judgeLayer, type Outcome, type Rules } from './judge-layer.ts';
import type { LayerResult } from './types.ts';

/** Both sides of a run; one that was not asked for is null. */
export interface Sides {
  /** null where nothing is expected. */
  readonly rules: Rules | null;
  readonly recovery: Recovery | null;
  readonly reported: Reported | null;
  /** Layers that read other channels than before because the pruner itself cuts them so. */
  readonly excused: ReadonlySet<string>;
}

/** Filters of one layer that are explained one by one; a layer cut by another ranking altogether need not list them all. */
const MAX_EXPLAINED = 16;

/** No dialect and no recovery may leave a layer out; one that did would still not pass. */
const NOT_COMPARED: Outcome = {
  verdict: 'unverifiable',
  reason: 'nothing is known of it',
  problem: null,
  specKey: null,
  remedy: null,
};

/** What became of a layer, as far as the sides say. */
export function layerResult(layer: Layer, { rules, recovery, reported, excused }: Sides): LayerResult {
  const expected = rules?.expectation.layers.get(layer.name) ?? nothingExpected(layer.name);
  const recovered = recovery?.layers.get(layer.name) ?? null;
  const disagreements = (recovered?.disagreements ?? []).filter(
    ({ consumer }) => consumer === null || !excused.has(consumer),
  );
  const outcome =
    rules === null || recovery === null
      ? null
      : recovered === null || !rules.expectation.layers.has(layer.name)
        ? NOT_COMPARED
        : judgeLayer({ expected, recovery: recovered, filters: layer.filters, disagreements }, rules);
  const actual = recovered?.actual ?? null;
  const isOpen = outcome?.verdict === 'unverifiable' && actual !== null;
  return {
    ...expected,
    kind: layer.kind,
    filters: layer.filters,
    folding: layer.folding.state,
    foldingEvidence: layer.folding.evidence,
    actual,
    reported: reported?.named.get(layer.name) ?? null,
    verdict: outcome?.verdict ?? null,
    problem: outcome?.problem ?? null,
    reason: outcome?.reason ?? (rules === null ? recoveredReason(recovered, disagreements) : expected.reason),
    remedy: isOpen ? (outcome.remedy ?? expected.remedy) : null,
    specKey: outcome?.specKey ?? expected.specKey,
    ...(outcome?.verdict === 'mismatch' ? differenceOf(expected, actual, rules!) : NO_DIFFERENCE),
  };
}

function nothingExpected(name: string): LayerExpectation {
  return {
    ...{ name, exploring: null, expected: null, assumes: null, tie: null, alternatives: null, group: null },
    ...{ reason: '', remedy: null, rule: '', specKey: '' },
  };
}

type Difference = Pick<LayerResult, 'missing' | 'unexpected' | 'explanations' | 'explanation'>;

const NO_DIFFERENCE: Difference = { missing: [], unexpected: [], explanations: [], explanation: null };

/** Which filters differ from the nearest right outcome, and why each of them should not. */
function differenceOf(layer: LayerExpectation, kept: RetainedIndices | null, { expectation }: Rules): Difference {
  if (layer.expected === null || kept === null) return NO_DIFFERENCE;
  const right = nearestOutcome(layer.expected, layer, kept);
  if (sameFilters(right, kept)) return NO_DIFFERENCE;
  const missing = without(right, kept);
  const unexpected = without(kept, right);
  return {
    missing,
    unexpected,
    explanations: [...missing, ...unexpected]
      .slice(0, MAX_EXPLAINED)
      .map((filter) => expectation.explain(layer.name, filter)),
    explanation: expectation.explainLayer(layer.name),
  };
}

/** Of several right outcomes the one that a layer comes nearest to, so that few filters need explaining. */
function nearestOutcome(
  expected: RetainedIndices,
  { alternatives, tie }: LayerExpectation,
  kept: RetainedIndices,
): RetainedIndices {
  const distance = (outcome: RetainedIndices): number => without(outcome, kept).length + without(kept, outcome).length;
  const choices = alternatives ?? (tie === null ? [expected] : [pickNear(tie, kept)]);
  return choices.reduce((best, outcome) => (distance(outcome) < distance(best) ? outcome : best), expected);
}

/** The filters of a tie with the pick that has most of those that are kept. */
function pickNear({ certain, candidates, pick }: Tie, kept: RetainedIndices): RetainedIndices {
  const others = without(candidates, kept);
  const picked = [...without(candidates, others), ...others].slice(0, pick);
  return [...certain, ...picked].sort((a, b) => a - b);
}

function recoveredReason(recovered: LayerRecovery | null, disagreements: readonly Disagreement[]): string {
  if (recovered === null) return '';
  const { kernel } = recovered;
  if (kernel.kind !== 'exact') return kernel.detail;
  const [first] = disagreements;
  const { zeroed } = recovered;
  if (first === undefined && zeroed !== undefined)
    return `${counted(zeroed.filters.length, 'filter')} hold zeros, every other one is a dense filter, bit for bit`;
  return first === undefined
    ? (kernel.detail ?? 'every filter is a dense filter, bit for bit')
    : `${first.tensor} does not fit its filters: ${first.detail}`;
}
