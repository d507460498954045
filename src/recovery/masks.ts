import { biasFollower, type Layer, type MaskedPart, type Network, type Norm, shiftOf } from '../network/index.ts';
import { leastOf, type Tensor, toFloat64, unitOf } from '../onnx/index.ts';
import { allFilters } from '../prose/index.ts';
import type { AlikePair } from './align/alike.ts';
import { ROUNDING } from './match/rounded.ts';
import type { PlacedLayers } from './placing.ts';
import { alikeData } from './readings.ts';
import type { ZeroedFilters } from './types.ts';

/** Which layers were masked instead of cut, and how. */
export interface Masks {
  /** By pruned layer id; null for a layer that holds no filters of zeros. */
  ofLayer(id: number): ZeroedFilters | null;
  /** Channels (pruned ids) for which a tensor of the pruned model holds what the mask of its layer leaves. */
  masked(tensor: Tensor): ReadonlySet<number>;
}

const PARTS: readonly MaskedPart[] = ['weight', 'bias', 'bn'];
const CHOICES: readonly (readonly MaskedPart[])[] = Array.from({ length: 2 ** PARTS.length }, (_, bits) =>
  PARTS.filter((_part, k) => (bits >> k) & 1),
);
const NONE: ReadonlySet<number> = new Set();

/**
 * Tells of each layer of the dense one's width which filters were set to zero, and by which of its tensors: what a choice of them
 * would leave of weights, bias, gamma and beta, folded or not, is compared with what is there.
 */
export function masksOf(dense: Network, pair: AlikePair, placed: PlacedLayers['placed']): Masks {
  const byLayer = new Map<number, ZeroedFilters>();
  const masked = new Map<Tensor, Set<number>>();
  for (const [id, { assigned, zeroRows = [], outcome }] of placed) {
    const [layer, partner] = [pair.pruned.layers[id]!, pair.partner.get(id)!];
    const isWhole = layer.filters === partner.filters && assigned?.every((filter, p) => filter === p) === true;
    if (!isWhole || (outcome.kind !== 'exact' && outcome.kind !== 'rounded')) continue;
    const norms = normsOf(layer, partner);
    const filters = [...new Set([...zeroRows, ...zeroNorms(norms)])].sort((a, b) => a - b);
    if (filters.length === 0) continue;
    const vectors = { ...norms, ...biasesOf(dense, pair, layer, partner) };
    const rows = new Set(zeroRows);
    const parts = CHOICES.filter(
      (choice) => choice.length > 0 && filters.every((filter) => fits(choice, filter, rows.has(filter), vectors)),
    );
    byLayer.set(id, { filters, parts });
    if (parts.length === 0) continue;
    for (const { tensor } of [vectors.bias, vectors.scale, vectors.shift].flatMap((vector) => vector?.pruned ?? []))
      masked.set(
        tensor,
        new Set([...(masked.get(tensor) ?? []), ...filters.map((filter) => layer.firstChannel + filter)]),
      );
  }
  return { ofLayer: (id) => byLayer.get(id) ?? null, masked: (tensor) => masked.get(tensor) ?? NONE };
}

/** A vector of both models for one layer's filters. */
interface VectorPair {
  readonly dense: Float64Array;
  readonly pruned: { readonly values: Float64Array; readonly tensor: Tensor };
  /** How far rounding may set them apart. */
  readonly error: (filter: number) => number;
}

interface NormVectors {
  readonly scale: VectorPair | null;
  readonly shift: VectorPair | null;
}

interface BiasVectors {
  readonly bias: VectorPair | null;
  /** Whether BatchNorm is folded into the weights that are compared, so that a zero gamma is a row of zeros. */
  readonly isFolded: boolean;
  /** The folded bias that a layer whose own bias is zero has; null where none was folded in, or by somebody else. */
  readonly unbiased: Float64Array | null;
}

type LayerVectors = NormVectors & BiasVectors;

