import type { Network, Operation, Operations, Setting } from '../network/index.ts';
import type { Value } from './numbering.ts';

/** A network's operations, and what each computes. */
export interface Side {
  readonly network: Network;
  readonly operations: Operations;
  readonly values: readonly Value[];
  /** How a layer is called: the dense one's name, for both sides. */
  name(layer: number): string;
  /** Relative difference that rounding leaves between two ways to compute a number, in the narrowest type of both models. */
  readonly rounding: number;
}

/** How two operations differ that should compute the same. */
export type Difference =
  /** One sentence without its end. */
  | { readonly kind: 'sure'; readonly says: string }
  /** They may differ in how they are written only: the operator that could not be compared. */
  | { readonly kind: 'open'; readonly op: string };

/** Pairs that are looked at to name one difference: graphs made to be slow have more (CWE-400). */
const MAX_STEPS = 256;

/** What tells two operations apart, nearest to the leaves. Null where nothing does. */
export function differenceOf(dense: Side, pruned: Side, denseAt: number, prunedAt: number): Difference | null {
  const [value, other] = [dense.values[denseAt]!, pruned.values[prunedAt]!];
  if (value.number === other.number) return null;
  const open: Difference = { kind: 'open', op: value.open ?? other.open ?? dense.operations.all[denseAt]!.op };
  let [a, b] = [denseAt, prunedAt];
  for (let steps = 0; steps < MAX_STEPS; steps++) {
    const next = step(dense, pruned, a, b);
    if ('kind' in next) return next.kind === 'open' && value.open !== null ? open : next;
    [a, b] = next.at;
    // How large tensors are is computed in as many ways as there are exporters.
    if (isSized(dense, a) || isSized(pruned, b)) return open;
  }
  return open;
}

/** Says how two operations differ, or leads to the operands that do. */
function step(
  dense: Side,
  pruned: Side,
  denseAt: number,
  prunedAt: number,
): Difference | { readonly at: readonly [number, number] } {
  const [a, b] = [dense.operations.all[denseAt]!, pruned.operations.all[prunedAt]!];
  const number = (side: Side, at: number): number => side.values[at]!.number;
  // A leaf is a layer or an input: where one stands, the other side reads another, or has more on the way to it.
  const missing = pathTo(dense, denseAt, number(pruned, prunedAt));
  if (missing !== null) return absence(dense, missing, 'is missing');
  const added = pathTo(pruned, prunedAt, number(dense, denseAt));
  if (added !== null) return absence(pruned, added, 'is new');
  if (isLeaf(a) || isLeaf(b))
    return isLeaf(a) && isLeaf(b)
      ? sure(`${nameAt(pruned, prunedAt)} is read instead of ${nameAt(dense, denseAt)}`)
      : between(dense, pruned, denseAt, prunedAt);
  const pairs = a.inputs.map((input, k) => [input, b.inputs[k] ?? -1] as const);
  const isSame = ([x, y]: readonly [number, number]): boolean => y >= 0 && number(dense, x) === number(pruned, y);
  if (a.op === b.op && a.inputs.length === b.inputs.length) {
    const differing = pairs.filter((pair) => !isSame(pair));
    if (differing.length === 0)
      return functionDifference(dense, pruned, denseAt, prunedAt) ?? settingsDifference(dense, denseAt, a, b);
    // Of an operator that is not understood the first operand alone is known to be what it computes of.
    const isData = a.tells !== 'nothing' || differing[0] === pairs[0];
    if (differing.length === 1) return isData ? { at: differing[0]! } : { kind: 'open', op: a.op };
    if (
      isReordered(
        a,
        b,
        (at) => number(dense, at),
        (at) => number(pruned, at),
      )
    )
      return sure(`the operands of ${a.op} ${behind(dense, denseAt)} are exchanged`);
    return between(dense, pruned, denseAt, prunedAt);
  }
  if (a.inputs.length === b.inputs.length && pairs.every(isSame) && isComparable(a) && isComparable(b))
    return sure(`${spoken(b)} stands for ${spoken(a)} ${behind(dense, denseAt)}`);
  return between(dense, pruned, denseAt, prunedAt);
}

