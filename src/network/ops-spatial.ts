import type { OnnxNode } from '../onnx/index.ts';
import { toFloat32 } from '../onnx/index.ts';
import type { ChannelMap, Dim } from './channels.ts';
import { alongAxis, FIXED_CHANNEL, filled, idsAlong, isUniform, uniformMap } from './channels.ts';
import type { Signal, Value } from './drafts.ts';
import { withShape } from './ops-layout.ts';
import { convSpatial } from './spatial.ts';
import type { LayerKind } from './types.ts';
import type { Handler, Walk } from './walk.ts';
import {
  attribute,
  hasInput,
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
export function carry(walk: Walk, node: OnnxNode, kind: LayerKind, value: Signal, shape: readonly Dim[] | null): void {
  const from = walk.drafts.place(node, kind, walk.values);
  if (value.kind !== 'channels') return setOutput(walk, node, withShape(value, shape, from));
  const after: ChannelMap = {
    ...value.map,
    shape: shape ?? value.map.shape.map((size, axis) => (value.map.axes.includes(axis) ? size : null)),
  };
  setOutput(walk, node, { kind: 'channels', map: after, from });
}

/** Whether channels lie on axes before the spatial ones, which windows slide over. */
function isChannelsFirst(value: Signal): boolean {
  return value.kind !== 'channels' || isUniform(value.map) || value.map.axes.every((axis) => axis < 2);
}

export const pool: Handler = (walk, node) => {
  const value = input(walk, node, 0);
  if (!isSignal(value) || !isChannelsFirst(value)) return setOpaque(walk, node);
  const shape = shapeOf(value);
  carry(walk, node, 'pool', value, shape === null ? null : [...shape.slice(0, 2), ...convSpatial(node, shape, null)]);
};

export const globalPool: Handler = (walk, node) => {
  const value = input(walk, node, 0);
  if (!isSignal(value) || !isChannelsFirst(value)) return setOpaque(walk, node);
  const shape = shapeOf(value);
  carry(walk, node, 'global-pool', value, shape?.map((size, axis) => (axis < 2 ? size : 1)) ?? null);
};

/** ReduceMean and friends: over the spatial axes they are a global pooling; over channels nothing prunable is left. */
export const reduce: Handler = (walk, node) => {
  const value = input(walk, node, 0);
  const shape = shapeOf(value);
  if (!isSignal(value) || shape === null) return setOpaque(walk, node);
  const listed = integerList(walk, node, 1, 'axes');
  if (listed === null && hasInput(node, 1)) return setOpaque(walk, node);
  // No axes are all axes, unless the node says that they are none (ai.onnx 18).
  const none = listed === null || listed.length === 0;
  const all = none && intAttribute(node, 'noop_with_empty_axes', 0) === 0;
  const axes = (all ? shape.map((_, axis) => axis) : (listed ?? [])).map((axis) => normalizeAxis(axis, shape.length));
  const keep = intAttribute(node, 'keepdims', 1) === 1;
  const from = walk.drafts.place(node, 'global-pool', walk.values);
  const reduced = shape.map((size, axis) => (axes.includes(axis) ? 1 : size));
  const after = keep ? reduced : reduced.filter((_, axis) => !axes.includes(axis));
  if (value.kind !== 'channels') return setOutput(walk, node, withShape(value, after, from));
  const { ids } = value.map;
  // The mean of one channel is that channel still.
  if (after.length > 0 && ids.length > 0 && ids.every((id) => id === ids[0]))
    return setOutput(walk, node, {
      kind: 'channels',
      map: uniformMap({ ...value.map, ids: ids.slice(0, 1) }, after),
      from,
    });
  const over = value.map.axes.filter((axis) => axes.includes(axis)).length;
  if (over > 0) {
    walk.sites.push({ kind: 'mix', node, channels: ids });
    const left: Value = {
      kind: over < value.map.axes.length ? 'opaque' : 'fixed',
      op: node.opType,
      shape: after,
      from,
    };
    return setOutput(walk, node, left);
  }
  const left = value.map.axes.map((axis) => (keep ? axis : axis - axes.filter((gone) => gone < axis).length));
  setOutput(walk, node, { kind: 'channels', map: { shape: after, axes: left, ids: value.map.ids }, from });
};

/** Resize and Upsample: spatial sizes change, channels do not. */
export const resize: Handler = (walk, node) => {
  const value = input(walk, node, 0);
  const shape = shapeOf(value);
  if (!isSignal(value) || shape === null) return setOpaque(walk, node);
  const factors = resizeFactors(walk, node, shape);
  if (value.kind === 'channels' && !isUniform(value.map) && value.map.axes.some((axis) => factors[axis]?.scale !== 1))
    return setOpaque(walk, node);
  addResizeSite(walk, node, shape);
  carry(
    walk,
    node,
    'upsample',
    value,
    factors.map(({ size }) => size),
  );
};

/** A Resize to given sizes, which name the number of channels too. */
function addResizeSite(walk: Walk, node: OnnxNode, shape: readonly Dim[]): void {
  const values = node.opType === 'Resize' && hasInput(node, 3) ? integersOf(walk, node.inputs[3]) : null;
  if (values === null) return;
  const axes = attribute(node, 'axes', 'ints')?.map((axis) => normalizeAxis(axis, shape.length));
  const tensor = node.outputs[0] ?? '';
  const sizes = values.map((_, at) => ({ at, tensor, axis: axes?.[at] ?? at }));
  walk.sites.push({ kind: 'sizes', node, operand: { input: 3 }, values, sizes, isTarget: false, unwritten: null });
}

interface Factor {
  readonly scale: number | null;
  readonly size: Dim;
}

/** What each axis is scaled by, and its size after it; null where it cannot be told. */
function resizeFactors(walk: Walk, node: OnnxNode, shape: readonly Dim[]): readonly Factor[] {
  const axes = attribute(node, 'axes', 'ints')?.map((axis) => normalizeAxis(axis, shape.length));
  const place = (axis: number): number => (axes === undefined ? axis : axes.indexOf(axis));
  const isStretched = (attribute(node, 'keep_aspect_ratio_policy', 'string') ?? 'stretch') === 'stretch';
  const sizes = node.opType === 'Resize' ? integersOf(walk, node.inputs[3]) : null;
  const scales = scalesOf(walk, node);
  return shape.map((size, axis) => {
    const at = place(axis);
    if (at < 0) return { scale: 1, size };
    if (hasInput(node, 3)) {
      const after = isStretched ? (sizes?.[at] ?? null) : null;
      return { scale: size === null || after === null ? null : after / size, size: after };
    }
    const scale = scales?.[at] ?? null;
    return { scale, size: size === null || scale === null ? null : Math.floor(size * scale) };
  });
}

/** Scales of Resize (input 2, before ai.onnx 11 input 1) and Upsample (input 1, before ai.onnx 9 an attribute). */
function scalesOf(walk: Walk, node: OnnxNode): readonly number[] | null {
  const written = attribute(node, 'scales', 'floats');
  if (written !== null) return written;
  const scales = input(walk, node, node.opType === 'Upsample' || node.inputs.length === 2 ? 1 : 2);
  if (scales?.kind !== 'constant' || scales.view.tensor.dtype !== 'float32' || scales.view.tensor.elements > 8)
    return null;
  return [...toFloat32(scales.view.tensor.read())];
}

/** Pad: spatial in all common models; padding along the channel axis adds channels that belong to nobody. */
export const pad: Handler = (walk, node) => {
  const value = input(walk, node, 0);
  const shape = shapeOf(value);
  if (!isSignal(value) || shape === null) return setOpaque(walk, node);
  const listed =
    attribute(node, 'pads', 'ints') ?? attribute(node, 'paddings', 'ints') ?? integersOf(walk, node.inputs[1]);
  const given = integersOf(walk, node.inputs[3]);
  const axes = hasInput(node, 3) ? given?.map((axis) => axis ?? Number.NaN) : shape.map((_, axis) => axis);
  if (listed === null || axes === undefined || listed.length !== 2 * axes.length) return setOpaque(walk, node);
  const begin: Dim[] = shape.map(() => 0);
  const end: Dim[] = shape.map(() => 0);
  for (const [k, written] of axes.entries()) {
    const axis = normalizeAxis(written, shape.length);
    begin[axis] = listed[k] ?? null;
    end[axis] = listed[axes.length + k] ?? null;
  }
  const padded = shape.map((size, axis) => {
    const [a, b] = [begin[axis] ?? null, end[axis] ?? null];
    return size === null || a === null || b === null ? null : size + a + b;
  });
  if (value.kind !== 'channels') return carry(walk, node, 'pad', value, padded);
  const touched = value.map.axes.filter((axis) => begin[axis] !== 0 || end[axis] !== 0);
  // Reflected and repeated channels would be cut with those that they copy.
  const isZero = (attribute(node, 'mode', 'string') ?? 'constant') === 'constant';
  if (touched.length > 0 && !isZero) return setOpaque(walk, node);
  if (touched.length === 0) return carry(walk, node, 'pad', value, padded);
  const axis = touched[0]!;
  const ids = idsAlong(value.map, axis);
  const [before, after] = [begin[axis] ?? null, end[axis] ?? null];
  if (ids === null || before === null || after === null || before < 0 || after < 0) return setOpaque(walk, node);
  const wider = filled(before + ids.length + after, FIXED_CHANNEL);
  if (wider === null) return setOpaque(walk, node);
  wider.set(ids, before);
  const from = walk.drafts.place(node, 'pad', walk.values);
  setOutput(walk, node, { kind: 'channels', map: alongAxis(padded, axis, wider), from });
};
