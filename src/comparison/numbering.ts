import { isConcatenation, type Operation, type Operations, takesChannels } from '../network/index.ts';
import { type DType, unitOf } from '../onnx/index.ts';

/** Points of every size, and more near 0, at which arithmetic is tried out. Two functions of practice that agree at all of them are one. */
const SIZED_POINTS = 16;
const NEAR_POINTS = 32;
const POINTS = SIZED_POINTS + NEAR_POINTS;
/** As far from 0 as those near it go: where a shift or a bound of an activation leaves values that matter. */
const NEAR = 4;
/** Relative difference that constants and their reciprocals leave between two ways to write one function: of float32, and in units of half precision. */
const ROUNDING = 1e-5;
const HALF_UNITS = 4;
/** Smaller values are compared as this one: what two terms leave that nearly cancel has their rounding. */
const SMALL = 0.05;

/** What an operation computes, as far as it is known. */
export interface Value {
  /** Equal for operations that compute the same. */
  readonly number: number;
  /** Why what it computes cannot be compared, as an operator's name; null where it can. */
  readonly open: string | null;
}

/** A Concat of more parts is one part itself: each of a chain of thousands would else be named by all that is before it. */
const MAX_PARTS = 256;

/** Sees equal functions of different graphs as equal. Shared by the graphs that are compared. */
export interface Numbering {
  /** The number of something known by its name alone: a layer's call, an input, an operator on known operands. */
  named(key: string): number;
  /** The number of arithmetic on numbered operands. */
  computed(f: (operands: readonly number[]) => number, operands: readonly number[]): number;
  /** Operands of a Concat, in their order, those of Concats before it in their place. */
  joined(operands: readonly number[]): number;
}

/** Relative difference that rounding leaves between two ways to compute a number. @param dtype the narrowest type of the models' constants */
export function roundingIn(dtype: DType): number {
  return dtype === 'float32' || dtype === 'float64' ? ROUNDING : HALF_UNITS * unitOf(dtype);
}

/** @param rounding relative difference of what is the same */
export function numbering(rounding = ROUNDING): Numbering {
  const byKey = new Map<string, number>();
  /** By number; the key of what is known by its name, until something is computed of it. */
  const samples: (Float64Array | string)[] = [];
  const buckets = new Map<number, number[]>();
  const parts = new Map<number, readonly number[]>();

  const keep = (number: number, values: Float64Array): void => {
    samples[number] = values;
    const bucket = bucketOf(values, rounding);
    const known = buckets.get(bucket);
    if (known === undefined) buckets.set(bucket, [number]);
    else known.push(number);
  };
  const sampleOf = (number: number): Float64Array => {
    const known = samples[number]!;
    if (typeof known !== 'string') return known;
    const values = pseudoRandom(known);
    keep(number, values);
    return values;
  };
  const named = (key: string): number => {
    const known = byKey.get(key);
    if (known !== undefined) return known;
    byKey.set(key, samples.length);
    return samples.push(key) - 1;
  };
  return {
    named,
    computed(f, operands) {
      // First: what is computed may be one of the operands.
      const columns = operands.map(sampleOf);
      const point = new Array<number>(columns.length);
      const values = new Float64Array(POINTS);
      for (let k = 0; k < POINTS; k++) {
        for (let i = 0; i < columns.length; i++) point[i] = columns[i]![k]!;
        values[k] = f(point);
      }
      const bucket = bucketOf(values, rounding);
      for (const near of [bucket, bucket - 1, bucket + 1]) {
        const found = buckets.get(near)?.find((other) => isSame(sampleOf(other), values, rounding));
        if (found !== undefined) return found;
      }
      const number = samples.length;
      keep(number, values);
      return number;
    },
    joined(operands) {
      const flat = operands.flatMap((operand) => parts.get(operand) ?? [operand]);
      const number = named(`Concat ${flat.join()}`);
      if (flat.length <= MAX_PARTS) parts.set(number, flat);
      return number;
    },
  };
}

/**
 * Numbers of both signs from small to large in any order, so that every bound of an activation lies between some of them, whatever
 * the key: each eighth of the range has one of each sign.
 */
