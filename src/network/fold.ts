import type { OnnxTensor } from '../onnx/index.ts';
import { toFloat32 } from '../onnx/index.ts';
import type { Follower, Layer, Network, Norm } from './types.ts';

/**
 * The dense network with BatchNorm folded into those convolutions that the pruned network has folded, in the exporter's own
 * float32 operations, so that an unfolded dense model can be held against a folded pruned one bit for bit.
 */
export function foldLike(dense: Network, pruned: Network): Network {
  const { name } = pruned.file.model.producer;
  return foldWhere(
    dense,
    (layer) => (name === 'pytorch' && !isFoldedByNumpy(pruned.prunable.get(layer.name)) ? foldTorch : foldNumpy),
    (layer) => pruned.prunable.get(layer.name)?.folding.state === 'folded',
  );
}

/** torch.onnx's dynamo exporter leaves the folding to onnxscript, which keeps the weight's name; TorchScript loses it. */
function isFoldedByNumpy(layer: Layer | undefined): boolean {
  const weight = layer?.weight ?? null;
  return weight !== null && 'tensor' in weight && /\.weight$/.test(weight.tensor.name);
}

/** The network with BatchNorm folded into every convolution that it stands behind, as an exporter does by default. */
export function foldAll(network: Network): Network {
  return foldWhere(
    network,
    () => foldNumpy,
    () => true,
  );
}

function foldWhere(
  dense: Network,
  operationsOf: (layer: Layer) => typeof foldNumpy,
  isFolded: (layer: Layer) => boolean,
): Network {
  const replaced = new Map<Layer, Layer>();
  const dropped = new Set<OnnxTensor>();
  const added: Follower[] = [];
  for (const layer of dense.prunable.values()) {
    const { weight, norm } = layer;
    if (!isFolded(layer) || norm === null || weight === null || 'opaque' in weight || weight.tensor.dtype !== 'float32')
      continue;
    const bias = dense.followers.find(
      ({ role, channels }) =>
        role === 'bias' && channels[0] === layer.firstChannel && channels.length === layer.filters,
    );
    const { scale, shift, error } = operationsOf(layer)(
      vectorsOf(dense, norm),
      bias === undefined ? null : floats(dense, bias.tensor),
    );
    replaced.set(layer, {
      ...layer,
      weight: { ...weight, rowScale: scale, rowScaleError: error },
      folding: { state: 'folded', evidence: 'prunegate folded it as the pruned model is' },
      norm: null,
    });
    for (const tensor of [norm.scale, norm.shift, norm.mean, norm.variance]) dropped.add(tensor);
    if (bias !== undefined) dropped.add(bias.tensor);
    const channels = Int32Array.from({ length: layer.filters }, (_, k) => layer.firstChannel + k);
    added.push({
      layer: layer.name,
      role: 'bias',
      tensor: inlineTensor(`folded bias of ${layer.name}`, shift),
      stride: 1,
      channels,
      isComputed: error > 0,
    });
  }
  if (replaced.size === 0) return dense;
  const current = (layer: Layer): Layer => replaced.get(layer) ?? layer;
  return {
    ...dense,
    layers: dense.layers.map(current),
    outputLayers: dense.outputLayers.map(current),
    prunable: new Map([...dense.prunable].map(([name, layer]) => [name, current(layer)])),
    followers: [...dense.followers.filter(({ tensor }) => !dropped.has(tensor)), ...added],
  };
}

interface Vectors {
  readonly gamma: Float32Array;
  readonly beta: Float32Array;
  readonly mean: Float32Array;
  readonly variance: Float32Array;
  readonly epsilon: number;
}

interface Folded {
  /** What each filter is multiplied by. */
  readonly scale: Float32Array;
  /** The new bias. */
  readonly shift: Float32Array;
  /** Units in the last place by which the exporter's own scale may differ. */
  readonly error: number;
}

/**
 * tf2onnx/optimizer/back_to_back_optimizer.py and onnxscript/rewriter/rules/common/_fuse_batchnorm.py: W' = W s,
 * b' = (b - mean) s + beta with s = gamma / sqrt(var + eps), numpy float32.
 */
function foldNumpy({ gamma, beta, mean, variance, epsilon }: Vectors, bias: Float32Array | null): Folded {
  const scale = scaleOf(gamma, variance, epsilon);
  const shift = scale.map((s, k) => Math.fround(Math.fround(Math.fround((bias?.[k] ?? 0) - mean[k]!) * s) + beta[k]!));
  return { scale, shift, error: 0 };
}

/**
 * PyTorch's square root comes from MKL, which rounds one in six otherwise than IEEE 754 on some processors: the quotient
 * differs by up to two units (torch 2.13, 140,000 values).
 */
const TORCH_SCALE_ERROR = 2;

/** torch/csrc/jit/passes/onnx/eval_peephole.cpp: without a bias b' = beta - mean s, a different order of operations. */
function foldTorch(vectors: Vectors, bias: Float32Array | null): Folded {
  const error = TORCH_SCALE_ERROR;
  if (bias !== null) return { ...foldNumpy(vectors, bias), error };
  const { gamma, beta, mean, variance, epsilon } = vectors;
  const scale = scaleOf(gamma, variance, epsilon);
  return { scale, shift: scale.map((s, k) => Math.fround(beta[k]! - Math.fround(mean[k]! * s))), error };
}

function scaleOf(gamma: Float32Array, variance: Float32Array, epsilon: number): Float32Array {
  const eps = Math.fround(epsilon);
  return gamma.map((g, k) => g / Math.fround(Math.sqrt(Math.fround(variance[k]! + eps))));
}

function vectorsOf(network: Network, norm: Norm): Vectors {
  return {
    gamma: floats(network, norm.scale),
    beta: floats(network, norm.shift),
    mean: floats(network, norm.mean),
    variance: floats(network, norm.variance),
    epsilon: norm.epsilon,
  };
}

function floats(network: Network, tensor: OnnxTensor): Float32Array {
  return toFloat32(network.file.readTensor(tensor));
}

function inlineTensor(name: string, values: Float32Array): OnnxTensor {
  const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  return { name, dtype: 'float32', dims: [values.length], elements: values.length, storage: { kind: 'inline', bytes } };
}
