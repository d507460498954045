import { isFloat, type OnnxNode } from '../../onnx/index.ts';
import type { Dim } from '../channels.ts';
import { channelsAt, idsAlong, isUniform, pickMap, uniformMap, withoutAxis } from '../channels.ts';
import { integerTensorOf, numbersOf } from '../constants.ts';
import type { Signal } from '../drafts.ts';
import { countOf, type Elements, elementsAt, type Integers, NOWHERE, type Numbers } from '../numbers.ts';
import { rowMajorStrides } from '../strided.ts';
import type { TensorView } from '../tensor-view.ts';
import {
  attribute,
  type Carry,
  input,
  intAttribute,
  isSignal,
  normalizeAxis,
  setOpaque,
  setOutput,
  shapeOf,
  type Walk,
} from '../walk.ts';
import { withShape } from './carry.ts';
import { type Form, listed, type NodeFacts, operation, SAME, SOME } from './form.ts';
import type { Evaluate, Operator } from './operator.ts';
import { addKernelSite, finish, isUsable, NOTHING, placeProducer, weightOf } from './producers.ts';

/** Gather with constant indices picks channels, or spatial positions. */
const gather: Carry = (walk, node) => {
  const value = input(walk, node, 0);
  const shape = shapeOf(value);
  const indices = integerTensorOf(walk, node.inputs[1]);
  if (!isSignal(value) || shape === null || indices === null) return lookUp(walk, node);
  if (indices.dims.length > 1) return isFlat(value) ? layOut(walk, node, value, indices) : lookUp(walk, node);
  const axis = normalizeAxis(intAttribute(node, 'axis', 0), shape.length);
  const isScalar = indices.dims.length === 0;
  const after = isScalar
    ? shape.filter((_, at) => at !== axis)
    : shape.map((size, at) => (at === axis ? indices.data.length : size));
  const from = walk.drafts.place(node, 'crop', walk.values);
  if (value.kind !== 'channels') return setOutput(walk, node, withShape(value, after, from));
  if (isUniform(value.map)) {
    const map = after.length === 0 ? null : isScalar ? uniformMap(value.map, after) : { ...value.map, shape: after };
    return setOutput(
      walk,
      node,
      map === null ? { kind: 'fixed', shape: after, from } : { kind: 'channels', map, from },
    );
  }
  if (value.map.axes.includes(axis)) {
    const lines = channelsAt(value.map, axis);
    const positions = within(indices.data, lines.channels.length / lines.perPosition);
    if (positions === null || (isScalar && value.map.axes.length === 1))
      return setOutput(walk, node, { kind: 'opaque', op: node.opType, shape: after, from });
    const values = indices.data as readonly number[];
    walk.sites.push({ kind: 'picks', node, operand: { input: 1 }, values, positions, isScalar, ...lines });
    const picked = pickMap(value.map, axis, positions);
    const map = !isScalar ? picked : isUniform(picked) ? uniformMap(picked, after) : withoutAxis(picked, axis);
    return setOutput(walk, node, { kind: 'channels', map, from });
  }
  const map = isScalar ? withoutAxis(value.map, axis) : { ...value.map, shape: after };
  setOutput(walk, node, { kind: 'channels', map, from });
};

/** Channels that all lie behind one another, as they do before PyTorch's as_strided. */
function isFlat(value: Signal): value is Extract<Signal, { kind: 'channels' }> {
  return value.kind === 'channels' && value.map.shape.length === 1;
}

/** Elements of a flat tensor by places of any shape, as the dynamo exporter writes as_strided behind a mean over the picture. */
function layOut(
  walk: Walk,
  node: OnnxNode,
  { map }: Extract<Signal, { kind: 'channels' }>,
  { dims, data }: Integers,
): void {
  const from = walk.drafts.place(node, 'crop', walk.values);
  const ids = idsAlong(map, 0);
  const positions = ids === null ? null : within(data, ids.length);
  if (ids === null || positions === null)
    return setOutput(walk, node, { kind: 'opaque', op: node.opType, shape: dims, from });
  walk.sites.push({ kind: 'whole', node, op: node.opType, channels: ids });
  const picked = Int32Array.from(positions, (at) => ids[at]!);
  const axes = dims.flatMap((size, axis) => (size === 1 ? [] : [axis]));
  const laid = axes.length > 0 ? { shape: dims, axes, ids: picked } : uniformMap({ ...map, ids: picked }, dims);
  setOutput(walk, node, { kind: 'channels', map: laid, from });
}

