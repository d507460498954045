import type { Tensor } from '../onnx/index.ts';
import { inlineTensor, toFloat32 } from '../onnx/index.ts';
import type { Follower, Layer, Network, Norm } from './types.ts';

/** A layer with the BatchNorm behind one of its calls multiplied in, as an exporter does it. */
export interface FoldedLayer {
  readonly layer: Layer;
  /** The bias that folding leaves. */
  readonly bias: Follower;
  /** Tensors that it takes the place of. */
  readonly replaced: readonly Tensor[];
}

/** The bias of a layer; undefined where it has none of its own. */
export function biasFollower(
  { followers }: Network,
  { firstChannel, filters }: Pick<Layer, 'firstChannel' | 'filters'>,
): Follower | undefined {
  return followers.find(
    ({ role, channels }) => role === 'bias' && channels[0] === firstChannel && channels.length === filters,
  );
}

/**
 * Folds the BatchNorm behind a call into a copy of the layer, in the exporters' own float32 operations, so that an unfolded
 * model can be compared with a folded one bit for bit.
 * @returns null where there is none, or the weights are not float32
 */
export function foldLayer(network: Network, layer: Layer, call = 0): FoldedLayer | null {
  const { weight } = layer;
  const norm = layer.norms[call] ?? null;
  if (norm === null || weight === null || 'opaque' in weight || weight.tensor.dtype !== 'float32') return null;
  const bias = biasFollower(network, layer);
  const { scale, shift, terms } = fold(vectorsOf(norm), bias === undefined ? null : toFloat32(bias.tensor.read()));
  const channels = Int32Array.from({ length: layer.filters }, (_, k) => layer.firstChannel + k);
  const { scale: gamma, shift: beta, statistics } = norm;
  return {
    layer: {
      ...layer,
      weight: { ...weight, rowScale: scale },
      folding: { state: 'folded', evidence: 'prunegate folded it as the other model is' },
      norms: [],
    },
    bias: {
      layer: layer.name,
      role: 'bias',
      tensor: floatTensor(`folded bias of ${layer.name}`, shift),
      stride: 1,
      channels,
      isComputed: false,
      terms,
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

/** The bias that folding leaves of a layer without one, and the size of what each element is summed up of. */
export function shiftOf(norm: Norm): { readonly shift: Float32Array; readonly terms: Float32Array } {
  return fold(vectorsOf(norm), null);
}

interface Vectors {
  readonly gamma: Float32Array;
  readonly beta: Float32Array;
  /** Null where they are worked into gamma and beta. */
  readonly statistics: {
    readonly mean: Float32Array;
    readonly variance: Float32Array;
    readonly epsilon: number;
  } | null;
}

interface Folded {
  /** What each filter is multiplied by. */
  readonly scale: Float32Array;
  /** The new bias, and the size of what it was summed up of. */
  readonly shift: Float32Array;
  readonly terms: Float32Array;
}

/**
 * W' = W s and b' = (b - mean) s + beta with s = gamma / sqrt(var + eps), each operation rounded to float32: tf2onnx
 * (optimizer/back_to_back_optimizer.py) and the dynamo exporter (onnxscript rewriter/rules/common/_fuse_batchnorm.py) in
 * numpy, the TorchScript exporter (torch/csrc/jit/passes/onnx/eval_peephole.cpp) in ATen. Without a bias the last computes
 * beta - mean s, which is the same number: rounding is symmetric.
 */
function fold({ gamma, beta, statistics }: Vectors, bias: Float32Array | null): Folded {
  const mean = (k: number): number => statistics?.mean[k] ?? 0;
  const scale = statistics === null ? gamma : quotients(gamma, statistics.variance, Math.fround(statistics.epsilon));
  const product = scale.map((s, k) => Math.fround((bias?.[k] ?? 0) - mean(k)) * s);
  return {
    scale,
    shift: product.map((p, k) => p + beta[k]!),
    terms: scale.map((s, k) => (Math.abs(bias?.[k] ?? 0) + Math.abs(mean(k))) * Math.abs(s) + Math.abs(beta[k]!)),
  };
}

function quotients(gamma: Float32Array, variance: Float32Array, eps: number): Float32Array {
  return gamma.map((g, k) => g / Math.fround(Math.sqrt(Math.fround(variance[k]! + eps))));
}

function vectorsOf(norm: Norm): Vectors {
  const { statistics } = norm;
  return {
    gamma: toFloat32(norm.scale.read()),
    beta: toFloat32(norm.shift.read()),
    statistics:
      statistics === null
        ? null
        : {
            mean: toFloat32(statistics.mean.read()),
            variance: toFloat32(statistics.variance.read()),
            epsilon: statistics.epsilon,
          },
  };
}

function floatTensor(name: string, values: Float32Array): Tensor {
  const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  return inlineTensor(name, 'float32', [values.length], bytes);
}
