import type { DType, Tensor } from '../onnx/index.ts';
import { inlineTensor, isFloat, narrowed, roundedTensor, roundingTo, toFloat64 } from '../onnx/index.ts';
import { once } from './once.ts';
import { sequence } from './range.ts';
import type { Follower, Layer, Network, Norm } from './types.ts';

/** A layer with the BatchNorm behind one of its calls multiplied in, as an exporter does it. */
export interface FoldedLayer {
  readonly layer: Layer;
  /** The bias that folding leaves. */
  readonly bias: Follower;
  /** Tensors that it takes the place of. */
  readonly replaced: readonly Tensor[];
}

/** The types of a model that was converted before BatchNorm was folded in: what its values are rounded to, and what is computed with. */
export interface Arithmetic {
  readonly values: DType;
  readonly results: DType;
}

/** The bias of a layer; undefined where it has none of its own. */
export function biasFollower(
  network: Network,
  { firstChannel, filters }: Pick<Layer, 'firstChannel' | 'filters'>,
): Follower | undefined {
  return biasesByChannel(network)
    .get(firstChannel)
    ?.find(({ channels }) => channels.length === filters);
}

/** Each layer's bias is asked for while it is folded. */
const biasesByChannel = once(({ followers }: Network): ReadonlyMap<number, readonly Follower[]> => {
  const byChannel = new Map<number, Follower[]>();
  for (const follower of followers) {
    const [first] = follower.channels;
    if (follower.role !== 'bias' || first === undefined) continue;
    const known = byChannel.get(first);
    if (known === undefined) byChannel.set(first, [follower]);
    else known.push(follower);
  }
  return byChannel;
});

/**
 * Folds the BatchNorm behind a call into a copy of the layer, in the exporters' own operations on the model's type, so that an
 * unfolded model can be compared with a folded one bit for bit.
 * @param as null for the types that the model has
 * @returns null where there is none, or the weights are no floats
 */
export function foldLayer(network: Network, layer: Layer, call = 0, as: Arithmetic | null = null): FoldedLayer | null {
  const { weight } = layer;
  const norm = layer.norms[call] ?? null;
  if (norm === null || weight === null || 'opaque' in weight || !isFloat(weight.tensor.dtype)) return null;
  const bias = biasFollower(network, layer);
  const rounded = (tensor: Tensor): Tensor => (as === null ? tensor : roundedTensor(tensor, as.values, as.results));
  const vectors = vectorsOf(norm, rounded);
  const { scale, shift, terms } = fold(vectors, bias === undefined ? null : toFloat64(rounded(bias.tensor).read()));
  const channels = sequence(layer.filters, layer.firstChannel);
  const { scale: gamma, shift: beta, statistics } = norm;
  return {
    layer: {
      ...layer,
      weight: { ...weight, tensor: rounded(weight.tensor), rowScale: scale },
      folding: { state: 'folded', evidence: 'prunegate folded it as the other model is' },
      norms: [],
    },
    bias: {
      layer: layer.name,
      role: 'bias',
      tensor: floatTensor(`folded bias of ${layer.name}`, rounded(norm.shift).dtype, shift),
      stride: 1,
      channels,
      isComputed: false,
      terms: Float32Array.from(terms),
    },
    replaced: [
      ...[gamma, beta],
      ...(statistics === null ? [] : [statistics.mean, statistics.variance]),
      ...(bias === undefined ? [] : [bias.tensor]),
    ],
  };
}

/** The network with these layers instead of its own. A layer may be there once for each of its calls. */
export function withFolded(network: Network, folded: readonly FoldedLayer[]): Network {
  if (folded.length === 0) return network;
  const instead = new Map(folded.map(({ layer }) => [layer.id, layer]));
  const dropped = new Set(folded.flatMap(({ replaced }) => replaced));
  const current = (layer: Layer): Layer => instead.get(layer.id) ?? layer;
  return {
    ...network,
    layers: network.layers.map(current),
    outputLayers: network.outputLayers.map(current),
    prunable: new Map([...network.prunable].map(([name, layer]) => [name, current(layer)])),
    followers: [...network.followers.filter(({ tensor }) => !dropped.has(tensor)), ...folded.map(({ bias }) => bias)],
  };
}

/** The network with BatchNorm folded into every convolution that it stands behind, as an exporter does by default. */
export function foldAll(network: Network): Network {
  const prunable = [...network.prunable.values()].filter((layer) => layer.calls.length === 1);
  return withFolded(
    network,
    prunable.flatMap((layer) => foldLayer(network, layer) ?? []),
  );
}

/** The bias that folding leaves of a layer without one. */
export function shiftOf(norm: Norm): Float64Array {
  return fold(vectorsOf(norm), null).shift;
}

interface Vectors {
  readonly gamma: Float64Array;
  readonly beta: Float64Array;
  /** Null where they are worked into gamma and beta. */
  readonly statistics: {
    readonly mean: Float64Array;
    readonly variance: Float64Array;
    readonly epsilon: number;
  } | null;
  /** Rounds what one operation gives to their type. */
  readonly round: (value: number) => number;
}

interface Folded {
  /** What each filter is multiplied by. */
  readonly scale: Float64Array;
  /** The new bias, and the size of what it was summed up of. */
  readonly shift: Float64Array;
  readonly terms: Float64Array;
}

/**
 * W' = W s and b' = (b - mean) s + beta with s = gamma / sqrt(var + eps), each operation rounded to the type: tf2onnx
 * (optimizer/back_to_back_optimizer.py) and the dynamo exporter (onnxscript rewriter/rules/common/_fuse_batchnorm.py) in
 * numpy, the TorchScript exporter (torch/csrc/jit/passes/onnx/eval_peephole.cpp) in ATen. Without a bias the last computes
 * beta - mean s, which is the same number: rounding is symmetric. Operations on float64, then rounded, are those on a narrower
 * type: float64 has more than twice its digits (Figueroa, When is double rounding innocuous?).
 */
function fold({ gamma, beta, statistics, round }: Vectors, bias: Float64Array | null): Folded {
  const mean = (k: number): number => statistics?.mean[k] ?? 0;
  const root = (k: number): number => round(Math.sqrt(round(statistics!.variance[k]! + round(statistics!.epsilon))));
  const scale = statistics === null ? gamma : gamma.map((g, k) => round(g / root(k)));
  const product = scale.map((s, k) => round(round((bias?.[k] ?? 0) - mean(k)) * s));
  return {
    scale,
    shift: product.map((p, k) => round(p + beta[k]!)),
    terms: scale.map((s, k) => (Math.abs(bias?.[k] ?? 0) + Math.abs(mean(k))) * Math.abs(s) + Math.abs(beta[k]!)),
  };
}

function vectorsOf({ scale, shift, statistics }: Norm, rounded = (tensor: Tensor): Tensor => tensor): Vectors {
  const valuesOf = (tensor: Tensor): Float64Array => toFloat64(rounded(tensor).read());
  return {
    gamma: valuesOf(scale),
    beta: valuesOf(shift),
    statistics:
      statistics === null
        ? null
        : {
            mean: valuesOf(statistics.mean),
            variance: valuesOf(statistics.variance),
            epsilon: statistics.epsilon,
          },
    round: roundingTo(rounded(scale).dtype),
  };
}

function floatTensor(name: string, dtype: DType, values: Float64Array): Tensor {
  const { buffer, byteOffset, byteLength } = values;
  const data = {
    dtype: 'float64' as const,
    dims: [values.length],
    bytes: new Uint8Array(buffer, byteOffset, byteLength),
  };
  return inlineTensor(name, dtype, data.dims, narrowed(data, dtype).bytes);
}
