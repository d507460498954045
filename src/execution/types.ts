import type { Latency } from './protocol.ts';

export type Provider = 'cpu' | 'cuda' | 'tensorrt';

/** What became of executing both models. */
export type ExecutionOutcome =
  | { readonly execution: Execution; readonly obstacle: null; readonly notes: readonly string[] }
  /** The obstacle is null where nobody asked. */
  | { readonly execution: null; readonly obstacle: Obstacle | null; readonly notes: readonly string[] };

/** Why models were not executed. */
export interface Obstacle {
  readonly code: keyof typeof OBSTACLES;
  /** The end of a sentence, for people: it may quote a model, so that nothing is decided by it. */
  readonly reason: string;
}

/**
 * Whose fault an obstacle is. The machine's says nothing of the models, and no model can bring it about: all of it is known
 * before onnxruntime sees one. What happens afterwards is a model's, want of memory too, for a model can ask for any amount.
 */
export const OBSTACLES = {
  'interface-differs': 'difference',
  'no-runtime': 'machine',
  'not-installed': 'machine',
  'runtime-broken': 'machine',
  'memory-short': 'machine',
  'inputs-unknown': 'model',
  'load-failed': 'model',
  'run-failed': 'model',
  'out-of-memory': 'model',
  crashed: 'model',
  'timed-out': 'model',
} as const;

/** What became of running both models: report.json's `execution`. */
export interface Execution {
  /** Where the convolutions and matrix products really ran, by onnxruntime's profile. */
  readonly provider: Provider;
  readonly requestedProvider: 'auto' | Provider;
  /** What the profile says, or why a provider was not used; one sentence. */
  readonly providerDetail: string;
  /** True where a GPU was asked for and arithmetic ran on the CPU all the same. */
  readonly fellBack: boolean;
  /** Version of onnxruntime-node and the folder that it was loaded from. */
  readonly runtime: { readonly version: string; readonly folder: string };
  /** Whether the pruned model computes what the dense one does of the channels that are left; null where they could not be compared. */
  readonly verdict: 'equal' | 'different' | null;
  /**
   * What it was compared with: the dense model with the input columns of all cut channels at zero, or, where channels are mixed without
   * weights, the dense model cut to the same channels. Reports of earlier versions do not have it.
   */
  readonly measure?: 'masked' | 'cut';
  /** One sentence: how far apart, or why not compared. */
  readonly reason: string;
  /** Over all compared outputs and inputs; null where nothing was compared. */
  readonly maxAbsDiff: number | null;
  /** The same in parts of the largest magnitude in its tensor. */
  readonly maxRelDiff: number | null;
  /** Differences up to this share of a channel's magnitude count as rounding; beyond it, the dense model's rounding is measured. */
  readonly tolerance: number;
  readonly inputs: readonly ExecutedInput[];
  /** What was fed, a line for each case. */
  readonly cases: readonly string[];
  readonly outputs: readonly ExecutedOutput[];
  /** The first layer whose result differs, in the order in which the pruned model computes; null where none does or none can be named. */
  readonly firstDifference: { readonly layer: string; readonly tensor: string; readonly detail: string } | null;
  /** Medians in milliseconds; null where not measured. */
  readonly latencyMs: { readonly dense: number; readonly pruned: number } | null;
  readonly latency: {
    readonly batch: number | null;
    readonly runs: number;
    readonly dense: Latency;
    readonly pruned: Latency;
    /** Median over neighbouring runs of pruned over dense. */
    readonly ratio: number;
    /** Its quartiles: how noisy it is; reports of earlier versions do not have them. */
    readonly ratioQuartiles?: { readonly low: number; readonly high: number };
  } | null;
  /** Largest resident memory of a process that ran the models. */
  readonly peakBytes: number;
}

export interface ExecutedInput {
  readonly name: string;
  readonly type: string;
  /** Sizes, `N` for those that vary between cases. */
  readonly shape: readonly (number | 'N')[];
  /** Where sizes that the model leaves open come from; null where it leaves none open but the batch. */
  readonly source: string | null;
}

export interface ExecutedOutput {
  readonly name: string;
  readonly type: string;
  readonly maxAbsDiff: number;
  readonly maxRelDiff: number;
  /** Positions that are NaN in both models, over all cases. */
  readonly nan: number;
  readonly outcome: 'equal' | 'different' | 'incomparable';
}
