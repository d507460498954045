import type { OnnxNode, Tensor } from '../../onnx/index.ts';
import { idsAlong } from '../channels.ts';
import { encoded, numbersOf } from '../constants.ts';
import type { Origin } from '../drafts.ts';
import { parameterOwner } from '../names/weighted.ts';
import { countOf } from '../numbers.ts';
import {
  attribute,
  type Carry,
  hasInput,
  input,
  intAttribute,
  isSignal,
  normalizeAxis,
  setOpaque,
  setOutput,
  shapeOf,
  type Walk,
} from '../walk.ts';
import { type Form, type NodeFacts, operation, type Settings } from './form.ts';
import type { Operator } from './operator.ts';
import { isBare } from './producers.ts';

/** BatchNormalization (ai.onnx): scale, B, mean, var of length C follow the channels of axis 1. */
const batchNorm: Carry = (walk, node) => {
  normalization(walk, node, ['scale', 'shift', 'mean', 'variance'], 1);
  const x = input(walk, node, 0);
  if (!isSignal(x) || x.kind !== 'channels') return;
  const { layer, call } = x.from.layer.biasOf ?? x.from;
  const [scale, shift, mean, variance] = [1, 2, 3, 4].map((k) => vectorOf(walk, node, k));
  if (!isBare(layer) || !scale || !shift || !mean || !variance) return;
  layer.norms[call] = {
    ...{ scale, shift },
    statistics: { mean, variance, epsilon: attribute(node, 'epsilon', 'float') ?? 1e-5 },
    output: node.outputs[0] ?? '',
  };
};

/** A stored vector, or one number that is expanded to one, as an exporter writes where there are no parameters. */
function vectorOf(walk: Walk, node: OnnxNode, k: number): Tensor | null {
  const value = input(walk, node, k);
  if (value?.kind !== 'constant') return null;
  const { tensor, dims } = value.view;
  if (tensor.elements === countOf(dims)) return tensor;
  const numbers = numbersOf(walk, node.inputs[k]);
  if (numbers === null || tensor.dtype !== 'float32') return null;
  return encoded(tensor.name, { ...numbers, dims: [numbers.data.length] });
}

/** InstanceNormalization, LayerNormalization, GroupNormalization: a scale and a shift that follow the channels. */
const instanceNorm: Carry = (walk, node) => {
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
    const vector = numbersOf(walk, node.inputs[k + 1]);
    return vector?.data.length === groups && vector.data.every((element) => element === value);
  });
  if (!isPlain) return false;
  const from = walk.drafts.place(node, 'batch-norm', walk.values);
  readBeforeReshape(walk, node, from);
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

/** Where names do not put the first reshape into the module, the module reads what that reshape does. */
function readBeforeReshape(walk: Walk, node: OnnxNode, { layer, call }: Origin): void {
  const [name = ''] = node.inputs;
  const [source = ''] = walk.makers.get(name)?.inputs ?? [];
  const before = input(walk, node, 0);
  const value = walk.values.get(source);
  const { externals } = layer.calls[call]!;
  if (value?.kind !== 'channels' || !isSignal(before) || value.from.layer !== before.from.layer) return;
  if (externals.delete(name)) externals.set(source, value.from.layer);
}

const layerNorm: Carry = (walk, node) => {
  const rank = shapeOf(input(walk, node, 0))?.length ?? 2;
  normalization(walk, node, ['scale', 'shift'], normalizeAxis(intAttribute(node, 'axis', -1), rank), true);
};

/** RMSNormalization (ai.onnx 23): a LayerNormalization without a mean, so without a shift. */
const rmsNorm: Carry = (walk, node) => {
  const rank = shapeOf(input(walk, node, 0))?.length ?? 2;
  normalization(walk, node, ['scale'], normalizeAxis(intAttribute(node, 'axis', -1), rank), true);
};

/** GroupNormalization (ai.onnx 21): channels of a group are normalized together. In ai.onnx 18 scale and shift are the groups'. */
const groupNormalization: Carry = (walk, node) => {
  const x = input(walk, node, 0);
  const groups = intAttribute(node, 'num_groups', 1);
  const ids = isSignal(x) && x.kind === 'channels' ? idsAlong(x.map, 1) : null;
  if (ids === null || walk.opset < 21) return setOpaque(walk, node);
  normalization(walk, node, ['scale', 'shift'], 1, groups < ids.length);
  const after = walk.values.get(node.outputs[0] ?? '');
  if (after?.kind === 'channels') after.from.layer.groups = groups;
};

function normalization(
  walk: Walk,
  node: OnnxNode,
  roles: readonly ('scale' | 'shift' | 'mean' | 'variance')[],
  axis: number,
  /** Whether its mean is one over all channels. */
  isMixing = false,
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
        (v === null && !hasInput(node, k + 1)) || (v?.kind === 'constant' && countOf(v.view.dims) === ids.length),
    );
  if (!understood) return setOutput(walk, node, { kind: 'opaque', op: node.opType, shape: shapeOf(x), from });
  vectors.forEach((value, k) => {
    if (value?.kind !== 'constant') return;
    const along = value.view.dims.indexOf(ids.length);
    const stride = value.view.strides[along] ?? 1;
    walk.sites.push(
      along < 0
        ? { kind: 'whole', node, op: node.opType, channels: ids }
        : { kind: 'vector', node, input: k + 1, view: value.view, axis: along, channels: ids },
    );
    // One number for all channels follows none of them.
    if (stride === 0 && ids.length > 1) return;
    walk.followers.push({
      layer: from.layer.name,
      role: roles[k]!,
      tensor: value.view.tensor,
      stride: Math.max(1, stride),
      channels: ids,
      isComputed: false,
    });
  });
  if (isMixing) walk.sites.push({ kind: 'mix', node, channels: ids });
  setOutput(walk, node, { kind: 'channels', map: x.map, from });
}

/** Its vectors follow channels, and are compared as such; what is left is the number that keeps a division finite. */
const form =
  (settings: (facts: NodeFacts) => Settings = () => ({})) =>
  (facts: NodeFacts): Form =>
    operation(facts.node.opType, {
      epsilon: attribute(facts.node, 'epsilon', 'float') ?? Math.fround(1e-5),
      ...settings(facts),
    });

/** Axes that are normalized over together, counted from the last, so that it does not matter where the channels lie. */
const over = ({ node, shape }: NodeFacts): Settings => {
  const rank = shape(0)?.length ?? null;
  const axis = intAttribute(node, 'axis', -1);
  return { axes: rank === null && axis >= 0 ? null : axis < 0 ? -axis : rank! - axis };
};

export const NORMALIZATIONS: Readonly<Record<string, Operator>> = {
  BatchNormalization: { carry: batchNorm, sort: 'batch-norm', isAffine: true, form: form() },
  InstanceNormalization: { carry: instanceNorm, sort: 'instance-norm', tells: 'settings', form: form() },
  LayerNormalization: { carry: layerNorm, sort: 'layer-norm', tells: 'settings', form: form(over) },
  RMSNormalization: { carry: rmsNorm, tells: 'settings', form: form(over) },
  GroupNormalization: {
    carry: groupNormalization,
    tells: 'same',
    form: form(({ node }) => ({ groups: intAttribute(node, 'num_groups', 1) })),
  },
};
