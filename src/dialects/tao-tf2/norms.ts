import type { Folding, Layer, Network } from '../../network/index.ts';
import type { OwnStat, Unknown } from './exploration.ts';
import { type NormsInPlace, normsInPlace } from './float32-norms.ts';
import { filterNorms, normalized, type Stat } from './importance.ts';
import type { Normalizer } from './spec.ts';

const UNFOLD =
  'Export the dense model without folding (tf2onnx without its remove_back_to_back optimizer; PyTorch with do_constant_folding=False and dynamo=False).';
const SAY_RAW = 'If it is not, say --folding raw (input folding).';

/** Filter norms before normalization of every prunable layer, or why a layer has none. */
export type Norms = ReadonlyMap<Layer, Stat | Unknown>;

/**
 * Reads the weights of every prunable layer once and keeps their filter norms.
 * @param folding overrules the folding detector
 */
export function readNorms(network: Network, folding: Folding | null): Norms {
  const inPlace = normsInPlace(network.file.buffer);
  return new Map([...network.prunable.values()].map((layer) => [layer, normsOf(network, layer, folding, inPlace)]));
}

/** The stats that the pruner ranks by: norms divided as the spec says. */
export function ownStats(norms: Norms, normalizer: Normalizer): ReadonlyMap<Layer, OwnStat> {
  return new Map(
    [...norms].map(([layer, known]) => [layer, 'unknown' in known ? known : normalized(known, normalizer)]),
  );
}

function normsOf(
  network: Network,
  layer: Layer,
  folding: Folding | null,
  inPlace: NormsInPlace | null,
): Stat | Unknown {
  const { weight } = layer;
  if (weight === null || 'opaque' in weight)
    return { unknown: `the weight of ${layer.name} is computed at run time`, remedy: null };
  const { evidence } = layer.folding;
  const state = folding ?? layer.folding.state;
  if (state === 'folded')
    return {
      unknown: `BatchNorm is folded into ${layer.name} (${evidence}), so its norms are not those that the pruner saw`,
      remedy: UNFOLD,
    };
  if (state === 'unknown')
    return { unknown: `BatchNorm may be folded into ${layer.name} (${evidence})`, remedy: SAY_RAW };
  const norms = filterNorms(network.file, weight, inPlace);
  if (norms.values.every(Number.isFinite)) return norms;
  return {
    unknown: `${layer.name} has weights that are NaN or infinite, which cannot be ranked`,
    remedy: 'Look at the training run: the dense model itself is broken.',
  };
}