function normsOf({ norms: [norm = null] }: Layer, { norms: [denseNorm = null] }: Layer): NormVectors {
  return { scale: normPair(denseNorm, norm, 'scale'), shift: normPair(denseNorm, norm, 'shift') };
}

function biasesOf(network: Network, { dense, pruned, calls }: AlikePair, layer: Layer, partner: Layer): BiasVectors {
  const bias = { dense: biasFollower(dense, partner), pruned: biasFollower(pruned, layer) };
  const origin = network.layers[partner.id]!;
  const originNorm = origin.norms[calls.get(layer.id)?.[0] ?? 0] ?? null;
  const isBare = [layer, partner].every(({ norms }) => (norms[0] ?? null) === null);
  const isFolded = isBare && (originNorm !== null || origin.folding.state !== 'raw');
  const terms = bias.dense?.terms ?? bias.pruned?.terms ?? null;
  return {
    bias: pairOf(bias.dense?.tensor, bias.pruned?.tensor, terms, isFolded),
    isFolded,
    unbiased: isFolded && originNorm !== null ? shiftOf(originNorm) : null,
  };
}

function normPair(dense: Norm | null, pruned: Norm | null, part: 'scale' | 'shift'): VectorPair | null {
  return pairOf(dense?.[part], pruned?.[part], null, false);
}

function pairOf(
  dense: Tensor | undefined,
  pruned: Tensor | undefined,
  terms: Float32Array | null,
  mayRound: boolean,
): VectorPair | null {
  const [alike] = dense === undefined || pruned === undefined ? [] : alikeData(dense, pruned);
  if (alike === undefined || pruned === undefined) return null;
  const { dtype, isNarrowing } = alike.reading;
  const [before, after] = [toFloat64(alike.dense), toFloat64(alike.pruned)];
  if (before.length !== after.length) return null;
  const most = before.reduce((size, value) => Math.max(size, Math.abs(value)), 0);
  // What converters make of numbers next to 0 is not asked here.
  const tiny = isNarrowing ? 2 * leastOf(dtype) : 0;
  return {
    dense: before,
    pruned: { values: after, tensor: pruned },
    error: (filter) => Math.max(tiny, mayRound ? ROUNDING * unitOf(dtype) * (terms?.[filter] ?? most) : 0),
  };
}

/** Filters whose gamma and beta are zeros, and were not both so before. */
function zeroNorms({ scale, shift }: NormVectors): readonly number[] {
  if (scale === null || shift === null) return [];
  return allFilters(scale.dense.length).filter(
    (filter) =>
      scale.pruned.values[filter] === 0 &&
      shift.pruned.values[filter] === 0 &&
      (scale.dense[filter] !== 0 || shift.dense[filter] !== 0),
  );
}

/** Whether a filter is what setting these parts to zero leaves of it. */
function fits(parts: readonly MaskedPart[], filter: number, isZeroRow: boolean, vectors: LayerVectors): boolean {
  const { bias, scale, shift, isFolded, unbiased } = vectors;
  const has = (part: MaskedPart): boolean => parts.includes(part);
  if (isZeroRow !== (has('weight') || (isFolded && has('bn')))) return false;
  const isBnKept = (vector: VectorPair | null): boolean => isValue(vector, filter, has('bn') ? 0 : null);
  if (!isFolded) return isBnKept(scale) && isBnKept(shift) && isValue(bias, filter, has('bias') ? 0 : null);
  if (has('bn')) return isValue(bias, filter, 0);
  return isValue(bias, filter, has('bias') ? (unbiased?.[filter] ?? null) : null);
}

/** @param expected null for the dense model's own */
function isValue(vector: VectorPair | null, filter: number, expected: number | null): boolean {
  if (vector === null) return true;
  const value = expected ?? vector.dense[filter]!;
  return Math.abs(vector.pruned.values[filter]! - value) <= (expected === 0 ? 0 : vector.error(filter));
}
