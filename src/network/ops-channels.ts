import type { OnnxNode } from '../onnx/index.ts';
import { inlineTensor, toFloat32 } from '../onnx/index.ts';
import type { ChannelMap, Dim } from './channels.ts';
import { alongAxis, FIXED_CHANNEL, filled, idsAlong, isUniform, MAX_POSITIONS, uniformMap } from './channels.ts';
import type { Value } from './drafts.ts';
import { withShape } from './ops-layout.ts';
import { carry } from './ops-spatial.ts';
import { pick, rangeOf } from './range.ts';
import { type TensorView, viewOf } from './tensor-view.ts';
import type { Handler, Walk } from './walk.ts';
import {
  attribute,
  hasInput,
  input,
  intAttribute,
  integerList,
  integersOf,
  integerTensorOf,
  isSignal,
  normalizeAxis,
  setOpaque,
  setOutput,
  shapeOf,
} from './walk.ts';

/** Concat: along the channel axis the channels follow one another; along another axis they must agree. */
export const concat: Handler = (walk, node) => {
  const values = node.inputs.map((_, k) => input(walk, node, k));
  if (values.some((value) => value === null)) return setOpaque(walk, node);
  const known = values as Value[];
  const shapes = known.map(shapeOf);
  const rank = shapes.find((shape) => shape !== null)?.length;
  const written = intAttribute(node, 'axis', 1);
  if (written < 0 && rank === undefined) return setOpaque(walk, node);
  const axis = normalizeAxis(written, rank ?? 0);
  const shape = concatShape(shapes, axis);
  const view = joinedConstants(known);
  if (view !== null) return setOutput(walk, node, { kind: 'constant', view });
  if (!known.some(isSignal)) return setOutput(walk, node, { kind: 'fixed', shape, from: null });
  const from = walk.drafts.place(node, 'concat', walk.values);
  const unknown = known.find((value) => value.kind === 'opaque');
  if (unknown?.kind === 'opaque') return setOutput(walk, node, { kind: 'opaque', op: unknown.op, shape, from });
  const maps = known.flatMap((value) => (value.kind === 'channels' ? [value.map] : []));
  const lead = maps.find((map) => !isUniform(map)) ?? maps[0];
  if (lead === undefined) return setOutput(walk, node, { kind: 'fixed', shape, from });
  const opaque = (): void => setOutput(walk, node, { kind: 'opaque', op: node.opType, shape, from });
  if (shape === null) return opaque();
  if (lead.axes.join() !== String(axis)) {
    const isSame = (map: ChannelMap): boolean =>
      map.axes.join() === lead.axes.join() && map.ids.length === lead.ids.length;
    const isAcross = lead.axes.includes(axis) || maps.length < known.length;
    if (isAcross || !maps.every(isSame)) return opaque();
    walk.couplings.push({ layer: from.layer.name, op: 'Concat', operands: maps.map((map) => map.ids) });
    return setOutput(walk, node, { kind: 'channels', map: { shape, axes: lead.axes, ids: lead.ids }, from });
  }
  const ids = joined(known.map((value) => idsOf(value, axis)));
  if (ids === null) return opaque();
  setOutput(walk, node, { kind: 'channels', map: alongAxis(shape, axis, ids), from });
};

/** PyTorch without constant folding writes the scales of a Resize as two vectors, joined by a node. */
const MAX_JOINED_ELEMENTS = 16;

/** A few float constants in one vector, as a tensor of its own. */
function joinedConstants(values: readonly Value[]): TensorView | null {
  const parts = values.flatMap((value) => {
    if (value.kind !== 'constant') return [];
    const { tensor, dims } = value.view;
    const isSmall = tensor.dtype === 'float32' && dims.length === 1 && tensor.elements <= MAX_JOINED_ELEMENTS;
    return isSmall ? [toFloat32(tensor.read())] : [];
  });
  const elements = parts.reduce((n, part) => n + part.length, 0);
  if (parts.length < values.length || elements > MAX_JOINED_ELEMENTS) return null;
  const bytes = new Uint8Array(Float32Array.from(parts.flatMap((part) => [...part])).buffer);
  return viewOf(inlineTensor('', 'float32', [elements], bytes));
}

