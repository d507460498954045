import type { ReusableBuffer } from '../../../bytes/index.ts';
import {
  exportUnfolded,
  type Folding,
  filterBlocks,
  type Layer,
  type Network,
  type Onlooker,
  type Weight,
} from '../../../network/index.ts';
import { isHalf, leastOf, type TensorData, toFloat64, unitOf } from '../../../onnx/index.ts';
import { type InPassing, lookingOn, summedUp } from '../../shared/in-passing.ts';
import type { OwnStat, Unknown } from '../exploration/decision.ts';
import type { Normalizer } from '../spec.ts';
import { normsInPlace, roomForNorms } from './float32-norms.ts';
import { normalized, normsOfData, type Stat } from './importance.ts';

/** The mistake that brings people here: NVIDIA forum thread 261615. */
const NOT_THESE =
  'Norms of the folded weights are no substitute: BatchNorm scales each filter, which changes their order.';
const SAY_RAW = 'If it is not, say --folding raw (input folding).';

/** Filter norms before normalization of every prunable layer, or why a layer has none. */
export type Norms = ReadonlyMap<Layer, Stat | Unknown>;

/** How filters are measured, by their elements. */
export type Measure = (data: TensorData, weight: Weight) => Stat;

/** The pruner's own norms of weights. */
const SEEN = new WeakMap<Weight, Stat>();

/**
 * Reads the weights of every prunable layer once, but for those that were seen in passing, and keeps their filter norms.
 * @param folding overrules the folding detector
 * @param measure the pruner's own unless it is given
 */
export function readNorms(network: Network, folding: Folding | null, measure?: Measure): Norms {
  const { buffer } = network.model;
  const method = measure === undefined ? pruners(buffer) : measuring(measure, new WeakMap());
  const statOf = (weight: Weight): Stat => summedUp(weight, method, buffer);
  return new Map([...network.prunable.values()].map((layer) => [layer, normsOf(network, layer, folding, statOf)]));
}

/** Computes the pruner's own norms of the weights that others read, so that `readNorms` need not read them. */
export function normsInPassing(network: Network, folding: Folding | null): Onlooker {
  const weights = [...network.prunable.values()].map((layer) => measurable(network, layer, folding));
  return lookingOn(
    new Set(weights.filter((weight): weight is Weight => 'tensor' in weight)),
    pruners(network.model.buffer),
  );
}

function pruners(buffer: ReusableBuffer): InPassing<Stat> {
  const inPlace = normsInPlace(buffer);
  return measuring((data, block) => normsOfData(data, block, inPlace), SEEN);
}

/** Each filter is summed up alone, so that its norm is the same in any block. */
function measuring(measure: Measure, seen: WeakMap<Weight, Stat>): InPassing<Stat> {
  return {
    seen,
    room: roomForNorms,
    add: (before, weight, { first, weight: block }, data) => withBlock(before, weight, first, measure(data, block)),
  };
}

/**
 * Whether half of a layer's filters have weights, in the mean, below the least float16 that has all its digits: what they are off by is
 * then no share of their norms.
 */
function isTooSmall({ tensor: { dtype }, inCount, kernelOffsets }: Weight, { values }: Stat): boolean {
  if (!isHalf(dtype)) return false;
  const median = values.slice().sort()[values.length >> 1]!;
  return (leastOf(dtype) / 2) * Math.sqrt(inCount * kernelOffsets.length) > median * unitOf(dtype);
}

function nextToZero(name: string): Unknown {
  return {
    unknown: `the weights of ${name} lie so near to 0 that half precision keeps too few of their digits to rank by`,
    remedy: 'Export the dense model in float32; the pruned one may be in half precision.',
  };
}

/** Puts what was measured of some filters in its place among all. */
function withBlock(before: Stat | null, { outCount }: Weight, first: number, { values, error }: Stat): Stat {
  const all = before ?? {
    values: values instanceof Float32Array ? new Float32Array(outCount) : new Float64Array(outCount),
    error,
  };
  all.values.set(values, first);
  return all;
}

export type OwnStats = ReadonlyMap<Layer, OwnStat>;

/** The stats that the pruner ranks by: norms divided as the spec says. */
export function ownStats(norms: Norms, normalizer: Normalizer): OwnStats {
  return new Map(
    [...norms].map(([layer, known]) => [layer, 'unknown' in known ? known : normalized(known, normalizer)]),
  );
}

function normsOf(
  network: Network,
  layer: Layer,
  folding: Folding | null,
  measure: (weight: Weight) => Stat,
): Stat | Unknown {
  const weight = measurable(network, layer, folding);
  if ('unknown' in weight) return weight;
  const norms = measure(weight);
  if (areAllFinite(norms.values)) return isTooSmall(weight, norms) ? nextToZero(layer.name) : norms;
  const areFinite = filterBlocks(weight).every((block) =>
    areAllFinite(toFloat64(block.weight.tensor.read(network.model.buffer))),
  );
  return {
    unknown: areFinite
      ? `the squares of ${layer.name}'s weights overflow, so its norms are infinite and cannot be ranked`
      : `${layer.name} has weights that are NaN or infinite, which cannot be ranked`,
    remedy: 'Look at the training run: the dense model itself is broken.',
  };
}

function areAllFinite(values: ArrayLike<number>): boolean {
  for (let k = 0; k < values.length; k++) if (!Number.isFinite(values[k])) return false;
  return true;
}

/** A layer's weights, or why they are not those that the pruner saw. */
function measurable(
  network: Network,
  { name, weight, folding: detected }: Layer,
  folding: Folding | null,
): Weight | Unknown {
  if (weight === null || 'opaque' in weight)
    return { unknown: `the weight of ${name} is computed at run time`, remedy: null };
  const { evidence } = detected;
  const state = folding ?? detected.state;
  if (state === 'folded')
    return {
      unknown: `BatchNorm is folded into ${name} (${evidence}), so its norms are not those that the pruner saw`,
      remedy: `${exportUnfolded(network)} ${NOT_THESE}`,
    };
  if (state === 'unknown')
    return {
      unknown: `BatchNorm may be folded into ${name} (${evidence})`,
      remedy: `${SAY_RAW} ${exportUnfolded(network)}`,
    };
  return weight;
}
