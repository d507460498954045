import type { SpecDocument } from '../config/spec.ts';
import type { KeyPath, Place } from '../errors/place.ts';
import type { Folding, MaskedPart, Network, Onlooker, RetainedIndices } from '../network/index.ts';
import type { CountRule, CriterionCounts, LayerExplanation, Tie } from './explained.ts';
import type { Reported } from './reported.ts';

/** What a layer should retain, and which rule says so. */
export interface LayerExpectation {
  readonly name: string;
  /** What its own norms alone would keep, exclusions and partners ignored; null where unknown or not a notion of the dialect. */
  readonly exploring: RetainedIndices | null;
  /** Post-exploration retained indices; null where they cannot be known. */
  readonly expected: RetainedIndices | null;
  /**
   * What must be true of the weights or the spec for `expected` to be what the pruner retained, and what the user can do to be sure; null where
   * nothing is open.
   */
  readonly assumes: Assumption | null;
  /** One sentence: which rule decided, or why nothing could be expected. */
  readonly reason: string;
  /** What the user can do so that it can be known, as one sentence; null where nothing is to be done. */
  readonly remedy: string | null;
  /** The rule in two or three words, for a table. */
  readonly rule: string;
  /** The key of the spec that decided, for the line of an annotation. */
  readonly specKey: string;
  readonly tie: Tie | null;
  /** All outcomes, nominal first, where the pruner's own choice is not determined by the model. */
  readonly alternatives: readonly RetainedIndices[] | null;
  /** What else the pruner does to the layer than to cut filters out; left out where that is nothing. */
  readonly form?: LayerForm;
  /** Id of its equalization group. */
  readonly group: number | null;
}

/** What a pruner leaves of a layer, beside which filters it retains. */
export interface LayerForm {
  /** Parts of filters that go which are set to zero, while all shapes stay; null where filters are cut out. */
  readonly zeroes: readonly MaskedPart[] | null;
  /** Whether what channels that are gone still gave out is added to the bias of the layer, which reads them. */
  readonly isCompensated: boolean;
  /** Whether BatchNorm's statistics were computed again after pruning. */
  readonly isRecalibrated: boolean;
  /** The only order in which filters may stand, given as dense filters; null where any will do. Ascending where it is left out. */
  readonly isInOrder?: ((order: readonly number[]) => boolean) | null;
}

/** Whether weights are those that the pruner saw cannot be determined. */
export interface Assumption {
  /**
   * Whether the weights are those that the pruner saw, a name in the spec means nothing, as it means nothing here, or a constant is a
   * parameter.
   */
  readonly of: 'weights' | 'names' | 'parameters';
  /** A clause: `BatchNorm may be folded into conv1 (...)`. */
  readonly open: string;
  /** What the user can do, as one sentence. */
  readonly remedy: string;
}

/** Layers that are pruned alike. */
export interface LayerGroup {
  readonly id: number;
  readonly members: readonly string[];
  readonly criterion: string;
}

/**
 * A pruner that first lets every layer decide by its own norms, and then makes layers agree: how its users call the first stage, and
 * which keys overrule it.
 */
export interface FirstStage {
  /** What the pruner does then: `exploring`. */
  readonly doing: string;
  /** The stage: `exploration`. */
  readonly stage: string;
  /** What changes a layer's own indices afterwards, as the beginning of a sentence: `equalization with a coupled layer`. */
  readonly overruledBy: string;
  /** The key of the spec that takes layers out. */
  readonly excludedBy: string;
  /** The key of the spec by which the layers of a group decide together. */
  readonly mergedBy: string;
}

/** Layers whose outcomes vary together: outcome `k` of each layer belongs to outcome `k` of the others. */
export interface JointOutcomes {
  readonly layers: readonly string[];
  readonly outcomes: readonly ReadonlyMap<string, RetainedIndices>[];
}

/**
 * What the real pruner would raise instead of pruning. Layers may still have indices: those with which it entered the
 * step that raises.
 */
export interface Refusal {
  /** As the pruner words it, with the type of the exception. */
  readonly message: string;
  readonly layer: string | null;
  /** False where another outcome of the pruner's undetermined choices would run. */
  readonly always: boolean;
}

/** What a pruner should retain of one model. */
export interface Expected {
  /** By layer name, for every prunable layer of the dense network, in graph order. */
  readonly layers: ReadonlyMap<string, LayerExpectation>;
  readonly groups: readonly LayerGroup[];
  readonly joint: readonly JointOutcomes[];
  readonly refusal: Refusal | null;
  /** The key of the spec that decides where no other does. */
  readonly usualKey: string;
  /** Without it, "exploring" is no notion of the dialect. */
  readonly firstStage?: FirstStage;
  /** Null where it does nothing wrong. */
  readonly faults?: PrunerFaults | null;
  /** The spec's effective keys where the model has a say in them; else those of the spec. */
  readonly effective?: Readonly<Record<string, unknown>>;
  /**
   * Given what each layer retains, the input columns that the pruner's own cut keeps of a layer; null where it claims nothing.
   * Where they are not those of the channels that reach the layer, the pruner is at fault, not the run that is checked.
   */
  columnsCut(retained: (layer: string) => RetainedIndices | null): (consumer: string) => RetainedIndices | null;
  /** The numbers behind a layer's decision; null where there are none. */
  explainLayer(layer: string): LayerExplanation | null;
  /**
   * How the number of filters that a layer keeps follows from one number of the spec; null where it does so in no simple way. Left out by
   * a dialect whose rules know no such number.
   */
  countRule?(layer: string): CountRule | null;
  /** Why this filter stays or goes, as one sentence. */
  explain(layer: string, filter: number): string;
  /** How many filters each layer would keep under each way of merging the values of a group, the spec's own among them. */
  keptUnder(): readonly CriterionCounts[];
  /** What still holds for layers whose indices cannot be known. */
  readonly certain: Certainties;
}

