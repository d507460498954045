import type { GraphComparison } from '../comparison/index.ts';
import type { Expectation, LayerExpectation, Reported, Tie, Variant } from '../dialects/index.ts';
import { FIXED_CHANNEL, type Network, type RetainedIndices } from '../network/index.ts';
import type { Disagreement, LayerRecovery, Recovery } from '../recovery/index.ts';
import type { Scene } from './causes.ts';
import { findingsOf } from './findings.ts';
import { graphFindings, graphNotes } from './graph.ts';
import { consistencyOf, judgeLayer, type Outcome, unlessOpen } from './judge-layer.ts';
import { toldNotes } from './notes.ts';
import { reportedFindings, reportedNotes } from './reported.ts';
import type { Finding, Judgement, LayerResult, RunVerdict } from './types.ts';

/** What is known of both sides; a side that was not asked for is null, or left out. */
export interface Evidence {
  readonly dense: Network;
  readonly expectation: Expectation | null;
  readonly recovery: Recovery | null;
  /** How the graph of the pruned model compares with the dense one's; null where nobody compared them. */
  readonly graph: GraphComparison | null;
  /** What the pruner itself says; null where it was not asked. */
  readonly reported: Reported | null;
  /** Relative distance up to which a changed filter still counts as the dense one; null where only rounding does. */
  readonly tolerance: number | null;
  /** What common mistakes would have retained; asked for only where layers diverge. */
  variants(actual: (layer: string) => RetainedIndices | null): Iterable<Variant>;
  /** Retained indices of a lock file that the model may have been cut by; null where there is none. */
  readonly locked: Scene['locked'];
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

const NOT_ASKED_FOR = {
  expectation: null,
  recovery: null,
  graph: null,
  reported: null,
  variants: () => [],
  locked: null,
};

/** Compares the expectation with what was recovered, layer by layer, and sums up. */
export function judge(given: Pick<Evidence, 'dense' | 'tolerance'> & Partial<Evidence>): Judgement {
  const evidence: Evidence = { ...NOT_ASKED_FOR, ...given };
  const { expectation } = evidence;
  const judgement = judgeAgainst(evidence);
  if (judgement.verdict !== 'diverges' || expectation?.refusal == null || expectation.refusal.always) return judgement;
  // The model is none of the outcomes that run, and on the others the pruner raises: what is right cannot be told.
  return judgeAgainst({
    ...evidence,
    expectation: { ...expectation, refusal: { ...expectation.refusal, always: true } },
  });
}

function judgeAgainst({
  dense,
  expectation,
  recovery,
  graph,
  reported,
  variants,
  locked,
  tolerance,
}: Evidence): Judgement {
  const actual = (name: string): RetainedIndices | null => recovery?.layers.get(name)?.actual ?? null;
  const notes = toldNotes(recovery?.told ?? []);
  const excused =
    expectation === null || recovery === null
      ? new Set<string>()
      : excusedConsumers(dense, expectation, recovery, actual, notes);
  const isConsistent = expectation === null ? () => true : consistencyOf(expectation, actual);

  const layers = [...dense.prunable.values()].map((layer): LayerResult => {
    const expected = expectation?.layers.get(layer.name) ?? null;
    const recovered = recovery?.layers.get(layer.name) ?? null;
    const disagreements = (recovered?.disagreements ?? []).filter(
      ({ consumer }) => consumer === null || !excused.has(consumer),
    );
    const outcome =
      expectation === null || recovery === null
        ? null
        : expected === null || recovered === null
          ? NOT_COMPARED
          : unlessOpen(
              judgeLayer(expected, recovered, disagreements, expectation, isConsistent, actual, tolerance),
              recovered,
            );
    const kept = recovered?.actual ?? null;
    const compared =
      outcome?.verdict === 'mismatch' && expected?.expected != null && kept !== null
        ? { expected: nearestOutcome(expected.expected, expected, kept), kept }
        : null;
    const missing = compared?.expected.filter((filter) => !compared.kept.includes(filter)) ?? [];
    const unexpected = compared?.kept.filter((filter) => !compared.expected.includes(filter)) ?? [];
    return {
      name: layer.name,
      kind: layer.kind,
      filters: layer.filters,
      folding: layer.folding.state,
      foldingEvidence: layer.folding.evidence,
      exploring: expected?.exploring ?? null,
      expected: expected?.expected ?? null,
      actual: kept,
      reported: reported?.named.get(layer.name) ?? null,
      verdict: outcome?.verdict ?? null,
      group: expected?.group ?? null,
      missing,
      unexpected,
      problem: outcome?.problem ?? null,
      reason: outcome?.reason ?? expected?.reason ?? recoveredReason(recovered, disagreements),
      remedy:
        outcome?.verdict === 'unverifiable' && kept !== null ? (outcome.remedy ?? expected?.remedy ?? null) : null,
      rule: expected?.rule ?? '',
      specKey: outcome?.specKey ?? expected?.specKey ?? expectation?.usualKey ?? '',
      tie: expected?.tie ?? null,
      alternatives: expected?.alternatives ?? null,
      explanations: [...missing, ...unexpected]
        .slice(0, MAX_EXPLAINED)
        .map((filter) => expectation!.explain(layer.name, filter)),
      explanation: missing.length + unexpected.length > 0 ? expectation!.explainLayer(layer.name) : null,
    };
  });
  if (expectation === null || recovery === null) return { verdict: null, layers, findings: [], notes };
  const disowned = reportedFindings(layers, reported);
  const findings = [
    ...findingsOf({
      scene: { dense, layers, variants: variants(actual), locked },
      recovery,
      excused,
      expectation,
    }),
    ...(graph === null ? [] : graphFindings(graph, expectation.usualKey)),
    ...disowned,
  ];
  const verdict = runVerdict(layers, findings);
  return {
    verdict,
    layers,
    findings,
    notes: [...notes, ...(graph === null ? [] : graphNotes(graph)), ...reportedNotes(layers, reported)],
  };
}

/** The worst of all: a finding counts whether or not a layer owns it, and a model without layers was not checked. */
function runVerdict(layers: readonly LayerResult[], findings: readonly Finding[]): RunVerdict {
  const has = (verdict: Finding['verdict']): boolean =>
    layers.some((layer) => layer.verdict === verdict) || findings.some((finding) => finding.verdict === verdict);
  if (has('mismatch')) return 'diverges';
  const isJudged = layers.length > 0 && layers.every(({ verdict }) => verdict === 'match' || verdict === 'ambiguous');
  return isJudged && !has('unverifiable') ? 'conforms' : 'unverifiable';
}

/**
 * Layers whose input columns are wrong because the pruner itself cuts them so: the run did what the pruner does, and the
 * user should know that the pruner is at fault.
 */
function excusedConsumers(
  dense: Network,
  expectation: Expectation,
  recovery: Recovery,
  actual: (name: string) => RetainedIndices | null,
  notes: string[],
): Set<string> {
  const excused = new Set<string>();
  const columnsCut = expectation.columnsCut(actual);
  for (const [consumer, columns] of recovery.misplaced) {
    const cut = columnsCut(consumer);
    if (cut === null || String(cut) !== String(columns)) continue;
    // Cut for the very channels that reach it in the dense model, its columns are right: the pruned graph is another one.
    if (String(cut) === String(columnsThatReach(dense, consumer, actual))) continue;
    excused.add(consumer);
    notes.push(
      `${consumer} reads other channels than before: the pruner itself cuts its input columns so, and the model computes something else. The retained filters are right.`,
    );
  }
  return excused;
}

/** Positions of a layer's input columns whose channels are kept, as the dense graph has them; null where that is not known. */
function columnsThatReach(
  dense: Network,
  consumer: string,
  actual: (name: string) => RetainedIndices | null,
): readonly number[] | null {
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

/** Of several right outcomes the one that a layer comes nearest to, so that few filters need explaining. */
function nearestOutcome(
  expected: RetainedIndices,
  { alternatives, tie }: LayerExpectation,
  kept: RetainedIndices,
): RetainedIndices {
  const distance = (outcome: RetainedIndices): number =>
    outcome.filter((filter) => !kept.includes(filter)).length +
    kept.filter((filter) => !outcome.includes(filter)).length;
  const choices = alternatives ?? (tie === null ? [expected] : [pickNear(tie, kept)]);
  return choices.reduce((best, outcome) => (distance(outcome) < distance(best) ? outcome : best), expected);
}

/** The filters of a tie with the pick that has most of those that are kept. */
function pickNear({ certain, candidates, pick }: Tie, kept: RetainedIndices): RetainedIndices {
  const isKept = (filter: number): boolean => kept.includes(filter);
  const picked = [...candidates.filter(isKept), ...candidates.filter((filter) => !isKept(filter))].slice(0, pick);
  return [...certain, ...picked].sort((a, b) => a - b);
}

function recoveredReason(recovered: LayerRecovery | null, disagreements: readonly Disagreement[]): string {
  if (recovered === null) return '';
  const { kernel } = recovered;
  if (kernel.kind !== 'exact') return kernel.detail;
  const [first] = disagreements;
  return first === undefined
    ? 'every filter is a dense filter, bit for bit'
    : `${first.tensor} does not fit its filters: ${first.detail}`;
}
