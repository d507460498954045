import type { OnnxNode } from '../../onnx/index.ts';
import { someRows } from '../assembled.ts';
import type { Dim } from '../channels.ts';
import { alongAxis, type ChannelMap, idsAlong, isUniform, pickMap } from '../channels.ts';
import { integerList, integersOf, integerTensorOf } from '../constants.ts';
import type { Signal, Value } from '../drafts.ts';
import { vector } from '../numbers.ts';
import type { TensorView } from '../tensor-view.ts';
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
import { withShape } from './carry.ts';
import { type Form, type NodeFacts, operation, SAME, SOME } from './form.ts';
import type { Evaluate, Operator } from './operator.ts';

/** Split: each output takes its run of channels. */
const split: Carry = (walk, node) => {
  const value = input(walk, node, 0);
  const shape = shapeOf(value);
  if (value?.kind === 'constant') return splitConstant(walk, node, value.view);
  if (!isSignal(value) || shape === null) return setOpaque(walk, node);
  const axis = normalizeAxis(intAttribute(node, 'axis', 0), shape.length);
  const size = shape[axis] ?? null;
  const sizes = splitSizes(walk, node, size);
  const overChannels = hasChannelsAlong(value, axis);
  const isWhole = sizes !== null && size !== null && sizes.reduce((n, part) => n + part, 0) === size;
  if (overChannels && !isWhole) return setOpaque(walk, node);
  const ids = overChannels ? idsAlong(value.map, axis) : null;
  const from = walk.drafts.place(node, 'crop', walk.values, isUnbind(walk, node, sizes) ? { op: 'Unbind' } : {});
  if (overChannels && sizes !== null) addSplitSite(walk, node, ids, sizes, axis);
  let offset = 0;
  for (const k of node.outputs.keys()) {
    const length = sizes?.[k] ?? null;
    setOutput(walk, node, partOf({ ...value, from }, axis, ids, offset, length), k);
    offset += length ?? 0;
  }
};

/**
 * A run of positions of a value.
 * @param ids channels along the axis, where they lie along it alone
 * @param length null where it is not known, of an axis without channels
 */
function partOf(value: Signal, axis: number, ids: Int32Array | null, first: number, length: Dim): Value {
  const shape = shapeOf(value)!.with(axis, length);
  const { from } = value;
  if (value.kind !== 'channels') return withShape(value, shape, from);
  const { map } = value;
  const isOverChannels = hasChannelsAlong(value, axis);
  return { kind: 'channels', map: isOverChannels ? run(map, ids, axis, first, length!) : { ...map, shape }, from };
}

/** Whether its parts along an axis carry different channels. */
function hasChannelsAlong(value: Signal, axis: number): value is Extract<Signal, { kind: 'channels' }> {
  return value.kind === 'channels' && !isUniform(value.map) && value.map.axes.includes(axis);
}

/** Rows of a constant that is too large to be computed with: queries, keys and values of a packed parameter. */
function splitConstant(walk: Walk, node: OnnxNode, view: TensorView): void {
  const axis = normalizeAxis(intAttribute(node, 'axis', 0), view.dims.length);
  const sizes = splitSizes(walk, node, view.dims[axis] ?? null);
  if (axis !== 0 || sizes === null) return setOpaque(walk, node);
  let first = 0;
  for (const [k, size] of sizes.entries()) {
    const rows = someRows(node.outputs[k] ?? '', view, first, size);
    setOutput(
      walk,
      node,
      rows === null ? { kind: 'fixed', shape: null, from: null } : { kind: 'constant', view: rows },
      k,
    );
    first += size;
  }
}

/**
 * SplitToSequence (ai.onnx 11), as the dynamo exporter writes split() and chunk() before it optimizes. A sequence of parts is what it is
 * of: whoever takes a part looks for how it was split.
 */
