import type { OnnxNode } from '../onnx/index.ts';
import type { ChannelMap, Dim } from './channels.ts';
import { alongAxis, FIXED_CHANNEL, idsAlong } from './channels.ts';
import type { Origin, Signal, Value } from './drafts.ts';
import { removeAxes, withShape } from './ops-layout.ts';
import { convSpatial } from './spatial.ts';
import type { LayerKind } from './types.ts';
import type { Handler, Walk } from './walk.ts';
import {
  attribute,
  input,
  intAttribute,
  integerList,
  integersOf,
  isSignal,
  normalizeAxis,
  setOpaque,
  setOutput,
  shapeOf,
} from './walk.ts';

/** Places the node's layer and gives it the operand's channels under a new shape; opaque operands stay opaque. */
function carry(walk: Walk, node: OnnxNode, kind: LayerKind, value: Signal, shape: readonly Dim[] | null): void {
  const from = walk.drafts.place(node, kind, walk.values);
  if (value.kind !== 'channels') return setOutput(walk, node, withShape(value, shape, from));
  const after: ChannelMap = {
    ...value.map,
    shape: shape ?? value.map.shape.map((size, axis) => (value.map.axes.includes(axis) ? size : null)),
  };
  setOutput(walk, node, { kind: 'channels', map: after, from });
}

export const pool: Handler = (walk, node) => {
  const value = input(walk, node, 0);
  if (!isSignal(value)) return setOpaque(walk, node);
  const shape = shapeOf(value);
  carry(walk, node, 'pool', value, shape === null ? null : [...shape.slice(0, 2), ...convSpatial(node, shape, null)]);
};

export const globalPool: Handler = (walk, node) => {
  const value = input(walk, node, 0);
  if (!isSignal(value)) return setOpaque(walk, node);
  const shape = shapeOf(value);
  carry(walk, node, 'global-pool', value, shape?.map((size, axis) => (axis < 2 ? size : 1)) ?? null);
};

/** ReduceMean and friends: over the spatial axes they are a global pooling; over channels nothing prunable is left. */
export const reduce: Handler = (walk, node) => {
  const value = input(walk, node, 0);
  const shape = shapeOf(value);
  if (!isSignal(value) || shape === null) return setOpaque(walk, node);
  const listed = integerList(walk, node, 1, 'axes');
  const axes = (listed ?? shape.map((_, axis) => axis)).map((axis) => normalizeAxis(axis, shape.length));
  const keep = intAttribute(node, 'keepdims', 1) === 1;
  const from = walk.drafts.place(node, 'global-pool', walk.values);
  const reduced = shape.map((size, axis) => (axes.includes(axis) ? 1 : size));
  const overChannels = value.kind === 'channels' && value.map.axes.some((axis) => axes.includes(axis));
  if (overChannels)
    return setOutput(walk, node, {
      kind: 'fixed',
      shape: keep ? reduced : reduced.filter((_, axis) => !axes.includes(axis)),
      from,
    });
  if (keep) {
    if (value.kind === 'channels')
      return setOutput(walk, node, { kind: 'channels', map: { ...value.map, shape: reduced }, from });
    return setOutput(walk, node, withShape(value, reduced, from));
  }
  removeAxes(
    walk,
    node,
    axes,
    reduced.filter((_, axis) => !axes.includes(axis)),
  );
  relabel(walk, node, from);
};

function relabel(walk: Walk, node: OnnxNode, from: Origin): void {
  const value = walk.values.get(node.outputs[0] ?? '');
  if (value !== undefined && value.kind !== 'constant') setOutput(walk, node, { ...value, from });
}

/** Resize and Upsample: spatial sizes change, channels do not. */
export const resize: Handler = (walk, node) => {
  const value = input(walk, node, 0);
  const shape = shapeOf(value);
  if (!isSignal(value) || shape === null) return setOpaque(walk, node);
  const sizes = node.opType === 'Resize' ? integersOf(walk, node.inputs[3]) : null;
  carry(
    walk,
    node,
    'upsample',
    value,
    shape.map((size, axis) => (axis < 2 ? size : (sizes?.[axis] ?? scaled(walk, node, axis, size)))),
  );
};

function scaled(walk: Walk, node: OnnxNode, axis: number, size: Dim): Dim {
  const at = node.opType === 'Upsample' || node.inputs.length === 2 ? 1 : 2;
  const scales = input(walk, node, at);
  if (size === null || scales?.kind !== 'constant' || scales.view.tensor.dtype !== 'float32') return null;
  const data = walk.file.readTensor(scales.view.tensor);
  if (data.bytes.byteLength < 4 * (axis + 1)) return null;
  const scale = new DataView(data.bytes.buffer, data.bytes.byteOffset).getFloat32(4 * axis, true);
  return Math.floor(size * scale);
}

