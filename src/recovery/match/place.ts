import { type Layer, sequence } from '../../network/index.ts';
import { type DType, holdsOnly } from '../../onnx/index.ts';
import { percent } from '../../prose/index.ts';
import type { Assignment, ChannelCorrespondence } from '../correspondence.ts';
import { type Reading, readings } from '../readings.ts';
import { isVerified, type KernelOutcome } from '../types.ts';
import { assignRows, type EqualRows, equalRows } from './assign.ts';
import { matchByBlocks } from './by-blocks.ts';
import { matchByFactor } from './by-factor.ts';
import { columnsByValue, columnsToRounding } from './by-value.ts';
import { evidenceOf, type PlacePair, rowsByFollowers } from './evidence.ts';
import { type Kernels, readKernels, rowGroups, valuesOf } from './kernel.ts';
import { nearestRows } from './nearest.ts';
import { areRounded } from './rounded.ts';
import type { RowGroup } from './row-group.ts';
import { matchRows, nearestRow, type RowMatches } from './rows.ts';
import { areScaled } from './scaled.ts';
import { goneRows, inTheirPlaces, matchZeroRows, withoutZeroed } from './zero-rows.ts';

/** Where a layer's filters come from. */
export interface Placed {
  readonly outcome: KernelOutcome;
  readonly assigned: Assignment | null;
  /** Dense input columns, where they are not those of the channels that reach the layer. */
  readonly misplaced: Int32Array | null;
  /** How both kernels were read, where that is not as they are stored. */
  readonly as?: Reading;
  /** Which rows are equal; null where rows were not recognized by their bits. */
  readonly matches?: RowMatches;
  /** The equal rows of `matches`, where there are matches. */
  readonly equal?: readonly EqualRows[];
  /** Filters that hold nothing but zeros where the dense ones do not. */
  readonly zeroRows?: readonly number[];
  /** Whether only those columns were compared whose channels are sure, since equal rows made the others. */
  readonly isPartial?: boolean;
}

/** Dense input column of each pruned one, and which of them are compared: all where null. */
interface WiredColumns {
  readonly columns: Int32Array;
  readonly over?: Int32Array | null;
}

/** Tells which dense filters a pruned layer's are, by the bits of its rows over the input columns that remain. */
export function placeLayer(correspondence: ChannelCorrespondence, pair: PlacePair): Placed {
  const { dense: denseLayer, pruned: layer } = pair;
  const { weight: before } = denseLayer;
  const { weight: after } = layer;
  if (before === null || after === null || 'opaque' in before || 'opaque' in after)
    return fail('its weight is computed at run time');
  const columns = columnsOf(correspondence, denseLayer, layer);
  // Values that were rounded and are stored in a wider type are left to whoever has the whole kernel.
  const ways = readings(before.tensor.dtype, after.tensor.dtype, () => false);
  const inPassing = columns === null ? null : placeByBlocks(correspondence, pair, columns, ways);
  if (inPassing !== null) return inPassing;
  // Asked before kernels are read, since other weights may be read for it, once, into the same buffers.
  if (pair.mayRound) void pair.mayScale;
  const read = (as: Reading | null): Kernels | null =>
    readKernels(correspondence.dense, denseLayer, correspondence.pruned, layer, as, pair.onlooker);
  if (before.kernelOffsets.length !== after.kernelOffsets.length)
    return fail('its kernel has another size than the dense one');
  const isHeld = (dtype: DType): boolean =>
    after.rowScale === null && holdsOnly(after.tensor.read(correspondence.pruned.model.buffer), dtype);
  const certain = columns === null || !pair.mayBePartial ? null : certainColumns(correspondence, layer);
  let first: Placed | null = null;
  let as: Reading | null = null;
  for (const reading of readings(before.tensor.dtype, after.tensor.dtype, isHeld)) {
    as ??= reading;
    const found = placeByRows(() => read(reading)!, pair, { columns, certain });
    if (found === null) continue;
    if (isVerified(found.outcome, null)) return withReading(found, reading);
    first ??= withReading(found, reading);
  }
  if (first !== null) return first;
  const both = read(as);
  if (both === null) return fail('its weights are no floats');
  if (as === null) {
    const types = `its weights are ${both.pruned.dtype}, the dense ones ${both.dense.dtype}`;
    return (columns === null ? null : placeNearest(both, columns, types)) ?? fail(types);
  }
  const altered = columns === null ? null : placeRows(both, { columns }, 'many', pair);
  if (altered !== null) return { ...altered, misplaced: null };
  const placed = columns === null ? placeByFollowers(pair) : placeNearest(both, columns, null);
  return placed ?? fail(unrecognized(pair));
}