const splitToSequence: Carry = (walk, node) => {
  const value = input(walk, node, 0);
  if (value?.kind === 'constant') return setOutput(walk, node, value);
  const shape = shapeOf(value);
  const parts = partsIn(walk, node, shape);
  if (!isSignal(value) || shape === null || parts === null) return setOpaque(walk, node);
  const { axis, sizes } = parts;
  const isOverChannels = hasChannelsAlong(value, axis);
  const ids = isOverChannels ? idsAlong(value.map, axis) : null;
  // What is left of channels that lie along several axes is measured by tensors, of which a sequence is none.
  if (isOverChannels && ids === null) return setOpaque(walk, node);
  const from = walk.drafts.place(node, 'crop', walk.values, { op: 'Split' });
  if (ids !== null) addSplitSite(walk, node, ids, sizes, axis);
  setOutput(walk, node, { ...value, from });
};

/** SequenceAt (ai.onnx 11) of a SplitToSequence: one part of a tensor, or of a packed parameter. */
const sequenceAt: Carry = (walk, node) => {
  const value = input(walk, node, 0);
  const split = walk.makers.get(node.inputs[0] ?? '');
  const parts = split?.opType === 'SplitToSequence' ? partsIn(walk, split, shapeOf(value)) : null;
  const at = integersOf(walk, node.inputs[1])?.[0] ?? null;
  if (value === null || parts === null || at === null) return setOpaque(walk, node);
  const { axis, sizes } = parts;
  const place = at < 0 ? at + sizes.length : at;
  const size = sizes[place];
  if (size === undefined) return setOpaque(walk, node);
  const first = sizes.slice(0, place).reduce((n, part) => n + part, 0);
  if (value.kind === 'constant') {
    const rows = axis === 0 ? someRows(node.outputs[0] ?? '', value.view, first, size) : null;
    return rows === null ? setOpaque(walk, node) : setOutput(walk, node, { kind: 'constant', view: rows });
  }
  if (!isSignal(value)) return setOpaque(walk, node);
  const ids = hasChannelsAlong(value, axis) ? idsAlong(value.map, axis) : null;
  setOutput(walk, node, partOf(value, axis, ids, first, size));
};

/** Parts that a sequence may be made of: a few bytes could ask for any number (CWE-400). */
const MAX_PARTS = 1024;

/** How a SplitToSequence divides an axis; null where that is not known, or does not add up. */
function partsIn(
  walk: Walk,
  split: OnnxNode,
  shape: readonly Dim[] | null,
): { readonly axis: number; readonly sizes: readonly number[] } | null {
  const axis = normalizeAxis(intAttribute(split, 'axis', 0), shape?.length ?? 0);
  const size = shape?.[axis] ?? null;
  const sizes = sequenceSizes(walk, split, size);
  const isWhole = sizes !== null && (size === null || sizes.reduce((n, part) => n + part, 0) === size);
  return shape !== null && axis < shape.length && isWhole ? { axis, sizes } : null;
}

/** Sizes as they are listed; equal ones, the last one smaller, where one number says how large. */
function sequenceSizes(walk: Walk, split: OnnxNode, size: Dim): readonly number[] | null {
  const given = integerTensorOf(walk, split.inputs[1]);
  if (given !== null && given.dims.length > 0) {
    const isKnown = given.data.length <= MAX_PARTS && given.data.every((part) => part !== null && part >= 0);
    return isKnown ? (given.data as readonly number[]) : null;
  }
  // Where nothing is given each part is one position, which may lose its axis.
  const isEach = !hasInput(split, 1) && intAttribute(split, 'keepdims', 1) === 1;
  const chunk = isEach ? 1 : (given?.data[0] ?? null);
  if (size === null || chunk === null || chunk < 1 || size > MAX_PARTS * chunk) return null;
  return Array.from({ length: Math.ceil(size / chunk) }, (_, k) => Math.min(chunk, size - k * chunk));
}

/** A run of positions, of channels that lie along the axis or along several. */
function run(map: ChannelMap, ids: Int32Array | null, axis: number, offset: number, length: number): ChannelMap {
  if (ids !== null) return alongAxis(map.shape.with(axis, length), axis, ids.slice(offset, offset + length));
  return pickMap(
    map,
    axis,
    Array.from({ length }, (_, k) => offset + k),
  );
}