/** Rows that are looked up by indices that are computed: of a table they are an embedding, whose columns are channels. */
function lookUp(walk: Walk, node: OnnxNode): void {
  const [data, indices] = [input(walk, node, 0), input(walk, node, 1)];
  const [shape, places] = [shapeOf(data), shapeOf(indices)];
  const axis = normalizeAxis(intAttribute(node, 'axis', 0), shape?.length ?? 0);
  const isTable = data?.kind === 'constant' && data.view.dims.length === 2 && isUsable(data.view);
  if (isTable && axis === 0 && isSignal(indices) && places !== null && isFloat(data.view.tensor.dtype))
    return embed(walk, node, data.view, places);
  setOpaque(walk, node, node.opType, shape === null || places === null ? null : shape.toSpliced(axis, 1, ...places));
}

function embed(walk: Walk, node: OnnxNode, view: TensorView, places: readonly Dim[]): void {
  const [rows, width] = view.dims as readonly [number, number];
  const origin = placeProducer(walk, node, 'embedding', weightOf(node, view, 1, 0), width, 1);
  addKernelSite(walk, node, origin, {
    ...{ input: 0, view, outAxis: 1, inAxis: 0, axisOfGroup: 0, groupAttribute: null },
  });
  const outShape = [...places, width];
  finish(walk, node, NOTHING, origin, {
    ...{ axis: 0, outAxis: places.length, inTotal: rows, outShape, spatial: places.slice(1) },
  });
}

/** Positions from the start; null where one is unknown or beyond the axis, which is one for all or one for each. */
function within(positions: readonly Dim[], sizes: number | readonly number[]): readonly number[] | null {
  const found = positions.map((at, k) => positionOf(at, typeof sizes === 'number' ? sizes : sizes[k]!));
  return found.some(Number.isNaN) ? null : found;
}

/** A position from the start; NaN where it is unknown, or beyond the axis: an index is from -size to size - 1 (ai.onnx Gather). */
function positionOf(index: Dim | undefined, size: number): number {
  const at = index ?? Number.NaN;
  const position = at < 0 ? at + size : at;
  return position >= 0 && position < size ? position : Number.NaN;
}

const evaluate: Evaluate = (walk, node) => {
  const [data, indices] = [numbersOf(walk, node.inputs[0]), integerTensorOf(walk, node.inputs[1])];
  if (data === null || indices === null) return null;
  const axis = normalizeAxis(intAttribute(node, 'axis', 0), data.dims.length);
  const size = data.dims[axis];
  if (size === undefined) return [null];
  const [outer, inner] = [countOf(data.dims.slice(0, axis)), countOf(data.dims.slice(axis + 1))];
  const dims = [...data.dims.slice(0, axis), ...indices.dims, ...data.dims.slice(axis + 1)];
  if (countOf(dims) > MAX_PICKED) return [null];
  const taken = indices.data.length;
  const startOf = (block: number): number =>
    (Math.floor(block / taken) * size + positionOf(indices.data[block % taken], size)) * inner;
  return [{ dtype: data.dtype, dims, data: blocksOf(data, outer * taken, inner, startOf) }];
};

/** Blocks of `size` elements, one behind another; unknown is one whose start is NaN. */
function blocksOf(numbers: Numbers, blocks: number, size: number, startOf: (block: number) => number): Elements {
  const offsets = new Int32Array(blocks * size).fill(NOWHERE);
  for (let block = 0; block < blocks; block++) {
    const start = startOf(block);
    if (Number.isNaN(start)) continue;
    for (let k = 0; k < size; k++) offsets[block * size + k] = start + k;
  }
  return elementsAt(numbers, offsets);
}

/** Elements that are picked from what is computed with. */
const MAX_PICKED = 2 ** 16;