/**
 * The same of a large layer of which every filter is a dense one, rounded where the types differ, without its whole dense kernel; null where that is not so.
 * @param ways in which both may be read
 */
function placeByBlocks(
  { dense, pruned }: ChannelCorrespondence,
  pair: PlacePair,
  columns: Int32Array,
  ways: Iterable<Reading>,
): Placed | null {
  const before = { layer: pair.dense, buffer: dense.model.buffer, onlooker: pair.onlooker };
  const after = { layer: pair.pruned, buffer: pruned.model.buffer };
  const found = matchByBlocks(before, after, columns, ways);
  if (found === null) return null;
  const { matches, reading } = found;
  const equal = equalRows(matches);
  const assigned = assignRows(matches, equal, evidenceOf(pair));
  return withReading({ outcome: { kind: 'exact' }, assigned, matches, equal, misplaced: null }, reading);
}

/**
 * Places a layer of which hardly a row is not a dense one.
 * @param read reads the kernels
 * @param known the columns of the channels that reach it, and those of them that are sure, null for none
 */
function placeByRows(
  read: () => Kernels,
  pair: PlacePair,
  { columns, certain }: { readonly columns: Int32Array | null; readonly certain: Int32Array | null },
): Placed | null {
  let kernels = read();
  const asWired = columns === null ? null : placeRows(kernels, { columns }, 'few', pair);
  if (asWired !== null) return { ...asWired, misplaced: null };
  const inPart = certain === null ? null : placeRows(kernels, { columns: columns!, over: certain }, 'few', pair);
  if (inPart !== null) return { ...inPart, misplaced: null, isPartial: true };
  // No row fits the channels that reach the layer: its own values may tell which columns it kept.
  let found = columnsByValue(kernels, pair);
  if (found === null && pair.mayRound) {
    found = columnsToRounding(kernels);
    kernels = read();
  }
  const asFound = found === null ? null : placeRows(kernels, { columns: found }, 'few', pair);
  return asFound === null ? null : { ...asFound, misplaced: found };
}

/** What was found of kernels of which one was rounded, and to what. */
function withReading(placed: Placed, as: Reading): Placed {
  if (!as.isNarrowing) return placed;
  const detail = `its weights are dense ones rounded to ${as.dtype}, bit for bit`;
  return { ...placed, as, ...(placed.outcome.kind === 'exact' ? { outcome: { kind: 'exact', detail } } : {}) };
}

function fail(detail: string): Placed {
  return { outcome: { kind: 'unrecognized', detail }, assigned: null, misplaced: null };
}

function unrecognized({ dense, pruned }: PlacePair): string {
  return pruned.folding.state === dense.folding.state
    ? 'none of its filters is a dense filter'
    : `BatchNorm is ${pruned.folding.state === 'folded' ? 'folded into it' : 'not folded into it'}, unlike the dense layer`;
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
  const zeros = matchZeroRows(kernels.dense, kernels.pruned, groups, matches);
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
  // From here on the kernels may be gone: what is preferred may be found out by reading others.
  const zeroRows = zeros === null ? [] : goneRows(zeros, pair.preferred);
  const equal = equalRows(matches);
  const assigned = assignRows(matches, equal, evidenceOf(pair, inTheirPlaces(pair.chosen, zeroRows, filters)));
  const left = zeroRows.length > 0 ? withoutZeroed(matches, zeroRows) : null;
  const told = {
    assigned,
    ...(left === null ? { matches, equal } : { matches: left, equal: equalRows(left), zeroRows }),
  };
  for (const p of unmatched) assigned[p] = nearest.get(p)?.filter ?? -1;
  if (unmatched.length > 0)
    return { outcome: { kind: 'altered', detail: alteration(filters, unmatched, nearest, groups) }, ...told };
  if (scaled > 0) return { outcome: { kind: 'rounded', detail: SCALED }, ...told };
  if (rounded === 0) return { outcome: { kind: 'exact' }, ...told };
  const share = rounded === filters ? 'every filter is' : `${rounded} of its ${filters} filters are`;
  const detail = `${share} a dense filter to the rounding of ${kernels.pruned.dtype}, and no other: its BatchNorm was folded in another order of operations`;
  return { outcome: { kind: 'rounded', detail }, ...told };
}

const SCALED =
  "its filters are dense filters but for a factor each: BatchNorm's statistics were computed again before it was folded in";

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
  const { columns } = call;
  if (columns.every(isSure)) return null;
  const certain = sequence(columns.length).filter((at) => isSure(columns[at]!));
  return certain.length === 0 ? null : certain;
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
