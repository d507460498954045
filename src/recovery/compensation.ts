import { biasFollower, FIXED_CHANNEL, type Layer, lazily, type Network } from '../network/index.ts';
import { isFloat, isHalf, roundingTo, type Tensor, toFloat32, toFloat64, unitOf } from '../onnx/index.ts';
import type { AlikePair } from './align/alike.ts';
import type { Allowed } from './allowed.ts';
import type { ChannelCorrespondence } from './correspondence.ts';
import { type Emissions, emissionsOf } from './emissions.ts';
import { ROUNDING } from './match/rounded.ts';
import type { Blame } from './misplaced.ts';

/** What became of the constants that removed channels still gave out. */
export interface Compensations {
  /** Whether a tensor of the pruned model was compared here, so that it need not be the dense one. */
  isCompared(tensor: Tensor): boolean;
  /** Layers (by dense name) that take something up. */
  readonly layers: readonly string[];
  readonly found: readonly (Blame & { readonly isOpen: boolean })[];
}

/** How far a compensated value may be off, relative to the largest compensation: pruners add up in float32. */
const TOLERANCE = 1e-5;

/**
 * Compares the biases (or running means) of layers that read removed channels with what they have to be:
 * `off[o] = sum over removed c of a_c * sum over k of W[o, c, k]` is added to the bias, or taken from the running mean, where W are
 * the dense weights and a_c is what c still gives out.
 */
export function compensationsIn(
  network: Network,
  pair: AlikePair,
  correspondence: ChannelCorrespondence,
  allowed: Allowed,
): Compensations {
  const compared = new Set<Tensor>();
  const layers: string[] = [];
  const found: (Blame & { readonly isOpen: boolean })[] = [];
  const emissions = lazily(() => emissionsOf(network));
  for (const [id, assigned] of correspondence.assigned) {
    const partner = pair.partner.get(id)!;
    if (!allowed.isCompensated(partner.name)) continue;
    const removed = removedColumns(correspondence, partner);
    if (removed.size === 0) continue;
    const off = offsetsOf(network, pair, partner, removed, emissions());
    const blame = (tensor: string, detail: string, isOpen = false): unknown =>
      found.push({ owner: id, disagreement: { tensor, consumer: null, detail }, isOpen });
    const layer = pair.pruned.layers[id]!;
    const changed = compensatedVector(pair, layer, partner, assigned);
    if (off === null) {
      blame(`bias of ${partner.name}`, 'what removed channels before it still gave out could not be computed', true);
      if (changed !== null) compared.add(changed.tensor);
      continue;
    }
    const most = assigned.reduce((size, filter) => Math.max(size, Math.abs(off[filter] ?? 0)), 0);
    if (changed === null) {
      if (most > ROUNDING * unitOf('float32') * weightOf(pair, partner)) blame(`bias of ${partner.name}`, MISSING);
      continue;
    }
    compared.add(changed.tensor);
    layers.push(partner.name);
    const wrong = assigned.findIndex((filter, p) => {
      const expected = changed.before[filter]! + changed.sign * off[filter]!;
      const allowance =
        Math.max(TOLERANCE, changed.rounding) * most +
        changed.rounding * Math.max(Math.abs(expected), changed.size(filter));
      return !(Math.abs(changed.after[p]! - expected) <= allowance);
    });
    if (wrong < 0) continue;
    const isLeft = assigned.every((filter, p) => changed.after[p] === changed.before[filter]);
    blame(
      changed.tensor.name || `bias of ${partner.name}`,
      isLeft ? MISSING : wrongDetail(changed, off, assigned, wrong),
    );
  }
  return { isCompared: (tensor) => compared.has(tensor), layers, found };
}

const MISSING = 'it holds no compensation for what removed channels before it still gave out: it is the dense one';

/** A vector of the pruned layer that takes up what is compensated. */
interface Compensated {
  readonly tensor: Tensor;
  /** By dense filter, and by pruned filter. */
  readonly before: Float64Array;
  readonly after: Float64Array;
  /** 1 for a bias, -1 for a mean, which is subtracted. */
  readonly sign: 1 | -1;
  /** How far a value may be off by rounding: to float32, or to the half precision that a model was converted to. */
  readonly rounding: number;
  /** How large the terms are that a value was summed up of. */
  readonly size: (filter: number) => number;
}