/** GatherND with constant indices picks positions of the first axes; channels on one of them are not followed. */
const gatherND: Carry = (walk, node) => {
  const [value, indices] = [input(walk, node, 0), integerTensorOf(walk, node.inputs[1])];
  const [shape, depth] = [shapeOf(value), indices?.dims.at(-1)];
  if (!isSignal(value) || shape === null || indices === null || depth === undefined) return setOpaque(walk, node);
  const isPlain = intAttribute(node, 'batch_dims', 0) === 0 && depth <= shape.length;
  const after = [...indices.dims.slice(0, -1), ...shape.slice(depth)];
  if (!isPlain || (value.kind === 'channels' && value.map.axes.some((axis) => axis < depth)))
    return setOpaque(walk, node, node.opType, isPlain ? after : null);
  const from = walk.drafts.place(node, 'crop', walk.values);
  if (value.kind !== 'channels') return setOutput(walk, node, withShape(value, after, from));
  const axes = value.map.axes.map((axis) => axis + indices.dims.length - 1 - depth);
  setOutput(walk, node, { kind: 'channels', map: { ...value.map, axes, shape: after }, from });
};

/** Of the channels the network says which are taken; of another axis, the positions. */
function form(facts: NodeFacts): Form {
  const { node, channelAxis } = facts;
  const [shape, taken] = [facts.shape(0), listed(facts, 1, '')];
  const axis = normalizeAxis(intAttribute(node, 'axis', 0), shape?.length ?? 0);
  if (shape === null || taken === null) return operation('Pick', { taken: null });
  const positions = taken.map((at) => (at < 0 ? at + (shape[axis] ?? Number.NaN) : at));
  if (positions.length === shape[axis] && positions.every((at, k) => at === k)) return SAME;
  if ((facts.shape(1)?.length ?? 1) > 1) return operation('Pick', { places: null });
  if (axis === channelAxis) return operation('Pick', { channels: SOME });
  const isRun = positions.every((at, k) => at === positions[0]! + k);
  const beside = channelAxis !== null && axis > channelAxis ? axis - 1 : axis;
  return operation('Pick', { [`axis ${beside}`]: isRun ? [positions[0] ?? 0, 1, positions.length] : positions });
}

/** GatherND (ai.onnx 11) without batch axes: the last axis of the indices runs over the first axes of the data. */
const evaluateND: Evaluate = (walk, node) => {
  const [data, indices] = [numbersOf(walk, node.inputs[0]), integerTensorOf(walk, node.inputs[1])];
  const depth = indices?.dims.at(-1);
  if (data === null || indices === null || depth === undefined || intAttribute(node, 'batch_dims', 0) !== 0)
    return null;
  const strides = rowMajorStrides(data.dims);
  const [outer, inner] = [indices.dims.slice(0, -1), data.dims.slice(depth)];
  const block = countOf(inner);
  if (depth > data.dims.length || countOf(outer) * block > MAX_PICKED) return [null];
  const startOf = (row: number): number =>
    data.dims
      .slice(0, depth)
      .reduce((sum, size, axis) => sum + positionOf(indices.data[row * depth + axis], size) * strides[axis]!, 0);
  return [{ dtype: data.dtype, dims: [...outer, ...inner], data: blocksOf(data, countOf(outer), block, startOf) }];
};

/** ScatterND (ai.onnx 11): blocks of the data are replaced at places, the last axis of the indices running over its first axes. */
const evaluateScatter: Evaluate = (walk, node) => {
  const [data, updates] = [numbersOf(walk, node.inputs[0]), numbersOf(walk, node.inputs[2])];
  const indices = integerTensorOf(walk, node.inputs[1]);
  const depth = indices?.dims.at(-1);
  const reduction = attribute(node, 'reduction', 'string') ?? 'none';
  if (data === null || updates === null || indices === null || depth === undefined || reduction !== 'none') return null;
  const strides = rowMajorStrides(data.dims);
  const block = countOf(data.dims.slice(depth));
  const rows = countOf(indices.dims.slice(0, -1));
  if (depth > data.dims.length || rows * block !== updates.data.length || rows * block > MAX_PICKED) return [null];
  const after = [...data.data];
  for (let row = 0; row < rows; row++) {
    const places = within(indices.data.slice(row * depth, (row + 1) * depth), data.dims);
    if (places === null) return [null];
    const from = places.reduce((sum, at, axis) => sum + at * strides[axis]!, 0);
    for (let k = 0; k < block; k++) after[from + k] = updates.data[row * block + k]!;
  }
  return [{ dtype: data.dtype, dims: data.dims, data: after }];
};

export const GATHER: Readonly<Record<string, Operator>> = {
  Gather: { carry: gather, tells: 'same', evaluate, form },
  GatherND: { carry: gatherND, evaluate: evaluateND },
  ScatterND: { carry: (walk, node) => setOpaque(walk, node), evaluate: evaluateScatter },
};
