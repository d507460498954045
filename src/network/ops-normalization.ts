import type { OnnxNode, Tensor } from '../onnx/index.ts';
import { toFloat32 } from '../onnx/index.ts';
import { idsAlong } from './channels.ts';
import type { Value } from './drafts.ts';
import type { Handler, Walk } from './walk.ts';
import { attribute, hasInput, input, isSignal, normalizeAxis, setOpaque, setOutput, shapeOf } from './walk.ts';
import { parameterOwner } from './weighted-names.ts';

/** Operators into which exporters fold the BatchNorm behind them. */
const FOLDABLE = new Set(['Conv', 'ConvTranspose', 'Gemm', 'MatMul']);

/** BatchNormalization (ai.onnx): scale, B, mean, var of length C follow the channels of axis 1. */
export const batchNorm: Handler = (walk, node) => {
  normalization(walk, node, ['scale', 'shift', 'mean', 'variance'], 1);
  const x = input(walk, node, 0);
  if (!isSignal(x) || x.kind !== 'channels') return;
  const { layer, call } = x.from.layer.biasOf ?? x.from;
  const isBare = layer.parts.every(({ op }) => FOLDABLE.has(op) || op === 'Add') && layer.weight !== null;
  const [scale, shift, mean, variance] = [1, 2, 3, 4].map((k) => constantTensorOf(input(walk, node, k)));
  if (!isBare || !scale || !shift || !mean || !variance) return;
  layer.norms[call] = { scale, shift, mean, variance, epsilon: attribute(node, 'epsilon', 'float') ?? 1e-5 };
};

function constantTensorOf(value: Value | null): Tensor | null {
  return value?.kind === 'constant' ? value.view.tensor : null;
}

/** InstanceNormalization, LayerNormalization, GroupNormalization: a scale and a shift that follow the channels. */
export const instanceNorm: Handler = (walk, node) => {
  if (!groupNorm(walk, node)) normalization(walk, node, ['scale', 'shift'], 1);
};

/**
 * PyTorch writes GroupNorm as an instance normalization of [N, groups, rest] between two reshapes, with a scale and a shift
 * of ones and zeros for each group: channels stay where they are, and those of one group are normalized together.
 */
function groupNorm(walk: Walk, node: OnnxNode): boolean {
  const x = input(walk, node, 0);
  if (!isSignal(x) || x.kind !== 'channels' || !x.map.axes.includes(1)) return false;
  const groups = x.map.shape[1] ?? 0;
  const isPlain = [1, 0].every((value, k) => {
    const vector = constantTensorOf(input(walk, node, k + 1));
    return vector?.elements === groups && vector.dtype === 'float32' && isAll(vector, value);
  });
  if (!isPlain) return false;
  const from = walk.drafts.place(node, 'batch-norm', walk.values);
  // Groups of one channel look like no groups at all.
  const channels = idsAlong(x.map, 1);
  if (channels === null) {
    from.layer.groups = groups;
    walk.sites.push({ kind: 'mix', node, channels: x.map.ids });
  } else
    for (const k of [1, 2]) {
      const value = input(walk, node, k);
      if (value?.kind === 'constant')
        walk.sites.push({ kind: 'vector', node, input: k, view: value.view, axis: 0, channels });
    }
  setOutput(walk, node, { kind: 'channels', map: x.map, from });
  return true;
}

function isAll(tensor: Tensor, value: number): boolean {
  return toFloat32(tensor.read()).every((element) => element === value);
}

export const layerNorm: Handler = (walk, node) => {
  const rank = shapeOf(input(walk, node, 0))?.length ?? 2;
  normalization(walk, node, ['scale', 'shift'], normalizeAxis(attribute(node, 'axis', 'int') ?? -1, rank));
};

function normalization(
  walk: Walk,
  node: OnnxNode,
  roles: readonly ('scale' | 'shift' | 'mean' | 'variance')[],
  axis: number,
): void {
  const x = input(walk, node, 0);
  if (!isSignal(x)) return setOpaque(walk, node);
  const from = walk.drafts.place(node, 'batch-norm', walk.values, { name: parameterOwner(walk, node.inputs[1]) });
  if (x.kind === 'opaque') return setOutput(walk, node, { ...x, from });
  if (x.kind === 'fixed') return setOutput(walk, node, { kind: 'fixed', shape: x.shape, from });
  const ids = x.kind === 'channels' ? idsAlong(x.map, axis) : null;
  const vectors = roles.map((_, k) => input(walk, node, k + 1));
  const understood =
    x.kind === 'channels' &&
    ids !== null &&
    vectors.every(
      (v, k) =>
        (v === null && !hasInput(node, k + 1)) || (v?.kind === 'constant' && v.view.tensor.elements === ids.length),
    );
  if (!understood) return setOutput(walk, node, { kind: 'opaque', op: node.opType, shape: shapeOf(x), from });
  vectors.forEach((value, k) => {
    if (value?.kind !== 'constant') return;
    const along = value.view.dims.indexOf(ids.length);
    walk.sites.push(
      along < 0
        ? { kind: 'whole', node, op: node.opType, channels: ids }
        : { kind: 'vector', node, input: k + 1, view: value.view, axis: along, channels: ids },
    );
    walk.followers.push({
      layer: from.layer.name,
      role: roles[k]!,
      tensor: value.view.tensor,
      stride: 1,
      channels: ids,
      isComputed: false,
    });
  });
  // LayerNormalization's mean is one over all channels.
  if (node.opType === 'LayerNormalization') walk.sites.push({ kind: 'mix', node, channels: ids });
  setOutput(walk, node, { kind: 'channels', map: x.map, from });
}
