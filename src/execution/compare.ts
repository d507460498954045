import type { PairResult, TensorPair, Tolerance } from './protocol.ts';
import type { Rounding } from './rounding.ts';
import { magnitudesOf, type Slices, slicesOf, type Tensor } from './slices.ts';
import { numbersOf } from './values.ts';

/**
 * A channel is judged by its own magnitude, so that boxes in the thousands do not hide scores that stand in the same tensor, but
 * by no less than this share of the whole tensor's: a sum that nearly cancels keeps its terms' rounding.
 */
const LEAST_SHARE = 0.03;

/**
 * Differences up to so many times the measured rounding are rounding too. On real networks (YOLOv8, ResNet, MobileNet v2 and v3,
 * EfficientNet) the pruned model differs by up to twice as much in channels of many elements, and up to eleven times in those of one.
 */
const ROUNDING_FACTOR = 16;

/** A value that rounding alone moves by this share of its channel's magnitude tells nothing. */
const LOST_SHARE = 0.1;

/** What an operator whose results lie between -1 and 1 cannot tell apart: four ulps of 1 (onnxruntime's Sigmoid errs by 1.5e-7). */
const SATURATED = 2 ** -21;

/** Of integers (classes, indices) one in so many may differ: rounding decides near ties. */
const INTEGERS_PER_FLIP = 1000;

/**
 * Compares a tensor of the dense model with the pruned one's where channels were kept.
 * @param rounding where it was measured; differences within it are none
 */
export function comparePair(
  pair: TensorPair,
  dense: Tensor,
  pruned: Tensor,
  tolerance: Tolerance,
  rounding: Rounding | null = null,
): PairResult {
  const base = {
    type: pruned.type,
    dims: pruned.dims,
    maxAbsDiff: 0,
    magnitude: 0,
    bothNaN: 0,
    differing: 0,
    nonFiniteDifferences: 0,
    overflown: 0,
  };
  if (dense.type !== pruned.type && !(isFloatType(dense.type) && isFloatType(pruned.type)))
    return { ...base, outcome: 'different', detail: `it is ${pruned.type}, the dense model's ${dense.type}` };
  const kept = keptShape(pair, dense.dims);
  if (!(pair.isInside ? isAlikeInside(kept, pruned.dims) : isAlike(kept, pruned.dims))) {
    const shapes = `its shape is ${shape(pruned.dims)}, by the dense model ${shape(kept)}`;
    return pair.isKnown
      ? { ...base, outcome: 'different', detail: shapes }
      : { ...base, outcome: 'incomparable', detail: `its channels could not be followed, and ${shapes}` };
  }
  const limits = [dense.type, pruned.type].map((type) =>
    Object.hasOwn(tolerance, type) ? tolerance[type as keyof Tolerance] : null,
  );
  const limit = limits.includes(null) ? null : Math.max(...(limits as number[]));
  const slices = slicesOf(pair, dense.dims);
  const [a, b] = [numbersOf(dense.type, dense.data), numbersOf(pruned.type, pruned.data)];
  return { ...base, ...compareSlices(slices, a, b, allowance(pair, slices, a, limit, rounding)) };
}

/** Of a model whose weights were converted what it computes has another type; whether it may have one, comparing the interfaces tells. */
function isFloatType(type: string): boolean {
  return /^float(?:16|32|64)$/.test(type);
}

/** How much may differ. */
interface Allowance {
  /** Absolute difference in each channel that was kept. */
  readonly channels: Float64Array;
  /** The difference from which on a value that is equal by its rounding alone is none that was compared. */
  readonly lost: Float64Array;
  /** Values beyond it. */
  readonly values: number;
  readonly nonFinite: number;
  /** Largest magnitude of all. */
  readonly magnitude: number;
}

/** @param limit share of a magnitude that is rounding in any case; null for integers, which have none */
function allowance(
  { saturates }: TensorPair,
  slices: Slices,
  dense: ArrayLike<number>,
  limit: number | null,
  rounding: Rounding | null,
): Allowance {
  const magnitudes = magnitudesOf(slices, dense);
  const magnitude = magnitudes.reduce((most, one) => Math.max(most, one), 0);
  const elements = slices.outer * slices.inner * magnitudes.length;
  const { channels: measured, typical = 0, differing = 0, nonFinite = 0 } = rounding ?? {};
  if (limit === null) {
    const values = Math.max(Math.floor(elements / INTEGERS_PER_FLIP), ROUNDING_FACTOR * differing);
    const none = new Float64Array(magnitudes.length);
    return { channels: none, lost: none, values, nonFinite: 0, magnitude };
  }
  const channels = magnitudes.map((own, k) =>
    Math.max(
      limit * Math.max(own, LEAST_SHARE * magnitude),
      ROUNDING_FACTOR * Math.max(measured?.[k] ?? 0, own * typical),
      saturates ? SATURATED : 0,
    ),
  );
  const lost = magnitudes.map((own) =>
    saturates ? Number.POSITIVE_INFINITY : LOST_SHARE * Math.max(own, LEAST_SHARE * magnitude),
  );
  return { channels, lost, values: 0, nonFinite: ROUNDING_FACTOR * nonFinite, magnitude };
}