/** The same, and what can be asked about it. */
export interface Expectation extends Expected {
  /**
   * Remarks on the spec, few and each about all layers that it concerns.
   * @param prunedFile path of the pruned model; null where there is none
   */
  lint(prunedFile: string | null): readonly Lint[];
  /** Other specs and common mistakes, likeliest first, to be tried on what was retained. */
  hypotheses(observed: Observed): Iterable<Hypothesis>;
  /** The same once it is known what the pruned model keeps, of a pruner that searches its widths; left out where that changes nothing. */
  readonly given?: (actual: (layer: string) => RetainedIndices | null) => Expectation;
}

/** What a pruner itself does wrong on a model, so that the run which is checked is not to blame. */
export interface PrunerFaults {
  /** Names of the model's outputs that it drops. */
  readonly lostOutputs: ReadonlySet<string>;
  /** Layers that it builds anew without the weights that they had, and what the source calls them. */
  readonly rebuilt: ReadonlyMap<string, string>;
}

/** Rules of the pruner that hold whatever the weights are, so that they can be compared with a model whose norms are unknowable. */
export interface Certainties {
  /** Which of them these layers were compared with, as a clause: `all keep multiples of 8`. */
  summary(layers: readonly string[]): string;
  /** Why no weights whatever let the pruner retain these indices of a layer; null where some do. */
  contradiction(layer: string, actual: (layer: string) => RetainedIndices | null): Contradiction | null;
}

export interface Contradiction {
  /** What the layer did, after its name: `kept a number of filters that is no multiple of 8`. Layers of one problem are reported together. */
  readonly problem: string;
  /** One sentence. */
  readonly reason: string;
  /** The key of the spec that is broken. */
  readonly specKey: string;
}

/** What would have been retained under one mistake. */
export interface Variant {
  /** One or two sentences for the user, if it fits. */
  readonly cause: string;
  readonly layers: ReadonlyMap<string, Pick<LayerExpectation, 'expected'>>;
}

/** A mistake that may explain what was retained. Trying it takes time, so whoever asks looks at what it takes first. */
export interface Hypothesis {
  /** Weights that are read and values that are ranked, in numbers. */
  readonly work: number;
  /** What would have been retained; null where the mistake cannot have been made. */
  test(): Variant | null;
}

/** What is known of the pruned model when a mistake is searched for that would explain it. */
export interface Observed {
  /** Path of the pruned model, whose name may hold the settings of its pruner. */
  readonly prunedFile: string;
  actual(layer: string): RetainedIndices | null;
}

/** A remark on a spec: likely a mistake, or what its reader should know. It changes no verdict. */
export interface Lint {
  /** Stable name, like `threshold-out-of-reach`. */
  readonly rule: string;
  /** One sentence. */
  readonly message: string;
  /** Where the spec says what is remarked on. */
  readonly at: Place;
  readonly layers: readonly string[];
}

/** Sizes of the model's input as a spec states them. */
export interface StatedSizes {
  readonly channels: number | null;
  readonly height: number | null;
  readonly width: number | null;
}

/** What a report and its annotations show of a pruner's spec. */
export interface Spec {
  /** Effective keys, as the report shows them. */
  readonly effective: Readonly<Record<string, unknown>>;
  /** One line for the head of a report: `threshold 0.68 of max, granularity 8, at least 16, union`. */
  readonly summary: string;
  /** Releases of the pruner that decide as this dialect does; none where it follows no numbers. */
  readonly releases?: readonly string[];
  /** Where annotations about a decision go. */
  readonly file: string;
  /** What the spec says of the model's image input. */
  readonly inputSizes?: StatedSizes | null;
  /** Line of the key that decided, of its nearest ancestor, or null. */
  line(key: string): number | null;
  /** Where a key, or an item of it, was given. */
  at(path: string | KeyPath): Place;
}

/** A pruner with its spec read. */
export interface Pruner {
  /** The dialect's name. */
  readonly name: string;
  /** Whether its users run it in a container of its own, on a machine with a GPU. */
  readonly isContained?: true;
  readonly spec: Spec;
  /** Whether its spec says of any layer that BatchNorm's statistics were computed again. Known before `expect` is asked, which may take all weights. */
  readonly mayRecalibrate?: boolean;
  /**
   * What it retains of a model.
   * @param folding overrules the detector for every layer
   */
  expect(dense: Network, folding: Folding | null): Expectation;
  /** Computes on the dense weights while they are read for another purpose, so that `expect` need not read them again; null where it cannot. */
  onlooker?(dense: Network, folding: Folding | null): Onlooker | null;
  /** Reads what the pruner printed or wrote: retained indices with or without layer names. */
  readLog(text: string, dense: Network): Reported;
}

export type Framework = 'TensorFlow' | 'PyTorch';

/** How a pruner decides, behind one face. */
export interface Dialect {
  readonly name: string;
  /** Keys beside an experiment spec's section that it reads, so that an override may add them. */
  readonly topKeys: readonly string[];
  /** Which framework's models its pruner takes; left out where any will do. */
  readonly framework?: Framework;
  /** Whether its spec may be the pruner's command line. */
  readonly takesFlags: boolean;
  /** Whether its spec may have this key. */
  knows(key: string): boolean;
  /** Keys by which users of the pruner know a key from elsewhere, as older releases or its command line: what it is called here. */
  readonly otherNames: Readonly<Record<string, string>>;
  /** @throws InputError naming file, line, key and value */
  readSpec(document: SpecDocument): Pruner;
}