/** The running mean where that was changed, else the bias; null where there is none of them. */
function compensatedVector(pair: AlikePair, layer: Layer, partner: Layer, assigned: Int32Array): Compensated | null {
  const bias = biasFollower(pair.pruned, layer);
  const dense = biasFollower(pair.dense, partner);
  const none = new Float64Array(partner.filters);
  const rounded = (before: Tensor | undefined, after: Tensor | undefined): Float64Array | null =>
    before === undefined || after === undefined || !isFloat(before.dtype)
      ? null
      : toFloat64(before.read()).map(isHalf(after.dtype) ? roundingTo(after.dtype) : (value) => value);
  const before = dense === undefined ? none : rounded(dense.tensor, bias?.tensor);
  const ofBias: Compensated | null =
    bias === undefined || before === null || valuesOf(bias.tensor) === null
      ? null
      : {
          ...{ tensor: bias.tensor, before, after: valuesOf(bias.tensor)!, sign: 1 },
          rounding: roundingOf(bias.tensor),
          size: (filter) => dense?.terms?.[filter] ?? Math.abs(before[filter]!),
        };
  const [norm, denseNorm] = [layer.norms[0] ?? null, partner.norms[0] ?? null];
  const means =
    norm === null || denseNorm === null
      ? null
      : [
          rounded(denseNorm.statistics?.mean, norm.statistics?.mean),
          norm.statistics === null ? null : valuesOf(norm.statistics.mean),
        ];
  if (means === null || means[0] == null || means[1] == null) return ofBias;
  const ofMean: Compensated = {
    ...{ tensor: norm!.statistics!.mean, before: means[0], after: means[1], sign: -1 },
    rounding: roundingOf(norm!.statistics!.mean),
    size: (filter) => Math.abs(means[0]![filter]!),
  };
  const isChanged = ({ before: old, after }: Compensated): boolean =>
    assigned.some((filter, p) => after[p] !== old[filter]);
  return ofBias !== null && isChanged(ofBias) ? ofBias : ofMean;
}

/** Relative to the value that is added to, which is rounded to float32, folded or not, or to half precision. */
function roundingOf({ dtype }: Tensor): number {
  return ROUNDING * Math.max(unitOf(dtype), unitOf('float32'));
}

function valuesOf(tensor: Tensor): Float64Array | null {
  return isFloat(tensor.dtype) ? toFloat64(tensor.read()) : null;
}

/** The columns of a dense layer whose channels the pruned model does not have, with their channels. */
function removedColumns(correspondence: ChannelCorrespondence, { calls }: Layer): ReadonlyMap<number, number> {
  const columns = calls[0]?.columns;
  const removed = new Map<number, number>();
  if (!(columns instanceof Int32Array)) return removed;
  for (const [at, id] of columns.entries()) if (id !== FIXED_CHANNEL && correspondence.isGone(id)) removed.set(at, id);
  return removed;
}

/** What is compensated in each dense filter; null where what a channel gave out is not known. */
function offsetsOf(
  network: Network,
  pair: AlikePair,
  partner: Layer,
  removed: ReadonlyMap<number, number>,
  emissions: Emissions,
): Float64Array | null {
  const { weight, groups } = partner;
  const [read] = network.layers[partner.id]!.calls[0]?.reads ?? [];
  const given = read === undefined ? null : emissions(read);
  if (given === null || weight === null || 'opaque' in weight) return null;
  const values = toFloat32(weight.tensor.read(pair.dense.model.buffer), 'round');
  const { outCount, outStride, inCount, inStride, kernelOffsets, rowScale } = weight;
  const off = new Float64Array(outCount);
  const rows = outCount / groups;
  for (const [column, id] of removed) {
    const constant = given.get(id);
    if (constant === undefined) return null;
    if (constant === 0) continue;
    const group = Math.floor(column / inCount);
    for (let row = group * rows; row < (group + 1) * rows; row++) {
      let sum = 0;
      for (const k of kernelOffsets) sum += values[row * outStride + (column % inCount) * inStride + k]!;
      off[row]! += constant * sum * (rowScale?.[row] ?? 1);
    }
  }
  return off;
}

/** How large a layer's weights are. */
function weightOf({ dense }: AlikePair, { weight }: Layer): number {
  if (weight === null || 'opaque' in weight) return 0;
  const values = toFloat32(weight.tensor.read(dense.model.buffer), 'round');
  return values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
}

function wrongDetail({ before, after, sign }: Compensated, off: Float64Array, assigned: Int32Array, p: number): string {
  const filter = assigned[p]!;
  const expected = before[filter]! + sign * off[filter]!;
  return `its value ${p} is ${after[p]!.toPrecision(5)}, where what removed channels still gave out makes it ${expected.toPrecision(5)}`;
}
