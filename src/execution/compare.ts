import type { PairResult, TensorPair, Tolerance } from './protocol.ts';
import { numbersOf } from './values.ts';

/** A tensor as onnxruntime gives it. */
export interface Tensor {
  readonly type: string;
  readonly dims: readonly number[];
  readonly data: unknown;
}

/**
 * A channel is judged by its own magnitude, so that boxes in the thousands do not hide scores below one that stand in the
 * same tensor, but by no less than this share of the whole tensor's: a sum that nearly cancels keeps its terms' rounding.
 */
const LEAST_SHARE = 0.03;

/** Of integers (classes, indices) one in so many may differ: rounding decides near ties. */
const INTEGERS_PER_FLIP = 1000;

/** Compares a tensor of the dense model with the pruned one's where channels were kept. */
export function comparePair(pair: TensorPair, dense: Tensor, pruned: Tensor, tolerance: Tolerance): PairResult {
  const base = {
    type: pruned.type,
    dims: pruned.dims,
    maxAbsDiff: 0,
    magnitude: 0,
    bothNaN: 0,
    nonFiniteDifferences: 0,
  };
  if (dense.type !== pruned.type)
    return { ...base, outcome: 'different', detail: `it is ${pruned.type}, the dense model's ${dense.type}` };
  const kept = keptShape(pair, dense.dims);
  if (kept.length !== pruned.dims.length || kept.some((size, axis) => size !== pruned.dims[axis])) {
    const shapes = `its shape is ${shape(pruned.dims)}, by the dense model ${shape(kept)}`;
    return pair.isKnown
      ? { ...base, outcome: 'different', detail: shapes }
      : { ...base, outcome: 'incomparable', detail: `its channels could not be followed, and ${shapes}` };
  }
  const limit = Object.hasOwn(tolerance, pruned.type) ? tolerance[pruned.type as keyof Tolerance] : null;
  const slices = slicesOf(pair, dense.dims);
  const [a, b] = [numbersOf(dense.type, dense.data), numbersOf(pruned.type, pruned.data)];
  return { ...base, ...compareSlices(slices, a, b, limit) };
}

/** The dense shape with only the channels that were kept. */
function keptShape({ axis, positions }: TensorPair, dims: readonly number[]): readonly number[] {
  return axis === null || positions === null ? dims : dims.with(axis, positions.length);
}

function shape(dims: readonly number[]): string {
  return dims.length === 0 ? 'a scalar' : dims.join('x');
}

/** Tensors as blocks of `inner` elements, one for each channel and each of `outer` repetitions. */
interface Slices {
  readonly outer: number;
  readonly inner: number;
  readonly denseChannels: number;
  /** Dense channel of each pruned one. */
  readonly channels: ArrayLike<number>;
}

function slicesOf({ axis, positions }: TensorPair, dims: readonly number[]): Slices {
  // Where channels are not followed they most often lie on axis 1.
  const at = axis ?? (dims.length > 1 ? 1 : 0);
  const size = dims[at] ?? 1;
  const count = (sizes: readonly number[]): number => sizes.reduce((n, one) => n * one, 1);
  return {
    outer: count(dims.slice(0, at)),
    inner: count(dims.slice(at + 1)),
    denseChannels: size,
    channels: positions ?? Int32Array.from({ length: size }, (_, channel) => channel),
  };
}

type Comparison = Omit<PairResult, 'type' | 'dims'>;

/** What was found while elements were compared. */
interface Tally {
  maxAbsDiff: number;
  bothNaN: number;
  nonFiniteDifferences: number;
  /** Finite differences larger than rounding makes. */
  beyond: number;
  /** The pair of values that is farthest beyond. */
  worst: readonly [dense: number, pruned: number] | null;
  worstExcess: number;
}

function compareSlices(slices: Slices, a: ArrayLike<number>, b: ArrayLike<number>, limit: number | null): Comparison {
  const { channels, outer, inner, denseChannels } = slices;
  const magnitudes = Float64Array.from(channels, (channel) => magnitudeOf(slices, a, channel));
  const magnitude = magnitudes.reduce((most, one) => Math.max(most, one), 0);
  const tally: Tally = { maxAbsDiff: 0, bothNaN: 0, nonFiniteDifferences: 0, beyond: 0, worst: null, worstExcess: 0 };
  for (let to = 0; to < channels.length; to++) {
    const allowed = (limit ?? 0) * Math.max(magnitudes[to]!, LEAST_SHARE * magnitude);
    for (let n = 0; n < outer; n++) {
      const from = (n * denseChannels + channels[to]!) * inner;
      const at = (n * channels.length + to) * inner;
      for (let k = 0; k < inner; k++) {
        const [x, y] = [a[from + k]!, b[at + k]!];
        if (x !== y) count(tally, x, y, allowed);
      }
    }
  }
  const elements = outer * inner * channels.length;
  const tolerated = limit === null ? Math.floor(elements / INTEGERS_PER_FLIP) : 0;
  const { maxAbsDiff, bothNaN, nonFiniteDifferences, beyond, worst } = tally;
  const isEqual = nonFiniteDifferences === 0 && beyond <= tolerated;
  return {
    outcome: isEqual ? 'equal' : 'different',
    maxAbsDiff,
    magnitude,
    bothNaN,
    nonFiniteDifferences,
    detail:
      isEqual || worst === null
        ? ''
        : `${beyond + nonFiniteDifferences} of ${elements} values differ, one is ${shown(worst[1])} instead of ${shown(worst[0])}`,
  };
}

function count(tally: Tally, x: number, y: number, allowed: number): void {
  if (Number.isNaN(x) && Number.isNaN(y)) {
    tally.bothNaN++;
    return;
  }
  const difference = Math.abs(x - y);
  const isMeasured = Number.isFinite(difference);
  if (isMeasured && difference > tally.maxAbsDiff) tally.maxAbsDiff = difference;
  if (difference <= allowed) return;
  if (isMeasured) tally.beyond++;
  else tally.nonFiniteDifferences++;
  const excess = isMeasured ? difference / allowed : Number.POSITIVE_INFINITY;
  if (tally.worst === null || excess > tally.worstExcess) {
    tally.worst = [x, y];
    tally.worstExcess = excess;
  }
}

function magnitudeOf({ outer, inner, denseChannels }: Slices, a: ArrayLike<number>, channel: number): number {
  let most = 0;
  for (let n = 0; n < outer; n++) {
    const start = (n * denseChannels + channel) * inner;
    for (let k = start; k < start + inner; k++) {
      const value = Math.abs(a[k]!);
      if (value > most && value !== Number.POSITIVE_INFINITY) most = value;
    }
  }
  return most;
}

/** Seven digits tell float32 values apart. */
function shown(value: number): string {
  return String(Number.isFinite(value) ? Number(value.toPrecision(7)) : value);
}
