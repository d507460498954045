import type { OnnxNode } from '../../onnx/index.ts';
import type { ChannelMap } from '../channels.ts';
import { attribute, type Carry, input, intAttribute, normalizeAxis, type Walk } from '../walk.ts';
import { passThrough } from './carry.ts';
import { type Form, type NodeFacts, operation, type Settings } from './form.ts';
import type { Operator } from './operator.ts';

/** The axes that an operator normalizes over. */
type AxesOf = (node: OnnxNode, rank: number, opset: number) => readonly number[];

/** Channels stay where they are, but where an axis of theirs is normalized over, each hangs on all of them. */
const normalizing =
  (axesOf: AxesOf, kind: 'softmax' | 'activation'): Carry =>
  (walk, node) => {
    passThrough(walk, node, kind);
    const value = input(walk, node, 0);
    if (value?.kind === 'channels' && mixes(walk, node, value.map, axesOf))
      walk.sites.push({ kind: 'mix', node, channels: value.map.ids });
  };

function mixes(walk: Walk, node: OnnxNode, { shape, axes }: ChannelMap, axesOf: AxesOf): boolean {
  const over = axesOf(node, shape.length, walk.opset);
  return axes.some((axis) => over.includes(axis));
}

/** Before ai.onnx 13 all axes from `axis` on were one. */
const softmaxAxes: AxesOf = (node, rank, opset) => {
  if (opset >= 13) return [normalizeAxis(intAttribute(node, 'axis', -1), rank)];
  const first = normalizeAxis(intAttribute(node, 'axis', 1), rank);
  return Array.from({ length: Math.max(0, rank - first) }, (_, k) => first + k);
};

const form =
  (axesOf: AxesOf, settings: (node: OnnxNode) => Settings = () => ({})) =>
  (facts: NodeFacts): Form => {
    const { node, channelAxis, opset } = facts;
    const sizes = facts.shape(0);
    if (sizes === null) return operation(node.opType, { axes: null, ...settings(node) });
    // Axes of one element, as a flattened map has them, are no other axes.
    const axes = axesOf(node, sizes.length, opset).filter((axis) => sizes[axis] !== 1);
    const beside = axes.map((axis) => (axis === channelAxis ? 'channels' : 'others'));
    return operation(node.opType, { axes: [...new Set(beside)].join(), ...settings(node) });
  };

const softmax: Operator = {
  carry: normalizing(softmaxAxes, 'softmax'),
  saturates: true,
  tells: 'all',
  form: form(softmaxAxes),
};

const normalization = (axesOf: AxesOf, settings: (node: OnnxNode) => Settings): Operator => ({
  carry: normalizing(axesOf, 'activation'),
  tells: 'same',
  form: form(axesOf, settings),
});

const float = (node: OnnxNode, name: string, fallback: number): number => attribute(node, name, 'float') ?? fallback;

export const NORMALIZING: Readonly<Record<string, Operator>> = {
  Softmax: softmax,
  LogSoftmax: softmax,
  Hardmax: softmax,
  LRN: normalization(
    () => [1],
    (node) => ({
      size: attribute(node, 'size', 'int'),
      alpha: float(node, 'alpha', Math.fround(0.0001)),
      beta: float(node, 'beta', 0.75),
      bias: float(node, 'bias', 1),
    }),
  ),
  LpNormalization: normalization(
    (node, rank) => [normalizeAxis(intAttribute(node, 'axis', -1), rank)],
    (node) => ({ p: intAttribute(node, 'p', 2) }),
  ),
  MeanVarianceNormalization: normalization(
    (node) => attribute(node, 'axes', 'ints') ?? [0, 2, 3],
    () => ({}),
  ),
};