function isSized({ network, operations }: Side, at: number): boolean {
  return network.isSized(operations.all[at]!.tensor);
}

function sure(says: string): Difference {
  return { kind: 'sure', says };
}

function isLeaf({ op, call }: Operation): boolean {
  return call !== null || op === 'Input';
}

/** Whether an operator says by its name and settings all that it does. */
function isComparable({ tells }: Operation): boolean {
  return tells === 'all';
}

function absence(side: Side, path: readonly number[], says: string): Difference {
  const operations = path.map((at) => side.operations.all[at]!);
  const unsure = operations.find((operation) => !isComparable(operation));
  if (unsure !== undefined) return { kind: 'open', op: unsure.op };
  // The one nearest to the leaf is the one to name.
  return sure(`${spoken(operations.at(-1)!)} ${behind(side, path.at(-1)!)} ${says}`);
}

/** Operations from one down to the last before what has a number; null where it reads no such thing. */
function pathTo(side: Side, from: number, number: number): readonly number[] | null {
  const before = new Map<number, number>();
  const open = [from];
  for (const at of open) {
    if (open.length > MAX_STEPS) return null;
    if (isLeaf(side.operations.all[at]!)) continue;
    for (const input of side.operations.all[at]!.inputs) {
      if (before.has(input)) continue;
      before.set(input, at);
      if (side.values[input]!.number === number) return trace(before, input, from);
      open.push(input);
    }
  }
  return null;
}

function trace(before: ReadonlyMap<number, number>, to: number, from: number): number[] {
  const path: number[] = [];
  for (let at = to; at !== from; ) {
    at = before.get(at)!;
    path.unshift(at);
  }
  return path;
}

/** The same function under other numbers, or with other settings of its own; null for what is no function of elements. */
function functionDifference(dense: Side, pruned: Side, at: number, prunedAt: number): Difference | null {
  const [a, b] = [dense.operations.all[at]!, pruned.operations.all[prunedAt]!];
  if (a.pointwise === null || b.pointwise === null || !isComparable(a) || !isComparable(b)) return null;
  const numbers = ({ pointwise }: Operation): number[] =>
    pointwise!.operands.flatMap((operand) => (operand.kind === 'number' ? [operand.value] : []));
  const [before, after] = [numbers(a), numbers(b)];
  // Of a model in half precision those too are others that are only rounded.
  const differing = [...before.keys()].filter((n) => before[n] !== after[n]);
  const k = differing.find((n) => !(Math.abs(before[n]! / after[n]! - 1) <= dense.rounding)) ?? differing[0] ?? -1;
  if (k < 0 || after[k] === undefined) return sure(`${spoken(a)} ${behind(dense, at)} has other settings`);
  if (scalesWithSizes([before[k]!, after[k]], dense, pruned, [at, prunedAt])) return { kind: 'open', op: a.op };
  return sure(`the number of ${spoken(a)} ${behind(dense, at)} is ${shown(after[k])} instead of ${shown(before[k]!)}`);
}

/** Powers of a size that models scale by: means, and the root of a head's channels, once or for queries and keys each. */
const POWERS = [-1, -1 / 2, -1 / 4, 1 / 4, 1 / 2, 1];

/** Whether a number is another one because the model computes it from sizes that pruning changes, as 1 / sqrt(channels of a head). */
function scalesWithSizes([before, after]: readonly [number, number], dense: Side, pruned: Side, at: Places): boolean {
  const { ratios, areKnown } = sizeRatios(dense, pruned, at);
  const isOfRatio = [...ratios].some((ratio) =>
    POWERS.some((power) => Math.abs(after / before / ratio ** power - 1) <= dense.rounding),
  );
  return isOfRatio || (!areKnown && areOfHeads(before, after, dense.rounding));
}