/** torch.unbind: parts of one position, of which each loses the axis. */
function isUnbind(walk: Walk, node: OnnxNode, sizes: readonly number[] | null): boolean {
  const isSingle = sizes?.every((size) => size === 1) ?? false;
  return isSingle && node.outputs.every((output) => output === '' || isSqueezed(walk, output));
}

/** Whether a tensor is read by a Squeeze alone. */
export function isSqueezed(walk: Walk, tensor: string): boolean {
  return walk.soleConsumer(tensor)?.opType === 'Squeeze';
}

/** @param ids channels along the axis; null where they lie along others too, so that parts are measured by what is left of them */
function addSplitSite(
  walk: Walk,
  node: OnnxNode,
  ids: Int32Array | null,
  values: readonly number[],
  axis: number,
): void {
  const starts = values.map((_, at) => values.slice(0, at).reduce((n, size) => n + size, 0));
  const isInput = hasInput(node, 1) || (walk.opset >= 13 && attribute(node, 'split', 'ints') === null);
  walk.sites.push({
    kind: 'sizes',
    node,
    operand: isInput ? { input: 1 } : { attribute: 'split' },
    values,
    sizes: values.map((size, at) =>
      ids === null
        ? { at, tensor: node.outputs[at]!, axis }
        : { at, channels: ids.slice(starts[at], starts[at]! + size) },
    ),
    isTarget: false,
    // ai.onnx 18: the number of equal parts and their sizes exclude each other.
    unwritten: hasInput(node, 1) || attribute(node, 'split', 'ints') !== null ? null : { drops: 'num_outputs' },
  });
}

/** Sizes of a Split's outputs, given or equal (the last one smaller, ai.onnx 18); null where they cannot be determined. */
function splitSizes(walk: Walk, node: OnnxNode, size: Dim): readonly number[] | null {
  const given = integerList(walk, node, 1, 'split');
  const parts = node.outputs.length;
  if (given !== null) return given.length === parts && given.every((part) => part >= 0) ? given : null;
  if (size === null || hasInput(node, 1)) return null;
  const chunk = Math.ceil(size / parts);
  const sizes = node.outputs.map((_, k) => Math.min(chunk, size - k * chunk));
  return sizes.every((part) => part > 0) ? sizes : null;
}

const evaluate: Evaluate = (walk, node) => {
  const data = integersOf(walk, node.inputs[0]);
  const equal = data !== null && data.length % node.outputs.length === 0;
  const sizes =
    integerList(walk, node, 1, 'split') ??
    (equal && !hasInput(node, 1) ? node.outputs.map(() => data.length / node.outputs.length) : null);
  if (data === null || sizes === null || sizes.length !== node.outputs.length) return null;
  let offset = 0;
  return sizes.map((size) => {
    offset += size;
    return vector(data.slice(offset - size, offset));
  });
};

/** A part of the channels is recognized by which they are; of another axis, by its number. */
function form({ node, channelAxis, shape }: NodeFacts): Form {
  const axis = normalizeAxis(intAttribute(node, 'axis', 0), shape(0)?.length ?? 0);
  return operation('Pick', axis === channelAxis ? { channels: SOME } : { taken: null });
}

/** As that of a Split: the axis is the one along which a part has another size than the whole. */
function formOfPart({ channelAxis, shape, outputShape }: NodeFacts): Form {
  const axis = shape(0)?.findIndex((size, at) => size !== outputShape?.[at]) ?? -1;
  const isWhole = axis === -1 && outputShape?.every((size) => size !== null);
  if (isWhole) return SAME;
  return operation('Pick', axis !== -1 && axis === channelAxis ? { channels: SOME } : { taken: null });
}

export const SPLIT: Readonly<Record<string, Operator>> = {
  Split: { carry: split, sort: 'split', tells: 'same', evaluate, form },
  SplitToSequence: { carry: splitToSequence, form: () => SAME },
  SequenceAt: { carry: sequenceAt, tells: 'same', form: formOfPart },
};