/** The channels of an operand along an axis: nobody's where it carries none. */
function idsOf(value: Value, axis: number): Int32Array | null {
  if (value.kind === 'channels') return idsAlong(value.map, axis);
  const size = shapeOf(value)?.[axis] ?? null;
  return size === null ? null : filled(size, FIXED_CHANNEL);
}

function joined(parts: readonly (Int32Array | null)[]): Int32Array | null {
  const length = parts.reduce((n, part) => n + (part?.length ?? Number.NaN), 0);
  if (!(length <= MAX_POSITIONS)) return null;
  const ids = new Int32Array(length);
  let offset = 0;
  for (const part of parts as readonly Int32Array[]) {
    ids.set(part, offset);
    offset += part.length;
  }
  return ids;
}

function concatShape(shapes: readonly (readonly Dim[] | null)[], axis: number): readonly Dim[] | null {
  const first = shapes[0];
  if (first === null || first === undefined || axis < 0 || axis >= first.length) return null;
  if (shapes.some((shape) => shape === null || shape.length !== first.length)) return null;
  const known = shapes as readonly (readonly Dim[])[];
  const sum = known.reduce<Dim>((n, shape) => (n === null || shape[axis] === null ? null : n + shape[axis]!), 0);
  // Sizes beside the axis agree, so one that is known stands for all.
  return first.map((size, at) =>
    at === axis ? sum : (size ?? known.find((shape) => shape[at] !== null)?.[at] ?? null),
  );
}

/** Slice: on spatial axes channels pass; on the channel axis they are picked, if the range is constant. */
export const slice: Handler = (walk, node) => {
  const value = input(walk, node, 0);
  const shape = shapeOf(value);
  if (!isSignal(value) || shape === null) return setOpaque(walk, node);
  const starts = attribute(node, 'starts', 'ints') ?? integersOf(walk, node.inputs[1]);
  const ends = attribute(node, 'ends', 'ints') ?? integersOf(walk, node.inputs[2]);
  const all = (starts ?? ends)?.map((_, k) => k) ?? null;
  const axes = integerList(walk, node, 3, 'axes') ?? (hasInput(node, 3) ? null : all);
  const steps = hasInput(node, 4) ? integersOf(walk, node.inputs[4]) : axes?.map(() => 1);
  if (axes === null) return setOpaque(walk, node);
  let map = value.kind === 'channels' ? value.map : null;
  const sliced = [...shape];
  for (const [k, written] of axes.entries()) {
    const axis = normalizeAxis(written, shape.length);
    const range = rangeOf(shape[axis] ?? null, starts?.[k] ?? null, ends?.[k] ?? null, steps?.[k] ?? null);
    sliced[axis] = range?.count ?? null;
    if (map === null || !map.axes.includes(axis) || (isUniform(map) && range?.count !== 0)) continue;
    const ids = idsAlong(map, axis);
    if (ids === null || range === null || range.count === 0) return setOpaque(walk, node);
    walk.sites.push({
      kind: 'range',
      node,
      starts: hasInput(node, 1) ? { input: 1 } : { attribute: 'starts' },
      ends: hasInput(node, 2) ? { input: 2 } : { attribute: 'ends' },
      startValues: starts ?? [],
      endValues: ends ?? [],
      at: k,
      range,
      channels: ids,
    });
    map = alongAxis(map.shape, axis, pick(ids, range));
  }
  if (map === null) return carry(walk, node, 'crop', value, sliced);
  const from = walk.drafts.place(node, 'crop', walk.values, isPartOfSplit(walk, node) ? { op: 'Split' } : {});
  setOutput(walk, node, { kind: 'channels', map: { ...map, shape: sliced }, from });
};

/** PyTorch writes chunk() as slices without steps that end at computed multiples of a part (symbolic_opset11.chunk). */
function isPartOfSplit(walk: Walk, node: OnnxNode): boolean {
  return hasInput(node, 3) && !hasInput(node, 4) && input(walk, node, 2)?.kind === 'fixed';
}