/** Whether numbers are roots of how many channels a head has, and of fewer: where sizes are not known, they may be. */
function areOfHeads(before: number, after: number, rounding: number): boolean {
  return [-1 / 2, -1 / 4, 1 / 4, 1 / 2].some((power) => {
    const [size, left] = [before ** (1 / power), after ** (1 / power)];
    const areWhole = [size, left].every(
      (one) => Math.round(one) >= 1 && Math.abs(one / Math.round(one) - 1) <= rounding,
    );
    return areWhole && before > 0 && after > 0 && left < size;
  });
}

/** An operation of each model, by its position. */
type Places = readonly [dense: number, pruned: number];

/**
 * How sizes of tensors changed between two operations and the layers before them, and whether all tensors there have shapes: where what is
 * done to channels is not followed, so are sizes of heads.
 */
function sizeRatios(
  dense: Side,
  pruned: Side,
  places: Places,
): { readonly ratios: ReadonlySet<number>; readonly areKnown: boolean } {
  const ratios = new Set<number>();
  let areKnown = true;
  const pairs = [places];
  for (const [at, other] of pairs) {
    const [a, b] = [dense.operations.all[at]!, pruned.operations.all[other]!];
    const [before, after] = [dense.network.tensors.get(a.tensor)?.shape, pruned.network.tensors.get(b.tensor)?.shape];
    if (before === null || after === null) areKnown = false;
    for (const [axis, size] of (before ?? []).entries()) {
      const now = after?.length === before?.length ? (after?.[axis] ?? null) : null;
      if (size !== null && now !== null && size !== now) ratios.add(now / size);
    }
    if (isLeaf(a) || isLeaf(b) || pairs.length > MAX_STEPS) continue;
    for (const [k, input] of a.inputs.entries()) if (b.inputs[k] !== undefined) pairs.push([input, b.inputs[k]]);
  }
  return { ratios, areKnown };
}

/** Settings that both have and that differ. One that only one side states may be how the other writes its default. */
function settingsDifference(dense: Side, at: number, a: Operation, b: Operation): Difference {
  const found = differingSetting(a.settings, b.settings);
  if (found?.name === 'values') return valuesDifference(dense, at, found.before, found.after);
  const isTold = [a, b].every(({ tells }) => tells === 'all' || tells === 'settings');
  // A text says how the positions are written that are read, where those are not known.
  if (found === null || !isTold || (found.name === 'reads' && typeof found.before === 'string'))
    return { kind: 'open', op: a.op };
  if (found.name === 'reads') return sure(`${spoken(a)} ${behind(dense, at)} reads other positions`);
  return sure(
    `${found.name} of ${spoken(a)} ${behind(dense, at)} is ${shown(found.after)} instead of ${shown(found.before)}`,
  );
}

/** Relative difference that tells two constants apart: what exporters compute varies by less. */
const OTHER_VALUE = 1e-3;

/** Constants that follow no channels, so that cutting leaves them as they are. */
function valuesDifference(dense: Side, at: number, before: Setting, after: Setting): Difference {
  const { op } = dense.operations.all[at]!;
  if (!Array.isArray(before) || !Array.isArray(after) || before.length !== after.length) return { kind: 'open', op };
  const most = Math.max(...before.map(Math.abs));
  const first = before.findIndex(
    (value, k) => Math.abs(value - after[k]!) > OTHER_VALUE * Math.max(Math.abs(value), 1e-3 * most),
  );
  if (first < 0) return { kind: 'open', op };
  return sure(
    `the constant of ${op} ${behind(dense, at)} has ${shown(after[first]!)} instead of ${shown(before[first]!)}`,
  );
}

