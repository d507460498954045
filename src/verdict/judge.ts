import type { GraphComparison } from '../comparison/index.ts';
import type { Expectation, Hypothesis, Reported } from '../dialects/index.ts';
import type { Network, RetainedIndices } from '../network/index.ts';
import type { Recovery } from '../recovery/index.ts';
import { causesOf, type Scene } from './causes.ts';
import { excusedConsumers, excusedNotes, rebuiltNotes, withoutRebuilt } from './excused.ts';
import { findingsOf } from './findings.ts';
import { graphFindings, graphNotes, sortDifferences } from './graph.ts';
import { consistencyOf } from './judge-layer.ts';
import { layerResult } from './layer-result.ts';
import { assumedNotes, recognizedNotes, untriedNotes, zeroedNotes } from './notes.ts';
import { reportedFindings, reportedNotes } from './reported.ts';
import { type Finding, type Judgement, type LayerResult, nowhere, type PlaceOf, type RunVerdict } from './types.ts';
import { unseenFindings } from './unseen.ts';
import { worstFirst } from './worst.ts';

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
  /** Common mistakes; asked for only where layers diverge. */
  hypotheses(actual: (layer: string) => RetainedIndices | null): Iterable<Hypothesis>;
  /** Retained indices of a lock file that the model may have been cut by; null where there is none. */
  readonly locked: Scene['locked'];
  /** Where the spec says what. */
  readonly at: PlaceOf;
}

const NOT_ASKED_FOR = {
  ...{ expectation: null, recovery: null, graph: null, reported: null, locked: null },
  hypotheses: () => [],
  at: nowhere,
};

/** Compares the expectation with what was recovered, layer by layer, and sums up. */
export function judge(given: Pick<Evidence, 'dense' | 'tolerance'> & Partial<Evidence>): Judgement {
  const evidence: Evidence = { ...NOT_ASKED_FOR, ...given };
  const { expectation } = evidence;
  const judgement = judgeAgainst(evidence);
  if (judgement.verdict !== 'diverges' || expectation?.refusal == null || expectation.refusal.always) return judgement;
  // The model is none of the outcomes that run, and on the others the pruner raises: what is right cannot be determined.
  return judgeAgainst({
    ...evidence,
    expectation: { ...expectation, refusal: { ...expectation.refusal, always: true } },
  });
}

function judgeAgainst(evidence: Evidence): Judgement {
  const { dense, expectation, reported, tolerance } = evidence;
  const { recovery, rebuilt } = withoutRebuilt(evidence.recovery, expectation);
  const actual = (name: string): RetainedIndices | null => recovery?.layers.get(name)?.actual ?? null;
  const excused = excusedConsumers(dense, expectation, recovery, actual);
  const rules =
    expectation === null ? null : { expectation, isConsistent: consistencyOf(expectation, actual), tolerance, actual };
  const layers = [...dense.prunable.values()].map((layer) =>
    layerResult(layer, { rules, recovery, reported, excused }),
  );
  const notes = [
    ...recognizedNotes(recovery?.recognized ?? []),
    ...(recovery === null ? [] : zeroedNotes(layers, recovery)),
    ...excusedNotes(excused),
    ...rebuiltNotes(rebuilt.names),
  ];
  if (expectation === null || recovery === null)
    return { verdict: null, layers, findings: [], notes, isInterfaceExcused: false };
  const { graph, hypotheses, locked, at } = evidence;
  const { firstStage = null } = expectation;
  const sorted = sortDifferences(graph?.differences ?? [], expectation);
  const scene = { dense, layers, hypotheses: hypotheses(actual), firstStage, locked };
  const causes = causesOf(scene);
  const findings = worstFirst([
    ...findingsOf({ scene, causes, recovery, excused, expectation, at }),
    ...graphFindings(sorted.unexplained, at(expectation.usualKey)),
    ...(graph === null ? [] : unseenFindings(graph.unseen, at(expectation.usualKey))),
    ...reportedFindings(layers, reported, firstStage, at),
  ]);
  return {
    verdict: runVerdict(layers, findings),
    layers,
    findings,
    notes: [
      ...notes,
      ...sorted.notes,
      ...assumedNotes(layers, expectation),
      ...untriedNotes(causes),
      ...(graph === null ? [] : graphNotes(graph)),
      ...reportedNotes(layers, reported, firstStage),
    ],
    isInterfaceExcused: sorted.isInterfaceExcused,
    rebuilt: rebuilt.layers,
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