/** Split: each output takes its run of channels. */
export const split: Handler = (walk, node) => {
  const value = input(walk, node, 0);
  const shape = shapeOf(value);
  if (!isSignal(value) || shape === null) return setOpaque(walk, node);
  const axis = normalizeAxis(intAttribute(node, 'axis', 0), shape.length);
  const size = shape[axis] ?? null;
  const sizes = splitSizes(walk, node, size);
  const overChannels = value.kind === 'channels' && !isUniform(value.map) && value.map.axes.includes(axis);
  const isWhole = sizes !== null && size !== null && sizes.reduce((n, part) => n + part, 0) === size;
  if (overChannels && !isWhole) return setOpaque(walk, node);
  const ids = overChannels ? idsAlong(value.map, axis) : null;
  if (overChannels && ids === null) return setOpaque(walk, node);
  const from = walk.drafts.place(node, 'crop', walk.values);
  if (ids !== null && sizes !== null) addSplitSite(walk, node, ids, sizes);
  let offset = 0;
  for (const k of node.outputs.keys()) {
    const length = sizes?.[k] ?? null;
    const part = shape.map((dim, at) => (at === axis ? length : dim));
    if (value.kind !== 'channels') setOutput(walk, node, withShape(value, part, from), k);
    else {
      const run = ids === null ? null : ids.slice(offset, offset + length!);
      const map = run === null ? { ...value.map, shape: part } : alongAxis(part, axis, run);
      setOutput(walk, node, { kind: 'channels', map, from }, k);
    }
    offset += length ?? 0;
  }
};

function addSplitSite(walk: Walk, node: OnnxNode, ids: Int32Array, values: readonly number[]): void {
  const starts = values.map((_, at) => values.slice(0, at).reduce((n, size) => n + size, 0));
  const isInput = hasInput(node, 1) || (walk.opset >= 13 && attribute(node, 'split', 'ints') === null);
  walk.sites.push({
    kind: 'sizes',
    node,
    operand: isInput ? { input: 1 } : { attribute: 'split' },
    values,
    sizes: values.map((size, at) => ({ at, channels: ids.slice(starts[at], starts[at]! + size) })),
    isTarget: false,
    // ai.onnx 18: the number of equal parts and their sizes exclude each other.
    unwritten: hasInput(node, 1) || attribute(node, 'split', 'ints') !== null ? null : { drops: 'num_outputs' },
  });
}

/** Sizes of a Split's outputs, given or equal (the last one smaller, ai.onnx 18); null where they cannot be told. */
function splitSizes(walk: Walk, node: OnnxNode, size: Dim): readonly number[] | null {
  const given = integerList(walk, node, 1, 'split');
  const parts = node.outputs.length;
  if (given !== null) return given.length === parts && given.every((part) => part >= 0) ? given : null;
  if (size === null || hasInput(node, 1)) return null;
  const chunk = Math.ceil(size / parts);
  const sizes = node.outputs.map((_, k) => Math.min(chunk, size - k * chunk));
  return sizes.every((part) => part > 0) ? sizes : null;
}

/** Gather with constant indices picks channels, or spatial positions. */
export const gather: Handler = (walk, node) => {
  const value = input(walk, node, 0);
  const shape = shapeOf(value);
  const indices = integerTensorOf(walk, node.inputs[1]);
  if (!isSignal(value) || shape === null || indices === null || indices.dims.length > 1) return setOpaque(walk, node);
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
    const ids = isScalar ? null : idsAlong(value.map, axis);
    const picked = ids === null ? null : picks(ids, indices.data);
    if (picked === null) return setOutput(walk, node, { kind: 'opaque', op: node.opType, shape: after, from });
    const values = indices.data as readonly number[];
    const positions = values.map((at) => (at < 0 ? at + ids!.length : at));
    walk.sites.push({ kind: 'picks', node, operand: { input: 1 }, values, positions, channels: ids! });
    return setOutput(walk, node, { kind: 'channels', map: alongAxis(after, axis, picked), from });
  }
  const axes = isScalar ? value.map.axes.map((at) => (at > axis ? at - 1 : at)) : value.map.axes;
  setOutput(walk, node, { kind: 'channels', map: { ...value.map, axes, shape: after }, from });
};

/** The ids at positions, negative ones from the end; null where one is unknown or beyond the axis. */
function picks(ids: Int32Array, positions: readonly Dim[]): Int32Array | null {
  const picked = positions.map((at) => (at === null ? undefined : ids[at < 0 ? at + ids.length : at]));
  return picked.every((id) => id !== undefined) ? Int32Array.from(picked) : null;
}
