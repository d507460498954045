import { compareGraphs } from '../comparison/index.ts';
import type { Expectation, LayerForm, Pruner, Reported } from '../dialects/index.ts';
import type { Folding, Network, Onlooker, RetainedIndices } from '../network/index.ts';
import { type Allowed, type FoldedReference, type Recovery, recoverRetention } from '../recovery/index.ts';
import { type Evidence, type Judgement, judge, type PlaceOf } from '../verdict/index.ts';

export interface Sides {
  readonly dense: Network;
  readonly pruned: Network;
  /** The dense model as exported with BatchNorm folded; null where it is not given. */
  readonly folded: FoldedReference | null;
}

/** What the pruner itself says, and how it is judged. */
export interface Hearing {
  readonly reported: Reported | null;
  /** Relative distance up to which a changed filter still counts as the dense one. */
  readonly tolerance: number | null;
  /** Retained indices of a lock file, where there is one. */
  readonly locked?: Evidence['locked'];
  /** Where the spec says what. */
  readonly at: PlaceOf;
}

/** Who says what should be retained. It is asked once, as late as can be: by then, much of what it needs was read. */
export interface Asked {
  expect(): Expectation;
  readonly onlooker: Onlooker | null;
  readonly mayRecalibrate: boolean;
}

/** Asks a pruner about a model, once. */
export function asking(pruner: Pruner, dense: Network, folding: Folding | null): Asked {
  let known: Expectation | null = null;
  const own = pruner.onlooker?.(dense, folding) ?? null;
  return {
    expect() {
      known ??= pruner.expect(dense, folding);
      return known;
    },
    // What was asked already has read everything.
    mayRecalibrate: pruner.mayRecalibrate === true,
    onlooker: own && { ...own, see: (...seen) => (known === null ? own.see(...seen) : undefined) },
  };
}

/** The half of a check that is computed from the networks alone: no file, no process, no clock. It runs in a browser as it is. */
export function judgeNetworks(
  sides: Sides,
  { expect, onlooker, mayRecalibrate }: Asked,
  hearing: Hearing,
): { readonly recovery: Recovery; readonly expectation: Expectation; readonly retention: Judgement } {
  const { dense, pruned } = sides;
  const formOf = (layer: string): LayerForm | undefined => expect().layers.get(layer)?.form;
  const allowed = {
    isRecalibrated: (layer: string) => mayRecalibrate && formOf(layer)?.isRecalibrated === true,
    isCompensated: (layer: string) => formOf(layer)?.isCompensated === true,
  };
  const recovery = recoverFrom(sides, (layer) => expect().layers.get(layer)?.expected ?? null, allowed, onlooker);
  const asked = expect();
  const expectation = asked.given?.((layer) => recovery.layers.get(layer)?.actual ?? null) ?? asked;
  const retention = judge({
    dense,
    expectation,
    recovery,
    graph: compareGraphs(recovery.correspondence),
    ...hearing,
    hypotheses: (actual) => expectation.hypotheses({ prunedFile: pruned.model.name, actual }),
  });
  return { recovery, expectation, retention };
}

/**
 * What the pruned model retains.
 * @param preferred what a layer is to retain, for where the weights leave a choice
 * @param allowed what else may differ
 * @param onlooker sees the dense weights that are read in blocks
 */
export function recoverFrom(
  { dense, pruned, folded }: Sides,
  preferred?: (layer: string) => RetainedIndices | null,
  allowed?: Allowed,
  onlooker: Onlooker | null = null,
): Recovery {
  // An unfolded pruned model compared with the unfolded dense one tells more.
  const isFolded = [...pruned.prunable.values()].every(({ norms }) => norms.every((norm) => norm === null));
  return recoverRetention(dense, pruned, preferred, isFolded ? folded : null, allowed, onlooker);
}
