import type { OnnxNode } from '../../onnx/index.ts';
import type { Dim } from '../channels.ts';
import { isKnown, isUniform } from '../channels.ts';
import { broadcastDims, broadcastStrides, integersOf, numbersOf } from '../constants.ts';
import type { Value } from '../drafts.ts';
import { stridedNumbers } from '../numbers.ts';
import type { TensorView } from '../tensor-view.ts';
import { type Carry, input, isSignal, setOpaque, setOutput, shapeOf, type Walk } from '../walk.ts';
import { withShape } from './carry.ts';
import { SAME } from './form.ts';
import type { Evaluate, Operator } from './operator.ts';

/** Expand (ai.onnx): broadcasting alone. Of a constant it stays a view of what is stored, which is read repeatedly. */
const expand: Carry = (walk, node) => {
  const value = input(walk, node, 0);
  const target = integersOf(walk, node.inputs[1]);
  const shape = shapeOf(value);
  if (value === null || shape === null || target === null) return setOpaque(walk, node);
  if (value.kind === 'constant') {
    const view = expandedView(value.view, target);
    return view === null ? setOpaque(walk, node) : setOutput(walk, node, { kind: 'constant', view });
  }
  if (!isSignal(value))
    return setOutput(walk, node, { kind: 'fixed', shape: expandedShape(shape, target), from: null });
  return expandSignal(walk, node, expandedShape(shape, target));
};

/**
 * Expand of one number is that number wherever it is broadcast: the dynamo exporter makes the bias of a convolution without one
 * so, when it does not optimize.
 */
function expandedView(view: TensorView, target: readonly Dim[]): TensorView | null {
  const isNumber = view.tensor.elements === 1 && target.length === 1;
  if (isNumber) return target[0] === null ? view : { tensor: view.tensor, dims: [target[0]!], strides: [0] };
  // A size that is not known, such as the batch, is left as it was: broadcasting repeats it where it is read.
  const known = target.map((size, axis) => size ?? view.dims[axis - target.length + view.dims.length] ?? 1);
  const dims = broadcastDims([view.dims, known]);
  if (dims === null) return null;
  const missing = dims.length - view.dims.length;
  const strides = dims.map((size, axis) => {
    const own = axis - missing;
    return own < 0 || (view.dims[own] === 1 && size !== 1) ? 0 : view.strides[own]!;
  });
  return { tensor: view.tensor, dims, strides };
}

function expandedShape(shape: readonly Dim[], target: readonly Dim[]): readonly Dim[] {
  const rank = Math.max(shape.length, target.length);
  const at = (sizes: readonly Dim[], axis: number): Dim => {
    const size = sizes[axis - rank + sizes.length];
    return size === undefined ? 1 : size;
  };
  return Array.from({ length: rank }, (_, axis) => {
    const [own, wanted] = [at(shape, axis), at(target, axis)];
    return own === 1 ? wanted : own === null && wanted !== 1 ? wanted : own;
  });
}

/** Batch, heads, their repetitions, tokens and channels of a head. */
export const SHARED_RANK = 5;

/** Channels stay where they are, unless an axis of one of them is repeated: then each position carries that one. */
function expandSignal(walk: Walk, node: OnnxNode, shape: readonly Dim[]): void {
  const value = input(walk, node, 0);
  if (!isSignal(value)) return setOpaque(walk, node);
  const isRepeated = repeatsHeads(value, shape);
  const from = isRepeated ? walk.drafts.place(node, 'upsample', walk.values) : value.from;
  if (value.kind !== 'channels') return setOutput(walk, node, withShape(value, shape, from));
  const { map } = value;
  const missing = shape.length - map.shape.length;
  const axes = map.axes.map((axis) => axis + missing);
  const isKept = isUniform(map) || axes.every((axis, k) => shape[axis] === map.shape[map.axes[k]!]);
  if (!isKept) return setOpaque(walk, node);
  if (isRepeated) for (const id of map.ids) walk.shared.add(id);
  addTargetSite(walk, node, shape, axes);
  setOutput(walk, node, { kind: 'channels', map: { shape, axes, ids: map.ids }, from });
}

/** Whether heads of keys that several heads of queries share come to stand as often as those. */
function repeatsHeads(value: Value, shape: readonly Dim[]): boolean {
  const before = shapeOf(value);
  return shape.length === SHARED_RANK && shape.some((size, axis) => size !== before?.[axis] && size !== null);
}

/** Entries of the target along which channels lie; a 1 stands for what the operand has. */
function addTargetSite(walk: Walk, node: OnnxNode, shape: readonly Dim[], axes: readonly number[]): void {
  const values = integersOf(walk, node.inputs[1]) ?? [];
  const missing = shape.length - values.length;
  const tensor = node.outputs[0] ?? '';
  const sizes = axes.flatMap((axis) => {
    const at = axis - missing;
    return at < 0 || values[at] === 1 || values[at] === null ? [] : [{ at, tensor, axis }];
  });
  if (sizes.length === 0) return;
  walk.sites.push({ kind: 'sizes', node, operand: { input: 1 }, values, sizes, isTarget: false, unwritten: null });
}

const evaluate: Evaluate = (walk, node) => {
  const [data, target] = [numbersOf(walk, node.inputs[0]), integersOf(walk, node.inputs[1])];
  if (data === null || target === null || !isKnown(target)) return null;
  const dims = broadcastDims([data.dims, target]);
  return dims === null || dims.reduce((n, size) => n * size, 1) > MAX_EXPANDED
    ? null
    : [stridedNumbers(data, dims, broadcastStrides(data.dims, dims))];
};

/** Numbers that are computed with are no more than these. */
const MAX_EXPANDED = 2 ** 16;

export const EXPANDING: Readonly<Record<string, Operator>> = {
  Expand: { carry: expand, role: 'layout', sort: 'expand', evaluate, form: () => SAME },
};