/** Pad: spatial in all common models; padding along the channel axis adds channels that belong to nobody. */
export const pad: Handler = (walk, node) => {
  const value = input(walk, node, 0);
  const shape = shapeOf(value);
  if (!isSignal(value) || shape === null) return setOpaque(walk, node);
  const listed =
    attribute(node, 'pads', 'ints') ?? attribute(node, 'paddings', 'ints') ?? integersOf(walk, node.inputs[1]);
  const axes = integersOf(walk, node.inputs[3]);
  if (axes !== null || listed === null || listed.length !== 2 * shape.length) return setOpaque(walk, node);
  const begin = listed.slice(0, shape.length);
  const end = listed.slice(shape.length);
  const padded = shape.map((size, axis) => {
    const [a, b] = [begin[axis] ?? null, end[axis] ?? null];
    return size === null || a === null || b === null ? null : size + a + b;
  });
  if (value.kind !== 'channels') return carry(walk, node, 'pad', value, padded);
  const touched = value.map.axes.filter((axis) => begin[axis] !== 0 || end[axis] !== 0);
  if (touched.length === 0) return carry(walk, node, 'pad', value, padded);
  const axis = touched[0]!;
  const ids = idsAlong(value.map, axis);
  const [before, after] = [begin[axis] ?? null, end[axis] ?? null];
  if (ids === null || before === null || after === null || before < 0 || after < 0) return setOpaque(walk, node);
  const wider = new Int32Array(before + ids.length + after).fill(FIXED_CHANNEL);
  wider.set(ids, before);
  const from = walk.drafts.place(node, 'pad', walk.values);
  setOutput(walk, node, { kind: 'channels', map: alongAxis(padded, axis, wider), from });
};

