import type { Layer, RetainedIndices } from '../../network/index.ts';
import { percent } from '../../prose/index.ts';
import type { Assignment, ChannelCorrespondence } from '../correspondence.ts';
import { type FollowerIndex, sharedKeys } from '../followers/index-followers.ts';
import type { KernelOutcome } from '../types.ts';
import { assignRows, type Evidence, equalRows } from './assign.ts';
import { matchByFactor } from './by-factor.ts';
import { type Kernel, readKernels, rowGroups, transposed, valuesOf } from './kernel.ts';
import { lookUpByValue } from './lookup.ts';
import { nearestRows } from './nearest.ts';
import { areRounded } from './rounded.ts';
import type { RowGroup } from './row-group.ts';
import { matchRows, nearestRow, type RowMatches } from './rows.ts';
import { areScaled } from './scaled.ts';
import { inTheirPlaces, matchZeroRows, withoutZeroed } from './zero-rows.ts';

/** Where a layer's filters come from. */
export interface Placed {
  readonly outcome: KernelOutcome;
  readonly assigned: Assignment | null;
  /** Dense input columns, where they are not those of the channels that reach the layer. */
  readonly misplaced: Int32Array | null;
  /** Which rows are equal; null where rows were not recognized by their bits. */
  readonly matches?: RowMatches;
  /** Filters that hold nothing but zeros where the dense ones do not. */
  readonly zeroRows?: readonly number[];
  /** Whether only those columns were compared whose channels are sure, since equal rows made the others. */
  readonly isPartial?: boolean;
}

export interface Followers {
  readonly dense: FollowerIndex;
  readonly pruned: FollowerIndex;
}

/** A pair of layers to place, and what is known of it. */
export interface PlacePair {
  readonly dense: Layer;
  readonly pruned: Layer;
  readonly followers: Followers;
  /** Filters to name where dense ones are equal. */
  readonly preferred: RetainedIndices | null;
  /** What is known of filters with equal rows, as in `Evidence`. */
  readonly chosen: Assignment | null;
  /** Whether rows may be recognized by a part of the columns, for want of the others. */
  readonly mayBePartial: boolean;
  /** Whether values may differ by rounding: two programs folded BatchNorm into them. */
  readonly mayRound: boolean;
  /** Whether each filter may have a factor of its own: BatchNorm's statistics were computed again before it was folded in. */
  readonly mayScale: boolean;
}

/** Dense input column of each pruned one, and which of them are compared: all where null. */
interface WiredColumns {
  readonly columns: Int32Array;
  readonly over?: Int32Array | null;
}

interface Kernels {
  readonly dense: Kernel;
  readonly pruned: Kernel;
}

/** Tells which dense filters a pruned layer's are, by the bits of its rows over the input columns that remain. */
export function placeLayer(correspondence: ChannelCorrespondence, pair: PlacePair): Placed {
  const { dense: denseLayer, pruned: layer } = pair;
  const read = (): Kernels | null => readKernels(correspondence.dense, denseLayer, correspondence.pruned, layer);
  let both = read();
  if (both === null) return fail('its weight is computed at run time');
  if (both.dense.weight.kernelOffsets.length !== both.pruned.weight.kernelOffsets.length)
    return fail('its kernel has another size than the dense one');
  const columns = columnsOf(correspondence, denseLayer, layer);
  if (both.dense.dtype !== both.pruned.dtype) {
    const types = `its weights are ${both.pruned.dtype}, the dense ones ${both.dense.dtype}`;
    return (columns === null ? null : placeNearest(both, columns, types)) ?? fail(types);
  }
  const place = (over: WiredColumns, tolerance: Tolerance) => placeRows(both!, over, tolerance, pair);
  const asWired = columns === null ? null : place({ columns }, 'few');
  if (asWired !== null) return { ...asWired, misplaced: null };
  const certain = columns === null || !pair.mayBePartial ? null : certainColumns(correspondence, layer);
  const inPart = certain === null ? null : place({ columns: columns!, over: certain }, 'few');
  if (inPart !== null) return { ...inPart, misplaced: null, isPartial: true };
  // No row fits the channels that reach the layer: its own values may tell which columns it kept.
  let found = columnsByValue(both, pair);
  if (found === null && pair.mayRound) {
    found = columnsToRounding(both);
    both = read()!;
  }
  const asFound = found === null ? null : place({ columns: found }, 'few');
  if (asFound !== null) return { ...asFound, misplaced: found };
  const altered = columns === null ? null : place({ columns }, 'many');
  if (altered !== null) return { ...altered, misplaced: null };
  const placed = columns === null ? placeByFollowers(pair) : placeNearest(both, columns, null);
  return placed ?? fail(unrecognized(pair));
}

function fail(detail: string): Placed {
  return { outcome: { kind: 'unrecognized', detail }, assigned: null, misplaced: null };
}

