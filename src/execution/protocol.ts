import type { Elements, ElementType } from '../tensor-files/index.ts';

/**
 * What the child process that runs the models is given, and what it answers. Plain data: it crosses a process boundary, so
 * that a crash or an out-of-memory kill inside the native library takes only the child with it.
 */

/** How onnxruntime is loaded and where it shall run. */
export interface RuntimeJob {
  /** Folder of an onnxruntime-node package. */
  readonly runtime: string;
  /** Execution providers in order of preference, as onnxruntime-node names them. */
  readonly providers: readonly string[];
  /** A folder of this run for profiles. */
  readonly workFolder: string;
}

/** One tensor that is fed to a model's input. */
export interface Feed {
  /** The input's name in either model. */
  readonly input: Readonly<Record<Side, string>>;
  /** What its values are. */
  readonly type: ElementType;
  /** What either model takes them as: a wider type where the other one was converted. */
  readonly takes: Readonly<Record<Side, ElementType>>;
  readonly dims: readonly number[];
  readonly fill:
    | { readonly kind: 'zeros' }
    /** Seeded noise: normal for floats (of a deviation of 1 where nothing is said), 0 or 1 for integers and booleans. */
    | { readonly kind: 'noise'; readonly seed: number; readonly deviation?: number }
    | { readonly kind: 'given'; readonly elements: Elements };
}

export interface Case {
  readonly name: string;
  readonly feeds: readonly Feed[];
}

/** A tensor of the dense model and the one of the pruned model that must be equal where channels were kept. */
export interface TensorPair {
  readonly dense: string;
  readonly pruned: string;
  /** Axis of the channels in both; null where no channels are followed. */
  readonly axis: number | null;
  /** Position in the dense tensor of each channel of the pruned one; null where all are kept. */
  readonly positions: Int32Array | null;
  /** Where channels are not known, tensors of different shapes cannot be compared, and are not called different. */
  readonly isKnown: boolean;
  /** Whether an operator made it whose results can be the same, or nearly, for quite different operands: it holds no more than values up to 1. */
  readonly saturates: boolean;
  /** Whether it is no output of the models: exporters keep axes of one inside, or not. */
  readonly isInside: boolean;
}

/** Runs both models on the same inputs and compares tensors. */
export interface CompareJob extends RuntimeJob {
  readonly kind: 'compare';
  readonly dense: string;
  readonly pruned: string;
  readonly cases: readonly Case[];
  /** The models' outputs, compared in every case. */
  readonly outputs: readonly TensorPair[];
  /** Results of layers, which are outputs of the files too. */
  readonly layers: readonly TensorPair[];
  /** The case in which results of layers are compared, unless outputs differ in another one. */
  readonly layersIn: string;
  /** Largest difference that counts as rounding, relative to the magnitude of the values around it. */
  readonly tolerance: Tolerance;
}

/** Runs both models by turns and takes their times. */
export interface TimeJob extends RuntimeJob {
  readonly kind: 'time';
  readonly dense: string;
  readonly pruned: string;
  readonly feeds: readonly Feed[];
  /** Milliseconds that all of it may take, warm-up included. */
  readonly budgetMs: number;
}

/** Loads onnxruntime and runs a model of one node. */
export interface ProbeJob extends RuntimeJob {
  readonly kind: 'probe';
}

export type Job = CompareJob | TimeJob | ProbeJob;

/** By element type of the compared tensors. */
export type Tolerance = Readonly<Record<'float32' | 'float64' | 'float16', number>>;

export interface PairResult {
  /** 'incomparable' where the channels are not known and the shapes differ, or values overflow. */
  readonly outcome: 'equal' | 'different' | 'incomparable';
  readonly type: string;
  readonly dims: readonly number[];
  /** Largest absolute difference of finite values; for integers and booleans too. */
  readonly maxAbsDiff: number;
  /** Largest magnitude of the dense tensor's finite values. */
  readonly magnitude: number;
  /** Values beyond what may differ. 0 where types or shapes are others already. */
  readonly differing: number;
  /** Positions at which both are NaN, and at which exactly one is not finite or both are otherwise infinite. */
  readonly bothNaN: number;
  readonly nonFiniteDifferences: number;
  /** Positions at which the dense model's is NaN alone: an infinite value that a zero of the mask was multiplied by. */
  readonly overflown: number;
  /** Why they differ or cannot be compared; empty where they are equal. */
  readonly detail: string;
}

export interface CaseResult {
  readonly name: string;
  /** In the order of the job's. */
  readonly outputs: readonly PairResult[];
  /** Null where they were not compared in this case. */
  readonly layers: readonly PairResult[] | null;
}

/** Time and nodes by execution provider, from the session's own profile. */
export interface ProviderUse {
  readonly provider: string;
  readonly nodes: number;
  /** Nodes that hold nearly all arithmetic of a network: convolutions and matrix products. */
  readonly heavyNodes: number;
  readonly microseconds: number;
}

export type Side = 'dense' | 'pruned';

export interface CompareResult {
  readonly kind: 'compare';
  readonly cases: readonly CaseResult[];
  readonly use: Readonly<Record<Side, readonly ProviderUse[]>>;
}

export interface Latency {
  readonly median: number;
  /** Quartiles, in milliseconds like the median. */
  readonly low: number;
  readonly high: number;
}

export interface TimeResult {
  readonly kind: 'time';
  readonly runs: number;
  readonly latency: Readonly<Record<Side, Latency>>;
  /** Median over pairs of neighbouring runs of pruned over dense. */
  readonly ratio: number;
  /** Its quartiles. */
  readonly ratioQuartiles: { readonly low: number; readonly high: number };
}

export interface ProbeResult {
  readonly kind: 'probe';
  readonly version: string;
}

/** What the child is doing: loading onnxruntime, or loading or running a model. */
export interface Step {
  readonly step: 'runtime' | 'load' | 'run';
  /** The model; null where it is both, or none. */
  readonly side: Side | null;
}

/** A step that onnxruntime refused. */
export interface Failure extends Step {
  readonly kind: 'failed';
  /** Whether JavaScript could not allocate what it needed. onnxruntime's own errors have no code, and their text quotes the model. */
  readonly isAllocation: boolean;
  /** For people. */
  readonly message: string;
}

/** What became of a job. */
export type Outcome = CompareResult | TimeResult | ProbeResult | Failure;

export type Result = Outcome & { readonly peakBytes: number };

/** What the child sends. */
export type Message =
  /** Before each step, so that a crash is known by what it was doing. */
  | ({ readonly kind: 'step' } & Step)
  | { readonly kind: 'progress'; readonly line: string }
  | { readonly kind: 'result'; readonly result: Result };
