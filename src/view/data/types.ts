// What the page shows, as the report gives it. Text is one line each, bounded, with nothing hidden in it: the page need not look at it again.
// Values are typed arrays, one element for each filter, so that a model of 200,000 filters stays small and quick.

export interface PageData {
  /** prunegate's own version. */
  readonly version: string;
  readonly verdict: Verdict | null;
  readonly conclusion: 'success' | 'failure' | 'neutral' | null;
  readonly models: readonly ModelData[];
  /** Models of which there is no report. */
  readonly errors: readonly { readonly model: string; readonly message: string }[];
}

export type Verdict = 'conforms' | 'diverges' | 'unverifiable';
export type LayerVerdict = 'match' | 'mismatch' | 'ambiguous' | 'unverifiable';

export interface ModelData {
  readonly name: string;
  readonly verdict: Verdict | null;
  readonly conclusion: PageData['conclusion'];
  readonly dialect: string | null;
  /** The spec's settings in one line. */
  readonly spec: string | null;
  readonly inputs: readonly InputData[];
  readonly totals: TotalsData;
  readonly findings: readonly FindingData[];
  readonly notes: readonly string[];
  /** Remarks on the spec. */
  readonly remarks: readonly string[];
  /** What the real pruner raises instead of pruning. */
  readonly refusal: string | null;
  readonly layers: readonly LayerData[];
  readonly groups: readonly GroupData[];
  readonly graph: GraphData | null;
  readonly execution: ExecutionData | null;
}

export interface InputData {
  readonly role: 'dense' | 'pruned';
  readonly path: string;
  readonly sha256: string | null;
  readonly folding: string;
  readonly bytes: number | null;
}

interface Change {
  readonly dense: number;
  readonly pruned: number | null;
}

export interface TotalsData {
  readonly filters: Change;
  readonly parameters: Change;
  readonly macs: { readonly dense: number | null; readonly pruned: number | null };
  readonly bytes: Change;
}

export interface FindingData {
  readonly kind: string;
  readonly verdict: 'mismatch' | 'unverifiable';
  readonly title: string;
  readonly details: readonly string[];
  /** The one of the details that explains all of it; null where none does. */
  readonly cause: string | null;
  /** Positions in the model's layers. */
  readonly layers: readonly number[];
  /** `prune.yaml:3 key`; '' where nobody knows. */
  readonly place: string;
}

/** Which lists a filter stands in. */
export const FLAG = {
  expected: 1,
  /** Found in the pruned model. */
  actual: 2,
  reported: 4,
  locked: 8,
  /** What the layer's own values alone would keep. */
  alone: 16,
  /** Any so many of these may stay. */
  tied: 32,
  missing: 64,
  unexpected: 128,
} as const;

export type Flag = keyof typeof FLAG;

/** The lists that a report has of a layer, and what the page calls them. */
export const LISTS: readonly (readonly [Flag, string])[] = [
  ['expected', 'expected'],
  ['actual', 'found'],
  ['reported', 'reported'],
  ['locked', 'locked'],
];

export interface LayerData {
  readonly name: string;
  readonly kind: string;
  readonly filters: number;
  readonly verdict: LayerVerdict | null;
  /** Position in the model's groups. */
  readonly group: number | null;
  readonly rule: string;
  readonly reason: string;
  readonly problem: string | null;
  readonly remedy: string | null;
  readonly folding: string;
  /** For each filter, the flags of the lists that it stands in. */
  readonly flags: Uint8Array;
  /** The flags of lists that are known. */
  readonly known: number;
  /** Sentences about filters that are missing or unexpected. */
  readonly explanations: readonly string[];
  /** Null where the report has no values. */
  readonly numbers: NumbersData | null;
}

export interface NumbersData {
  readonly criterion: string;
  /** What a value has to exceed; null in a pruner that only counts. */
  readonly threshold: number | null;
  /** A filter stays if its value exceeds this; null where all stay. */
  readonly cut: number | null;
  /** Filters above the threshold. */
  readonly passing: number;
  /** Any `pick` of the candidates may stay. */
  readonly tie: { readonly pick: number; readonly candidates: number } | null;
  /** The values that decided. NaN where a filter has none. */
  readonly merged: Values;
  /** The layer first, then those whose values were merged with its own. */
  readonly members: readonly { readonly name: string; readonly values: Values }[];
  /** For each filter, the position of its rule and of its note in `texts`. */
  readonly rules: Uint32Array;
  readonly notes: Uint32Array;
  readonly texts: readonly string[];
  readonly countRule: CountRuleData | null;
}

export type Values = Float32Array | Float64Array;

/** How many filters stay under another number of the spec: those that exceed a threshold, or a share. */
export interface CountRuleData {
  readonly kind: 'above' | 'share';
  readonly key: string;
  readonly value: number;
  readonly least: number;
  readonly multiple: number;
}

export interface GroupData {
  readonly letter: string;
  readonly criterion: string;
  /** Positions in the model's layers. */
  readonly members: readonly number[];
  readonly keptUnder: readonly {
    readonly criterion: string;
    /** How many filters each member would keep, null where that cannot be known; null for all where it is too much work. */
    readonly kept: readonly (number | null)[] | null;
  }[];
}

/** Layers, and what joins them, in the order of the graph. */
export interface GraphData {
  readonly nodes: readonly GraphNodeData[];
  /** Pairs of positions in `nodes`: from, to, from, to. */
  readonly edges: Uint32Array;
}

export interface GraphNodeData {
  /** Position in the model's layers; null for what joins them. */
  readonly layer: number | null;
  readonly label: string;
}

export interface ExecutionData {
  readonly verdict: 'equal' | 'different' | null;
  readonly reason: string;
  readonly provider: string;
  readonly providerDetail: string;
  readonly runtime: string;
  readonly maxAbsDiff: number | null;
  readonly maxRelDiff: number | null;
  readonly tolerance: number;
  readonly cases: readonly string[];
  readonly inputs: readonly string[];
  readonly outputs: readonly {
    readonly name: string;
    readonly maxAbsDiff: number;
    readonly maxRelDiff: number;
    readonly outcome: string;
  }[];
  readonly firstDifference: { readonly layer: string; readonly tensor: string; readonly detail: string } | null;
  /** In milliseconds. */
  readonly latency: {
    readonly dense: Quartiles;
    readonly pruned: Quartiles;
    readonly ratio: number;
    readonly runs: number;
  } | null;
}

export interface Quartiles {
  readonly low: number;
  readonly median: number;
  readonly high: number;
}
