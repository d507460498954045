import type { OnnxNode } from '../../onnx/index.ts';
import { someRows } from '../assembled.ts';
import type { Dim } from '../channels.ts';
import { alongAxis, type ChannelMap, idsAlong, isUniform, pickMap } from '../channels.ts';
import { integerList, integersOf } from '../constants.ts';
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
import { type Form, type NodeFacts, operation, SOME } from './form.ts';
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
  const overChannels = value.kind === 'channels' && !isUniform(value.map) && value.map.axes.includes(axis);
  const isWhole = sizes !== null && size !== null && sizes.reduce((n, part) => n + part, 0) === size;
  if (overChannels && !isWhole) return setOpaque(walk, node);
  const ids = overChannels ? idsAlong(value.map, axis) : null;
  const from = walk.drafts.place(node, 'crop', walk.values, isUnbind(walk, node, sizes) ? { op: 'Unbind' } : {});
  if (overChannels && sizes !== null) addSplitSite(walk, node, ids, sizes, axis);
  let offset = 0;
  for (const k of node.outputs.keys()) {
    const length = sizes?.[k] ?? null;
    const part = shape.map((dim, at) => (at === axis ? length : dim));
    if (value.kind !== 'channels') setOutput(walk, node, withShape(value, part, from), k);
    else {
      const map = overChannels ? run(value.map, ids, axis, offset, length!) : { ...value.map, shape: part };
      setOutput(walk, node, { kind: 'channels', map, from }, k);
    }
    offset += length ?? 0;
  }
};

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

/** SequenceAt (ai.onnx 11) of a SplitToSequence, as the dynamo exporter takes a packed parameter apart: one part of a constant. */
const sequenceAt: Carry = (walk, node) => {
  const split = walk.makers.get(node.inputs[0] ?? '');
  const data = split?.opType === 'SplitToSequence' ? input(walk, split, 0) : null;
  const [sizes, at] = [integersOf(walk, split?.inputs[1]), integersOf(walk, node.inputs[1])?.[0] ?? null];
  if (split === undefined || data?.kind !== 'constant' || at === null || !isAllKnown(sizes))
    return setOpaque(walk, node);
  const axis = normalizeAxis(intAttribute(split, 'axis', 0), data.view.dims.length);
  const place = at < 0 ? at + sizes.length : at;
  const first = sizes.slice(0, place).reduce((n, size) => n + size, 0);
  const isPart = axis === 0 && sizes[place] !== undefined && first + sizes[place] <= (data.view.dims[0] ?? 0);
  const rows = isPart ? someRows(node.outputs[0] ?? '', data.view, first, sizes[place]!) : null;
  if (rows === null) setOpaque(walk, node);
  else setOutput(walk, node, { kind: 'constant', view: rows });
};

function isAllKnown(sizes: readonly Dim[] | null): sizes is readonly number[] {
  return sizes !== null && sizes.length > 1 && sizes.every((size) => size !== null && size >= 0);
}

/** A sequence of parts of a constant is what it is of: whoever takes a part looks for how it was split. */
const splitToSequence: Carry = (walk, node) => {
  const value = input(walk, node, 0);
  if (value?.kind !== 'constant') return setOpaque(walk, node);
  setOutput(walk, node, value);
};

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

export const SPLIT: Readonly<Record<string, Operator>> = {
  Split: { carry: split, sort: 'split', tells: 'same', evaluate, form },
  SplitToSequence: { carry: splitToSequence },
  SequenceAt: { carry: sequenceAt },
};