function unrecognized({ dense, pruned }: PlacePair): string {
  if (pruned.folding.state === dense.folding.state) return 'none of its filters is a dense filter';
  const state = `BatchNorm is ${pruned.folding.state === 'folded' ? 'folded into it' : 'not folded into it'}, unlike the dense layer`;
  const dtype = dense.weight === null || 'opaque' in dense.weight ? 'float32' : dense.weight.tensor.dtype;
  return dtype === 'float32'
    ? state
    : `${state}, and only float32 is folded here to compare them: its weights are ${dtype}`;
}

/** How many filters may differ from every dense filter before their columns are doubted. */
type Tolerance = 'few' | 'many';

/** A few altered filters are worth naming; comparing each row of a retrained layer with every dense one is not. */
const MAX_NEAREST = 16;

function columnsOf(correspondence: ChannelCorrespondence, denseLayer: Layer, layer: Layer): Int32Array | null {
  if (denseLayer.kind === 'depthwise' && denseLayer.groups === denseLayer.filters) return Int32Array.of(0);
  for (const call of layer.calls) {
    // A shared layer reads the same channels in every call, or its kernel could not be cut for them.
    for (const denseCall of denseLayer.calls) {
      const columns = correspondence.positions(denseCall.columns, call.columns);
      if (columns !== null) return columns;
    }
  }
  return null;
}

/** @returns null where no row at all is recognized over these columns */
function placeRows(
  kernels: Kernels,
  { columns, over = null }: WiredColumns,
  tolerance: Tolerance,
  pair: PlacePair,
): Omit<Placed, 'misplaced'> | null {
  const groups = rowGroups(kernels.dense, kernels.pruned, columns, over);
  if (groups === null) return null;
  const matches = matchRows(kernels.dense, kernels.pruned, groups);
  const filters = matches.pruned.length;
  const zeroRows = matchZeroRows(kernels.dense, kernels.pruned, groups, matches, pair.preferred);
  const rounded = pair.mayRound ? matchByFactor(kernels.dense, kernels.pruned, groups, matches, areRounded) : 0;
  const scaled =
    pair.mayRound && pair.mayScale ? matchByFactor(kernels.dense, kernels.pruned, groups, matches, areScaled) : 0;
  const unmatched = unmatchedIn(matches.pruned);
  if (tolerance === 'few' && unmatched.length * 2 > filters) return null;
  const nearest = new Map(
    unmatched.slice(0, MAX_NEAREST).map((p) => {
      const group = groups.find((g) => p >= g.first && p < g.end)!;
      return [p, nearestRow(kernels.dense, kernels.pruned, group, p)];
    }),
  );
  const unknown = unmatched.filter((p) => (nearest.get(p) ?? null) === null);
  if (unknown.length * 2 > filters) return null;
  const evidence = evidenceOf(pair);
  const assigned = assignRows(matches, { ...evidence, chosen: inTheirPlaces(evidence.chosen, zeroRows, filters) });
  const told = { assigned, matches: withoutZeroed(matches, zeroRows), ...(zeroRows.length > 0 ? { zeroRows } : {}) };
  for (const p of unmatched) assigned[p] = nearest.get(p)?.filter ?? -1;
  if (unmatched.length > 0)
    return { outcome: { kind: 'altered', detail: alteration(filters, unmatched, nearest, groups) }, ...told };
  if (scaled > 0) return { outcome: { kind: 'rounded', detail: SCALED }, ...told };
  if (rounded === 0) return { outcome: { kind: 'exact' }, ...told };
  const share = rounded === filters ? 'every filter is' : `${rounded} of its ${filters} filters are`;
  const detail = `${share} a dense filter to the rounding of float32, and no other: its BatchNorm was folded in another order of operations`;
  return { outcome: { kind: 'rounded', detail }, ...told };
}

const SCALED =
  "its filters are dense filters but for a factor each: BatchNorm's statistics were computed again before it was folded in";

function evidenceOf({ followers, dense, pruned, preferred, chosen, mayRound }: PlacePair): Evidence {
  const readers = once(() => {
    const keys = sharedKeys({ index: followers.dense, layer: dense }, { index: followers.pruned, layer: pruned });
    return {
      dense: followers.dense.elements(dense, keys, mayRound),
      pruned: followers.pruned.elements(pruned, keys, mayRound),
    };
  });
  return {
    preferred,
    chosen,
    denseKey: (filter) => readers().dense(filter),
    prunedKey: (filter) => readers().pruned(filter),
  };
}

function alteration(
  filters: number,
  unmatched: readonly number[],
  nearest: ReadonlyMap<number, ReturnType<typeof nearestRow>>,
  groups: readonly RowGroup[],
): string {
  const first = unmatched[0]!;
  const near = nearest.get(first) ?? null;
  const { size } = groups[0]!;
  return near === null
    ? `${unmatched.length} of its ${filters} filters are no dense filter, the first is its filter ${first}`
    : `its filter ${first} is dense filter ${near.filter} but for ${near.differing} of ${size} values${unmatched.length > 1 ? `, and ${unmatched.length - 1} more filters differ` : ''}`;
}

