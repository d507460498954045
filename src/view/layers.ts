import { marginText } from '../prose/index.ts';
import { FLAG, type Flag, type LayerData, type NumbersData, type Values } from './data/types.ts';

/** What is worked out of a layer once. */
interface Derived {
  readonly counts: ReadonlyMap<Flag, number>;
  /** Filters by the value that decided, largest first; by index where there are no values. */
  readonly order: Uint32Array;
  /** For each filter its place in `order`. */
  readonly place: Uint32Array;
  /** For each filter its rank from 1; equal values share one. */
  readonly rank: Uint32Array;
  /** How near the nearest filter is to the cut; null where nothing is cut. */
  readonly margin: number | null;
}

const derived = new WeakMap<LayerData, Derived>();

function derivedOf(layer: LayerData): Derived {
  const known = derived.get(layer) ?? derive(layer);
  derived.set(layer, known);
  return known;
}

function derive({ filters, flags, known, numbers }: LayerData): Derived {
  const counts = new Map<Flag, number>();
  for (const [flag, bit] of Object.entries(FLAG) as [Flag, number][]) {
    if ((known & bit) === 0) continue;
    let count = 0;
    for (const each of flags) if ((each & bit) !== 0) count += 1;
    counts.set(flag, count);
  }
  const order = Uint32Array.from({ length: filters }, (_, k) => k);
  const merged = numbers?.merged ?? null;
  if (merged !== null) order.sort((a, b) => descending(merged[a]!, merged[b]!) || a - b);
  const [place, rank] = [new Uint32Array(filters), new Uint32Array(filters)];
  for (const [k, filter] of order.entries()) {
    place[filter] = k;
    const before = k === 0 ? null : order[k - 1]!;
    const isEqual = before !== null && merged !== null && merged[before] === merged[filter];
    rank[filter] = isEqual ? rank[before]! : k + 1;
  }
  return { counts, order, place, rank, margin: numbers === null ? null : marginOf(numbers) };
}

/** NaN comes last. */
function descending(a: number, b: number): number {
  if (Number.isNaN(a)) return Number.isNaN(b) ? 0 : 1;
  return Number.isNaN(b) ? -1 : b - a;
}

function marginOf({ cut, merged, tie }: NumbersData): number | null {
  if (tie !== null) return 0;
  if (cut === null) return null;
  let nearest = Number.POSITIVE_INFINITY;
  for (const value of merged) {
    const distance = Math.abs(value - cut);
    // Where the cut is a filter's own value, the next one tells how near it was.
    if (distance > 0 && distance < nearest) nearest = distance;
  }
  return Number.isFinite(nearest) ? nearest : null;
}

/** How many filters stand in a list; null where the list is not known. */
export function countOf(layer: LayerData, flag: Flag): number | null {
  return derivedOf(layer).counts.get(flag) ?? null;
}

/** What the pruned model keeps, or should keep where only that is known. */
export function keptOf(layer: LayerData): number | null {
  return countOf(layer, 'actual') ?? countOf(layer, 'expected');
}

export function orderOf(layer: LayerData): Uint32Array {
  return derivedOf(layer).order;
}

export function placeOf(layer: LayerData, filter: number): number {
  return derivedOf(layer).place[filter]!;
}

export function rankOf(layer: LayerData, filter: number): number {
  return derivedOf(layer).rank[filter]!;
}

export function smallestMargin(layer: LayerData): number | null {
  return derivedOf(layer).margin;
}

export function has(layer: LayerData, filter: number, flag: Flag): boolean {
  return (layer.flags[filter]! & FLAG[flag]) !== 0;
}

export function isKnown(layer: LayerData, flag: Flag): boolean {
  return (layer.known & FLAG[flag]) !== 0;
}

export function listOf(layer: LayerData, flag: Flag): readonly number[] {
  const list: number[] = [];
  for (let k = 0; k < layer.filters; k++) if (has(layer, k, flag)) list.push(k);
  return list;
}

/** What becomes of a filter, as its colour says. */
export type Fate = 'kept' | 'cut' | 'partner' | 'alone';

export const FATES: Readonly<Record<Fate, string>> = {
  kept: 'stays',
  partner: 'stays only because of its partner',
  alone: 'goes, would stay on its own',
  cut: 'goes',
};

export function fateOf(layer: LayerData, filter: number): Fate {
  const stays = has(layer, filter, isKnown(layer, 'expected') ? 'expected' : 'actual');
  if (!isKnown(layer, 'alone') || !isKnown(layer, 'expected') || has(layer, filter, 'alone') === stays)
    return stays ? 'kept' : 'cut';
  return stays ? 'partner' : 'alone';
}

/** Its own value first. */
export function ownValues({ numbers }: LayerData): Values | null {
  return numbers?.members[0]?.values ?? null;
}

/** Its own values where they are the lower part of those that decided, as where the largest of a group counts; else null. */
export function partOfMerged({ numbers }: LayerData): Values | null {
  const own = numbers?.members[0]?.values ?? null;
  if (numbers === null || own === null || numbers.members.length < 2) return null;
  // Own values are kept in single precision.
  return own.every((value, k) => !(value > numbers.merged[k]! * (1 + 1e-6))) ? own : null;
}

/** A number as people compare it: four digits. */
export function short(value: number): string {
  if (Number.isNaN(value)) return '–';
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-4 || size >= 1e6)) return value.toExponential(2);
  return String(Number(value.toPrecision(4)));
}

/** How far a value lies above the cut. */
export function signed(margin: number): string {
  return marginText(margin).replace(/^-/, '−');
}