/** The dense shape with only the channels that were kept. */
function keptShape({ axis, positions }: TensorPair, dims: readonly number[]): readonly number[] {
  return axis === null || positions === null ? dims : dims.with(axis, positions.length);
}

function isAlike(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((size, axis) => size === b[axis]);
}

/** Whether shapes are the same but for axes of one. */
function isAlikeInside(a: readonly number[], b: readonly number[]): boolean {
  const long = (dims: readonly number[]): readonly number[] => dims.filter((size) => size !== 1);
  return isAlike(long(a), long(b));
}

function shape(dims: readonly number[]): string {
  return dims.length === 0 ? 'a scalar' : dims.join('x');
}

type Comparison = Omit<PairResult, 'type' | 'dims'>;

/** What was found while elements were compared. */
interface Tally {
  maxAbsDiff: number;
  bothNaN: number;
  nonFiniteDifferences: number;
  overflown: number;
  /** Finite differences larger than rounding makes. */
  beyond: number;
  /** Those that are not, and large all the same. */
  lost: number;
  /** The pair of values that is farthest beyond. */
  worst: readonly [dense: number, pruned: number] | null;
  worstExcess: number;
}

function compareSlices(
  { channels, outer, inner, denseChannels }: Slices,
  a: ArrayLike<number>,
  b: ArrayLike<number>,
  allowed: Allowance,
): Comparison {
  const tally: Tally = {
    maxAbsDiff: 0,
    bothNaN: 0,
    nonFiniteDifferences: 0,
    overflown: 0,
    beyond: 0,
    lost: 0,
    worst: null,
    worstExcess: 0,
  };
  for (let to = 0; to < channels.length; to++) {
    for (let n = 0; n < outer; n++) {
      const from = (n * denseChannels + channels[to]!) * inner;
      const at = (n * channels.length + to) * inner;
      for (let k = 0; k < inner; k++) {
        const [x, y] = [a[from + k]!, b[at + k]!];
        if (x !== y) count(tally, x, y, allowed.channels[to]!, allowed.lost[to]!);
      }
    }
  }
  const { maxAbsDiff, bothNaN, nonFiniteDifferences, overflown, beyond } = tally;
  const differing = beyond + nonFiniteDifferences;
  const isEqual = nonFiniteDifferences <= allowed.nonFinite && beyond <= allowed.values;
  const elements = outer * inner * channels.length;
  return {
    outcome: !isEqual ? 'different' : tally.lost + overflown > 0 ? 'incomparable' : 'equal',
    maxAbsDiff,
    magnitude: allowed.magnitude,
    bothNaN,
    differing,
    nonFiniteDifferences,
    overflown,
    detail: detailOf(tally, isEqual, elements),
  };
}

function detailOf(tally: Tally, isEqual: boolean, elements: number): string {
  const { beyond, nonFiniteDifferences, overflown, lost, worst } = tally;
  if (isEqual && overflown > 0)
    return `what ${overflown} of its ${elements} values are computed of overflows in the dense model`;
  if (isEqual) return lost === 0 ? '' : `rounding alone moves ${lost} of its ${elements} values as far as they differ`;
  const one = worst === null ? '' : `, one is ${shown(worst[1])} instead of ${shown(worst[0])}`;
  return `${beyond + nonFiniteDifferences} of ${elements} values differ${one}`;
}

function count(tally: Tally, x: number, y: number, allowed: number, lost: number): void {
  if (Number.isNaN(x) && Number.isNaN(y)) {
    tally.bothNaN++;
    return;
  }
  // A channel that was cut is infinite, and the zeros that mask it make no number of it.
  if (Number.isNaN(x)) {
    tally.overflown++;
    return;
  }
  const difference = Math.abs(x - y);
  const isMeasured = Number.isFinite(difference);
  if (isMeasured && difference > tally.maxAbsDiff) tally.maxAbsDiff = difference;
  if (difference <= allowed) {
    if (difference > lost) tally.lost++;
    return;
  }
  if (isMeasured) tally.beyond++;
  else tally.nonFiniteDifferences++;
  const excess = isMeasured ? difference / allowed : Number.POSITIVE_INFINITY;
  if (tally.worst === null || excess > tally.worstExcess) {
    tally.worst = [x, y];
    tally.worstExcess = excess;
  }
}

/** Seven digits tell float32 values apart. */
function shown(value: number): string {
  return String(Number.isFinite(value) ? Number(value.toPrecision(7)) : value);
}