function unmatchedIn(first: Int32Array): number[] {
  const unmatched: number[] = [];
  for (let p = 0; p < first.length; p++) if (first[p] === -1) unmatched.push(p);
  return unmatched;
}

/** Columns of channels that no other filter could be; null where all are, or none. */
function certainColumns({ isSure }: ChannelCorrespondence, layer: Layer): Int32Array | null {
  const [call] = layer.calls;
  if (!(call?.columns instanceof Int32Array)) return null;
  const certain = [...call.columns.keys()].filter((at) => isSure((call.columns as Int32Array)[at]!));
  return certain.length === 0 || certain.length === call.columns.length ? null : Int32Array.from(certain);
}

/** Dense columns that a kernel kept, recognized by its own values alone, or by its rows once bias and BatchNorm have placed those. */
function columnsByValue(both: Kernels, pair: PlacePair): Int32Array | null {
  const found = lookUpByValue(both.dense, both.pruned);
  if (found !== null && !found.rows.includes(-1) && !found.columns.includes(-1)) return found.columns;
  const rows = rowsByFollowers(pair);
  if (rows === null || both.dense.groups !== 1 || both.pruned.groups !== 1) return null;
  const turned = { dense: transposed(both.dense), pruned: transposed(both.pruned) };
  const groups = rowGroups(turned.dense, turned.pruned, rows, null)!;
  const matches = matchRows(turned.dense, turned.pruned, groups);
  if (pair.mayRound) matchByFactor(turned.dense, turned.pruned, groups, matches, areRounded);
  const isSure = !matches.pruned.includes(-1) && equalRows(matches).length === 0;
  return isSure ? matches.pruned : null;
}

/** The same of kernels that two programs folded, by their values without the last digits. Leaves the kernels without them, too. */
function columnsToRounding(both: Kernels): Int32Array | null {
  if (!shorten(both.dense.bits) || !shorten(both.pruned.bits)) return null;
  const columns = lookUpByValue(both.dense, both.pruned)?.columns ?? null;
  return columns?.includes(-1) ? null : columns;
}

/** Digits that folding may leave another, and some: of few values they are the ones that make the next digit another. */
const ROUNDED_BITS = 6;

function shorten(bits: Kernel['bits']): boolean {
  if (!(bits instanceof Uint32Array)) return false;
  for (let k = 0; k < bits.length; k++) bits[k] = (bits[k]! + 2 ** (ROUNDED_BITS - 1)) >>> ROUNDED_BITS;
  return true;
}

/** Rows recognized by what follows them, where that is different for each dense filter. */
function rowsByFollowers(pair: PlacePair): Int32Array | null {
  const { denseKey, prunedKey } = evidenceOf(pair);
  const filters = new Map<string, number>();
  for (let filter = 0; filter < pair.dense.filters; filter++) {
    const key = denseKey(filter);
    filters.set(key, filters.has(key) ? -1 : filter);
  }
  const rows = Int32Array.from({ length: pair.pruned.filters }, (_, p) => filters.get(prunedKey(p)) ?? -1);
  return rows.includes(-1) ? null : rows;
}

/** What is left where the channels that reach a layer are not known and its kernel does not tell them either. */
function placeByFollowers(pair: PlacePair): Placed | null {
  const assigned = rowsByFollowers(pair);
  if (assigned === null) return null;
  const detail =
    'its filters are recognized by its bias alone; which input columns its kernel kept could not be determined';
  return { outcome: { kind: 'unrecognized', detail }, assigned, misplaced: null };
}

/** @param types what is known to differ; null where the weights were changed */
function placeNearest(both: Kernels, columns: Int32Array, types: string | null): Placed | null {
  const groups = rowGroups(both.dense, both.pruned, columns, null);
  if (groups === null) return null;
  const [a, b] = [valuesOf(both.dense), valuesOf(both.pruned)];
  const found = nearestRows(a, b, groups);
  if (found === null) return null;
  const { filters, distance, margin } = found;
  const next =
    margin === Number.POSITIVE_INFINITY ? '' : `, the next dense filter is ${margin.toFixed(1)} times as far`;
  const detail = `${types ?? 'its weights are not the dense ones'}: its filters come nearest to these, at a distance of up to ${percent(distance)}${next}`;
  return { outcome: { kind: 'nearest', distance, margin, detail }, assigned: filters, misplaced: null };
}

/** Most layers have no equal rows, so that what would tell them apart is not read. */
function once<T>(read: () => T): () => T {
  let known: { readonly value: T } | null = null;
  return () => {
    known ??= { value: read() };
    return known.value;
  };
}