/** Concat: along the channel axis the channels follow one another; along another axis they must agree. */
export const concat: Handler = (walk, node) => {
  const values = node.inputs.map((_, k) => input(walk, node, k));
  if (values.some((value) => value === null)) return setOpaque(walk, node);
  const known = values as Value[];
  if (!known.some(isSignal)) return setOutput(walk, node, { kind: 'fixed', shape: null, from: null });
  const from = walk.drafts.place(node, 'concat', walk.values);
  const rank = shapeOf(known[0]!)?.length ?? 4;
  const axis = normalizeAxis(intAttribute(node, 'axis', 1), rank);
  const shape = concatShape(known.map(shapeOf), axis);
  const unknown = known.find((value) => value.kind === 'opaque');
  if (unknown?.kind === 'opaque') return setOutput(walk, node, { kind: 'opaque', op: unknown.op, shape, from });
  const lead = known.find((value) => value.kind === 'channels');
  if (lead?.kind !== 'channels') return setOutput(walk, node, { kind: 'fixed', shape, from });
  const opaque = (): void => setOutput(walk, node, { kind: 'opaque', op: node.opType, shape, from });
  if (lead.map.axes.join() !== String(axis)) {
    const others = known.flatMap((value) => (value.kind === 'channels' ? [value.map] : []));
    if (
      others.length < known.length ||
      others.some((map) => map.axes.join() !== lead.map.axes.join() || map.ids.length !== lead.map.ids.length)
    )
      return opaque();
    walk.couplings.push({ layer: from.layer.name, op: 'Concat', operands: others.map((map) => map.ids) });
    return setOutput(walk, node, {
      kind: 'channels',
      map: { shape: shape ?? lead.map.shape, axes: lead.map.axes, ids: lead.map.ids },
      from,
    });
  }
  const parts: Int32Array[] = [];
  for (const value of known) {
    const ids = value.kind === 'channels' ? idsAlong(value.map, axis) : null;
    const size = shapeOf(value)?.[axis] ?? null;
    if (ids === null && (value.kind === 'channels' || size === null)) return opaque();
    parts.push(ids ?? new Int32Array(size!).fill(FIXED_CHANNEL));
  }
  const ids = new Int32Array(parts.reduce((n, part) => n + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    ids.set(part, offset);
    offset += part.length;
  }
  setOutput(walk, node, { kind: 'channels', map: alongAxis(shape ?? lead.map.shape, axis, ids), from });
};

function concatShape(shapes: readonly (readonly Dim[] | null)[], axis: number): readonly Dim[] | null {
  const first = shapes[0];
  if (first === null || first === undefined || shapes.some((shape) => shape === null || shape.length !== first.length))
    return null;
  return first.map((size, at) => {
    if (at !== axis) return size;
    return (shapes as readonly (readonly Dim[])[]).reduce<Dim>(
      (n, shape) => (n === null || shape[at] === null ? null : n + shape[at]!),
      0,
    );
  });
}

/** Slice: on spatial axes channels pass; on the channel axis they are picked, if the range is constant. */
export const slice: Handler = (walk, node) => {
  const value = input(walk, node, 0);
  const shape = shapeOf(value);
  if (!isSignal(value) || shape === null) return setOpaque(walk, node);
  const starts = attribute(node, 'starts', 'ints') ?? integersOf(walk, node.inputs[1]);
  const ends = attribute(node, 'ends', 'ints') ?? integersOf(walk, node.inputs[2]);
  const count = starts?.length ?? ends?.length ?? 0;
  const axes =
    integerList(walk, node, 3, 'axes') ?? (node.inputs[3] ? null : Array.from({ length: count }, (_, k) => k));
  const steps = node.inputs[4] ? integersOf(walk, node.inputs[4]) : axes?.map(() => 1);
  if (axes === null) return setOpaque(walk, node);
  let map = value.kind === 'channels' ? value.map : null;
  const sliced = [...shape];
  for (const [k, written] of axes.entries()) {
    const axis = normalizeAxis(written, shape.length);
    const picked = pickedRange(shape[axis] ?? null, starts?.[k] ?? null, ends?.[k] ?? null, steps?.[k] ?? null);
    sliced[axis] = picked?.length ?? null;
    if (map === null || !map.axes.includes(axis)) continue;
    const ids = idsAlong(map, axis);
    if (ids === null || picked === null) return setOpaque(walk, node);
    map = alongAxis(
      map.shape,
      axis,
      Int32Array.from(picked, (at) => ids[at]!),
    );
  }
  if (map === null) return carry(walk, node, 'crop', value, sliced);
  const from = walk.drafts.place(node, 'crop', walk.values);
  setOutput(walk, node, { kind: 'channels', map: { ...map, shape: sliced }, from });
};

/** Positions a Slice picks (ai.onnx Slice: negative indices, clamping, steps); null where a bound is not known. */
export function pickedRange(size: Dim, start: number | null, end: number | null, step: number | null): number[] | null {
  if (size === null || start === null || end === null || step === null || step === 0) return null;
  const clamp = (at: number, low: number, high: number): number =>
    Math.min(Math.max(at < 0 ? at + size : at, low), high);
  const [first, last] =
    step > 0
      ? [clamp(start, 0, size), clamp(end, 0, size)]
      : [clamp(start, 0, size - 1), end < -size ? -1 : clamp(end, -1, size - 1)];
  const picked: number[] = [];
  for (let at = first; step > 0 ? at < last : at > last; at += step) picked.push(at);
  return picked;
}

/** Split: each output takes its run of channels. */
export const split: Handler = (walk, node) => {
  const value = input(walk, node, 0);
  const shape = shapeOf(value);
  if (!isSignal(value) || shape === null) return setOpaque(walk, node);
  const axis = normalizeAxis(intAttribute(node, 'axis', 0), shape.length);
  const size = shape[axis] ?? null;
  const parts = node.outputs.length;
  const chunk = size === null ? null : Math.ceil(size / parts);
  const sizes =
    integerList(walk, node, 1, 'split') ??
    (chunk === null ? null : node.outputs.map((_, k) => Math.min(chunk, size! - k * chunk)));
  const from = walk.drafts.place(node, 'crop', walk.values);
  let offset = 0;
  node.outputs.forEach((_, k) => {
    const part = shape.map((dim, at) => (at === axis ? (sizes?.[k] ?? null) : dim));
    if (value.kind !== 'channels') {
      setOutput(walk, node, withShape(value, part, from), k);
    } else if (!value.map.axes.includes(axis)) {
      setOutput(walk, node, { kind: 'channels', map: { ...value.map, shape: part }, from }, k);
    } else {
      const ids = idsAlong(value.map, axis);
      const length = sizes?.[k];
      if (ids === null || length === undefined)
        setOutput(walk, node, { kind: 'opaque', op: node.opType, shape: part, from }, k);
      else
        setOutput(
          walk,
          node,
          { kind: 'channels', map: alongAxis(part, axis, ids.slice(offset, offset + length)), from },
          k,
        );
    }
    offset += sizes?.[k] ?? 0;
  });
};

/** Gather with constant indices picks channels, or spatial positions. */
export const gather: Handler = (walk, node) => {
  const value = input(walk, node, 0);
  const shape = shapeOf(value);
  const indices = integersOf(walk, node.inputs[1]);
  const indexShape = shapeOf(input(walk, node, 1));
  if (!isSignal(value) || shape === null || indices === null || indexShape === null || indexShape.length > 1)
    return setOpaque(walk, node);
  const axis = normalizeAxis(intAttribute(node, 'axis', 0), shape.length);
  const scalar = indexShape.length === 0;
  const after = scalar
    ? shape.filter((_, at) => at !== axis)
    : shape.map((size, at) => (at === axis ? indices.length : size));
  const from = walk.drafts.place(node, 'crop', walk.values);
  if (value.kind !== 'channels') return setOutput(walk, node, withShape(value, after, from));
  if (value.map.axes.includes(axis)) {
    const ids = idsAlong(value.map, axis);
    const known = indices.every((at) => at !== null);
    if (scalar || ids === null || !known)
      return setOutput(walk, node, { kind: 'opaque', op: node.opType, shape: after, from });
    const picked = Int32Array.from(indices as number[], (at) => ids[at < 0 ? at + ids.length : at]!);
    return setOutput(walk, node, { kind: 'channels', map: alongAxis(after, axis, picked), from });
  }
  const axes = scalar ? value.map.axes.map((at) => (at > axis ? at - 1 : at)) : value.map.axes;
  setOutput(walk, node, { kind: 'channels', map: { ...value.map, axes, shape: after }, from });
};
