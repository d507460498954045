import {
  type FoldedLayer,
  type Follower,
  firstPlace,
  foldLayer,
  type Layer,
  type Network,
  type Norm,
} from '../../network/index.ts';
import { isFloat, isHalf, type Tensor, toFloat32, unitOf } from '../../onnx/index.ts';

/** A call of a layer in its network. */
export interface Site {
  readonly network: Network;
  readonly layer: Layer;
  readonly call: number;
}

/** Relative difference within which two exporters fold one BatchNorm. */
const ROUNDING = 2 ** -18;
/** And in units of half precision, where a model was converted before or after. */
const HALF_UNITS = 4;
/** Kernel elements of the pruned layer that are looked for. */
const SAMPLES = 64;

/**
 * Whether a pruned layer's values are among a dense layer's, so that it could be cut from it, without knowing which filters and
 * columns it kept. BatchNorm is folded where one side alone has it.
 */
export function couldBe(dense: Site, pruned: Site): boolean {
  const [a, b] = folded(dense, pruned);
  const rounding = Math.max(a.rounding, b.rounding);
  let isTelling = false;
  for (const [role, vectors] of b.vectors) {
    const candidates = a.vectors.get(role);
    if (candidates === undefined) continue;
    // A shared layer has a BatchNorm for each call.
    if (!vectors.some((vector) => candidates.some((candidate) => isAmong(vector, candidate, rounding)))) return false;
    if (vectors.some((vector) => new Set(vector).size * 2 > vector.length && vector.length > 2)) isTelling = true;
  }
  return isTelling || hasSamples(a, b, rounding);
}

interface Values {
  readonly network: Network;
  readonly layer: Layer;
  /** What follows the layer's own channels, by role. */
  readonly vectors: ReadonlyMap<string, readonly Float32Array[]>;
  /** Relative difference that its types leave between values that are the same. */
  readonly rounding: number;
}

function folded(dense: Site, pruned: Site): readonly [Values, Values] {
  const fold = (site: Site, other: Site): FoldedLayer | null =>
    (site.layer.norms[site.call] ?? null) !== null && (other.layer.norms[other.call] ?? null) === null
      ? foldLayer(site.network, site.layer, site.call)
      : null;
  return [valuesOf(dense, fold(dense, pruned)), valuesOf(pruned, fold(pruned, dense))];
}

function valuesOf({ network, layer, call }: Site, fold: FoldedLayer | null): Values {
  // Of a shared layer, the BatchNorm behind the other calls is another's.
  const others = new Set(layer.norms.flatMap((norm, k) => (norm === null || k === call ? [] : vectorsIn(norm))));
  const isOfCall = (follower: Follower): boolean => isOwn(layer, follower) && !others.has(follower.tensor);
  const followers = fold === null ? network.followers.filter(isOfCall) : [fold.bias];
  const vectors = new Map<string, Float32Array[]>();
  const { weight } = fold?.layer ?? layer;
  let rounding = weight === null || 'opaque' in weight ? ROUNDING : roundingOf(weight.tensor);
  for (const { role, tensor } of followers) {
    if (!isFloat(tensor.dtype)) continue;
    rounding = Math.max(rounding, roundingOf(tensor));
    vectors.set(role, [...(vectors.get(role) ?? []), toFloat32(tensor.read(), 'round')]);
  }
  return { network, layer: fold?.layer ?? layer, vectors, rounding };
}

function roundingOf({ dtype }: Tensor): number {
  return isHalf(dtype) ? HALF_UNITS * unitOf(dtype) : ROUNDING;
}

function vectorsIn({ scale, shift, statistics }: Norm): readonly Tensor[] {
  return [scale, shift, ...(statistics === null ? [] : [statistics.mean, statistics.variance])];
}

function isOwn({ firstChannel, filters }: Layer, { channels }: Follower): boolean {
  return (
    channels.length === filters && channels[0] === firstChannel && channels[filters - 1] === firstChannel + filters - 1
  );
}

/** Whether each of the values is one of the others, up to rounding. */
function isAmong(values: Float32Array, others: Float32Array, rounding: number): boolean {
  const sorted = others.toSorted();
  const most = sorted.reduce((size, value) => Math.max(size, Math.abs(value)), 0);
  // A mask leaves zeros.
  return values.every((value) => value === 0 || Math.abs(nearest(sorted, value) - value) <= rounding * most);
}

/** The value of an ascending list that is nearest to one. */
function nearest(sorted: Float32Array, value: number): number {
  const at = firstPlace(sorted.length - 1, (place) => sorted[place]! < value);
  const [below, above] = [sorted[at - 1] ?? Number.NaN, sorted[at] ?? Number.NaN];
  return Math.abs(below - value) < Math.abs(above - value) ? below : above;
}

/** Whether elements from all over the pruned kernel are elements of the dense one. */
function hasSamples(dense: Values, pruned: Values, rounding: number): boolean {
  const samples = kernelOf(pruned)?.filter((_, k, all) => k % Math.ceil(all.length / SAMPLES) === 0);
  if (samples === undefined) return false;
  const wanted = samples.toSorted();
  const found = new Set<number>();
  for (const value of kernelOf(dense) ?? []) {
    const near = nearest(wanted, value);
    if (Math.abs(near - value) <= rounding * Math.abs(value)) found.add(near);
  }
  return wanted.every((value) => value === 0 || found.has(value));
}

/** A layer's kernel in one row after another; it lasts until the next one of its file is read. */
function kernelOf({ network, layer }: Values): Float32Array | undefined {
  const { weight } = layer;
  if (weight === null || 'opaque' in weight) return undefined;
  const data = weight.tensor.read(network.model.buffer);
  const values = toFloat32(data, 'round');
  const { rowScale, outStride, outCount } = weight;
  if (rowScale === null) return values;
  return values.map((value, k) => value * rowScale[Math.floor(k / outStride) % outCount]!);
}