/** The first setting that two operations both have, and have otherwise. */
export function differingSetting(
  before: Operation['settings'],
  after: Operation['settings'],
): { readonly name: string; readonly before: Setting; readonly after: Setting } | null {
  for (const [name, value] of Object.entries(before)) {
    const other = after[name];
    if (other === undefined || isAlike(value, other)) continue;
    if (value === null || other === null || typeof value !== typeof other) continue;
    return { name, before: value, after: other };
  }
  return null;
}

function isAlike(a: Setting, b: Setting): boolean {
  if (typeof a === 'number' && typeof b === 'number')
    return a === b || Math.abs(a - b) <= 1e-6 * Math.max(Math.abs(a), Math.abs(b));
  return String(a) === String(b);
}

function isReordered(
  a: Operation,
  b: Operation,
  dense: (at: number) => number,
  pruned: (at: number) => number,
): boolean {
  const sorted = (numbers: readonly number[]): string => [...numbers].sort((x, y) => x - y).join();
  return sorted(a.inputs.map(dense)) === sorted(b.inputs.map(pruned));
}

/** Two stretches of operators that come from the same leaves, or not, and do not compute the same. */
function between(dense: Side, pruned: Side, denseAt: number, prunedAt: number): Difference {
  const [a, b] = [stretch(dense, denseAt), stretch(pruned, prunedAt)];
  const unsure = [...a.operations, ...b.operations].find((operation) => !isComparable(operation));
  if (unsure !== undefined) return { kind: 'open', op: unsure.op };
  const [gone] = [...a.leaves].filter((leaf) => !b.leaves.has(leaf));
  const [come] = [...b.leaves].filter((leaf) => !a.leaves.has(leaf));
  if (gone !== undefined && come !== undefined) return sure(`${come} is read instead of ${gone}`);
  if (gone !== undefined) return sure(`${gone} is not read any more`);
  if (come !== undefined) return sure(`${come} is read too`);
  return sure(`${spoken(pruned.operations.all[prunedAt]!)} ${behind(dense, denseAt)} computes something else`);
}

/** All operations between one and the leaves, and the leaves by name. */
function stretch(
  side: Side,
  from: number,
): { readonly operations: readonly Operation[]; readonly leaves: ReadonlySet<string> } {
  const seen = new Set([from]);
  const leaves = new Set<string>();
  const operations: Operation[] = [];
  for (const at of seen) {
    const operation = side.operations.all[at]!;
    if (isLeaf(operation)) leaves.add(nameAt(side, at));
    else {
      operations.push(operation);
      for (const input of operation.inputs) if (seen.size < MAX_STEPS) seen.add(input);
    }
  }
  return { operations, leaves };
}

/** The layer, or input, that an operation is. */
function nameAt(side: Side, at: number): string {
  const { call, name } = side.operations.all[at]!;
  return call === null ? `the input ${name}` : side.name(call.layer);
}

/** Where an operation stands: behind the layer that it is computed from first. */
function behind(side: Side, at: number): string {
  let from = at;
  for (let steps = 0; steps < MAX_STEPS; steps++) {
    const [input] = side.operations.all[from]!.inputs;
    if (input === undefined) break;
    from = input;
    if (isLeaf(side.operations.all[from]!)) return `behind ${nameAt(side, from)}`;
  }
  return `at ${side.operations.all[at]!.name}`;
}

/** An operator as users call it. */
function spoken({ op, pointwise }: Operation): string {
  if (pointwise === null) return op;
  const at = (x: number): number | null =>
    pointwise.apply(...pointwise.operands.map((operand) => (operand.kind === 'number' ? operand.value : x)));
  if (at(-1) !== 0 || at(0.5) !== 0.5 || at(3) !== 3) return op;
  return at(1e9) === 1e9 ? 'relu' : at(1e9) === 6 ? 'relu6' : op;
}

function shown(value: Setting): string {
  if (value === null) return 'not known';
  return typeof value === 'object'
    ? `[${value.join(', ')}]`
    : typeof value === 'number'
      ? String(Number(value.toPrecision(7)))
      : value;
}