function pseudoRandom(key: string): Float64Array {
  // FNV-1a, then xorshift32.
  let state = 0x811c9dc5;
  for (let k = 0; k < key.length; k++) state = Math.imul(state ^ key.charCodeAt(k), 0x01000193) >>> 0;
  const next = (): number => {
    state ^= state << 13;
    state ^= state >>> 17;
    state = (state ^ (state << 5)) >>> 0;
    return state / 2 ** 32;
  };
  state ||= 1;
  for (let k = 0; k < 8; k++) next();
  const values = new Float64Array(POINTS);
  for (let k = 0; k < SIZED_POINTS; k++) {
    const part = (k >> 1) + next();
    values[k] = (k % 2 === 0 ? 1 : -1) * 10 ** ((6 * part) / SIZED_POINTS - 1.5);
  }
  for (let k = 0; k < NEAR_POINTS; k++) values[SIZED_POINTS + k] = NEAR * ((2 * (k + next())) / NEAR_POINTS - 1);
  for (let k = POINTS - 1; k > 0; k--) {
    const other = Math.floor(next() * (k + 1));
    const value = values[k]!;
    values[k] = values[other]!;
    values[other] = value;
  }
  return values;
}

/**
 * Functions that agree have neighbouring buckets: as wide as rounding is, for large values relative to them. By all values: the first of a
 * Relu is 0 half of the time.
 */
function bucketOf(values: Float64Array, rounding: number): number {
  let size = 0;
  for (let k = 0; k < POINTS; k++) if (Number.isFinite(values[k])) size += Math.abs(values[k]!) / POINTS;
  return Math.round((0.2 / rounding) * Math.asinh(size / SMALL));
}

function isSame(a: Float64Array, b: Float64Array, rounding: number): boolean {
  for (let k = 0; k < POINTS; k++) if (!isNear(a[k]!, b[k]!, rounding)) return false;
  return true;
}

function isNear(a: number, b: number, rounding: number): boolean {
  if (!Number.isFinite(a) || !Number.isFinite(b)) return Object.is(a, b);
  return Math.abs(a - b) <= rounding * Math.max(Math.abs(a), Math.abs(b), SMALL);
}

/**
 * What an operation is without looking at its operands: a call of a layer of the dense model, or an input. Open where that is not
 * known; null for any other operation.
 */
export type Leaf = (operation: Operation, at: number) => { readonly key: string; readonly open: string | null } | null;

/** Which channels an operation takes of its operand's, the same in both models where those are that are left; null where not known. */
export type Taken = (operation: Operation) => string | null;

/** Numbers every operation of a graph. */
export function valuesOf({ all }: Operations, leaf: Leaf, taken: Taken, numbers: Numbering): readonly Value[] {
  const values: Value[] = [];
  // A layer that is called twice on one tensor computes the same twice; exporters leave the second call out or not.
  const calls = new Map<string, Value>();
  for (const [at, operation] of all.entries()) {
    const own = leaf(operation, at);
    const { call, inputs } = operation;
    const key = `${call?.layer} of ${inputs.map((input) => values[input]!.number).join()}`;
    const value =
      (call === null ? undefined : calls.get(key)) ??
      (own === null
        ? numbered(operation, values, taken, numbers, at)
        : { number: numbers.named(own.key), open: own.open });
    if (call !== null) calls.set(key, value);
    values.push(value);
  }
  return values;
}

function numbered(operation: Operation, values: readonly Value[], taken: Taken, numbers: Numbering, at: number): Value {
  const { op, inputs, settings, pointwise, tells } = operation;
  const operands = inputs.map((input) => values[input]!);
  const inherited = operands.find(({ open }) => open !== null)?.open ?? null;
  const own = operands.map(({ number }) => number);
  // What is computed of constants alone was not followed here.
  if (inputs.length === 0) return { number: numbers.named(`nothing ${at} ${op}`), open: op };
  if (pointwise !== null) return { number: numbers.computed(functionOf(pointwise), own), open: inherited };
  if (isConcatenation(operation)) return { number: numbers.joined(own), open: inherited };
  const channels = takesChannels(operation) ? taken(operation) : undefined;
  // Known by its place alone: parts of which it is not known which they are may be others.
  const which = channels === undefined ? '' : ` ${channels ?? `some ${at}`}`;
  const number = numbers.named(`${op} ${settingsKey(settings)} ${own.join()}${which}`);
  return { number, open: inherited ?? (tells === 'nothing' || channels === null ? op : null) };
}

/** The function of the operands that are computed, its constant numbers filled in. */
function functionOf({ apply, operands }: NonNullable<Operation['pointwise']>): (values: readonly number[]) => number {
  const given = operands.map((operand) => (operand.kind === 'number' ? operand.value : Number.NaN));
  const open = operands.flatMap(({ kind }, at) => (kind === 'number' ? [] : [at]));
  return (values) => {
    for (let k = 0; k < open.length; k++) given[open[k]!] = values[k]!;
    return apply(...given) ?? Number.NaN;
  };
}

export function settingsKey(settings: Operation['settings']): string {
  return Object.entries(settings)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${name}=${String(value)}`)
    .join(' ');
}
