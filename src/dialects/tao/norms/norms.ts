import type { ReusableBuffer } from '../../../bytes/index.ts';
import {
  exportUnfolded,
  type Folding,
  filterBlocks,
  type Layer,
  type Network,
  type Weight,
} from '../../../network/index.ts';
import { toFloat64 } from '../../../onnx/index.ts';
import type { OwnStat, Unknown } from '../exploration/decision.ts';
import type { Normalizer } from '../spec.ts';
import { normsInPlace } from './float32-norms.ts';
import { filterNorms, normalized, type Stat } from './importance.ts';

/** The mistake that brings people here: NVIDIA forum thread 261615. */
const NOT_THESE =
  'Norms of the folded weights are no substitute: BatchNorm scales each filter, which changes their order.';
const SAY_RAW = 'If it is not, say --folding raw (input folding).';

/** Filter norms before normalization of every prunable layer, or why a layer has none. */
export type Norms = ReadonlyMap<Layer, Stat | Unknown>;

/** How filters are measured. */
export type Measure = (weight: Weight, buffer: ReusableBuffer) => Stat;

/**
 * Reads the weights of every prunable layer once and keeps their filter norms.
 * @param folding overrules the folding detector
 * @param measure the pruner's own unless it is given
 */
export function readNorms(network: Network, folding: Folding | null, measure?: Measure): Norms {
  const inPlace = measure === undefined ? normsInPlace(network.model.buffer) : null;
  const measured: Measure = measure ?? ((weight, buffer) => filterNorms(weight, buffer, inPlace));
  return new Map([...network.prunable.values()].map((layer) => [layer, normsOf(network, layer, folding, measured)]));
}

export type OwnStats = ReadonlyMap<Layer, OwnStat>;

/** The stats that the pruner ranks by: norms divided as the spec says. */
export function ownStats(norms: Norms, normalizer: Normalizer): OwnStats {
  return new Map(
    [...norms].map(([layer, known]) => [layer, 'unknown' in known ? known : normalized(known, normalizer)]),
  );
}

function normsOf(network: Network, layer: Layer, folding: Folding | null, measure: Measure): Stat | Unknown {
  const { weight } = layer;
  if (weight === null || 'opaque' in weight)
    return { unknown: `the weight of ${layer.name} is computed at run time`, remedy: null };
  const { evidence } = layer.folding;
  const state = folding ?? layer.folding.state;
  if (state === 'folded')
    return {
      unknown: `BatchNorm is folded into ${layer.name} (${evidence}), so its norms are not those that the pruner saw`,
      remedy: `${exportUnfolded(network)} ${NOT_THESE}`,
    };
  if (state === 'unknown')
    return {
      unknown: `BatchNorm may be folded into ${layer.name} (${evidence})`,
      remedy: `${SAY_RAW} ${exportUnfolded(network)}`,
    };
  const { buffer } = network.model;
  const norms = byBlocks(weight, (block) => measure(block, buffer));
  if (norms.values.every(Number.isFinite)) return norms;
  const areFinite = filterBlocks(weight).every((block) =>
    toFloat64(block.weight.tensor.read(buffer)).every(Number.isFinite),
  );
  return {
    unknown: areFinite
      ? `the squares of ${layer.name}'s weights overflow, so its norms are infinite and cannot be ranked`
      : `${layer.name} has weights that are NaN or infinite, which cannot be ranked`,
    remedy: 'Look at the training run: the dense model itself is broken.',
  };
}

/** Measures filters block by block: each is summed up alone, so that it is the same. */
function byBlocks(weight: Weight, measure: (block: Weight) => Stat): Stat {
  const [one, ...others] = filterBlocks(weight);
  const { values, error } = measure(one!.weight);
  if (others.length === 0) return { values, error };
  const all = values instanceof Float32Array ? new Float32Array(weight.outCount) : new Float64Array(weight.outCount);
  all.set(values);
  for (const { first, weight: block } of others) all.set(measure(block).values, first);
  return { values: all, error };
}
