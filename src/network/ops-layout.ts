import type { OnnxNode } from '../onnx/index.ts';
import type { Dim } from './channels.ts';
import { idsAlong, isUniform, reshapeMap, transposeMap, uniformMap } from './channels.ts';
import type { IntegerOperand } from './cut-sites.ts';
import type { Origin, Value } from './drafts.ts';
import { reshapeView, transposeView } from './tensor-view.ts';
import type { Handler, Walk } from './walk.ts';
import {
  attribute,
  hasInput,
  input,
  integerList,
  integersOf,
  isSignal,
  normalizeAxis,
  setOpaque,
  setOutput,
  shapeOf,
} from './walk.ts';

const TO_CHANNELS_LAST = '0,2,3,1';
const TO_CHANNELS_FIRST = '0,3,1,2';

/** Identity, Cast, Dropout in inference: the same tensor under another name. */
export const identity: Handler = (walk, node) => {
  const value = input(walk, node, 0);
  if (value === null) return setOpaque(walk, node);
  if (/^(De)?[Qq]uantizeLinear$/.test(node.opType)) addQuantizationSites(walk, node, value);
  setOutput(walk, node, value);
};

/**
 * Expand of one constant number to a vector is that number wherever it is broadcast: the dynamo exporter makes the bias of a
 * convolution without one so, when it does not optimize.
 */
export const expand: Handler = (walk, node) => {
  const value = input(walk, node, 0);
  const target = integersOf(walk, node.inputs[1]);
  if (value?.kind !== 'constant' || value.view.tensor.elements !== 1 || target?.length !== 1)
    return setOpaque(walk, node);
  const [size = null] = target;
  const view = size === null ? value.view : { tensor: value.view.tensor, dims: [size], strides: [0] };
  setOutput(walk, node, { kind: 'constant', view });
};

/** Scales and zero points (inputs 1 and 2) of quantization along an axis, which is the channels' or stands in their way. */
function addQuantizationSites(walk: Walk, node: OnnxNode, value: Value): void {
  const parameters = [1, 2].map((k) => input(walk, node, k));
  if (parameters.every((parameter) => (shapeOf(parameter)?.length ?? 0) === 0)) return;
  const axis = normalizeAxis(attribute(node, 'axis', 'int') ?? 1, shapeOf(value)?.length ?? 0);
  const channels = value.kind === 'channels' ? idsAlong(value.map, axis) : null;
  if (value.kind === 'constant') walk.sites.push({ kind: 'rigid', node, view: value.view });
  if (value.kind !== 'channels') return;
  for (const [k, parameter] of parameters.entries()) {
    if (parameter === null) continue;
    const isVector = parameter.kind === 'constant' && parameter.view.dims.join() === String(channels?.length);
    if (isVector && channels !== null)
      walk.sites.push({ kind: 'vector', node, input: k + 1, view: parameter.view, axis: 0, channels });
    else walk.sites.push({ kind: 'whole', node, op: node.opType, channels: value.map.ids });
  }
}

/** Transpose: exporters put them around layers and push them through others, so they belong to no layer but Keras's Permute. */
export const transpose: Handler = (walk, node) => {
  const value = input(walk, node, 0);
  const shape = shapeOf(value);
  const rank = shape?.length ?? attribute(node, 'perm', 'ints')?.length;
  if (value === null || rank === undefined) return setOpaque(walk, node);
  const perm = attribute(node, 'perm', 'ints') ?? Array.from({ length: rank }, (_, k) => rank - 1 - k);
  if (perm.length !== rank || [...perm].sort((a, b) => a - b).some((axis, k) => axis !== k))
    return setOpaque(walk, node);
  if (value.kind === 'constant')
    return setOutput(walk, node, { kind: 'constant', view: transposeView(value.view, perm) });
  const order = perm.join(',');
  const isLayout = rank !== 4 || order === TO_CHANNELS_LAST || order === TO_CHANNELS_FIRST;
  const from =
    !isLayout && isSignal(value) && walk.drafts.isAlone(node)
      ? walk.drafts.place(node, 'permute', walk.values)
      : value.from;
  if (value.kind === 'channels')
    return setOutput(walk, node, { kind: 'channels', map: transposeMap(value.map, perm), from: from ?? value.from });
  const permuted = shape === null ? null : perm.map((axis) => shape[axis] ?? null);
  setOutput(walk, node, withShape(value, permuted, from));
};

/** Reshape, Flatten: `target` is resolved against the operand's shape. */
function reshapeTo(
  walk: Walk,
  node: OnnxNode,
  written: readonly Dim[],
  allowZero: boolean,
  operand: IntegerOperand | null,
): void {
  const value = input(walk, node, 0);
  const target = resolveTarget(shapeOf(value), written, allowZero);
  if (value === null || target === null) return setOpaque(walk, node);
  if (operand !== null) addTargetSite(walk, node, operand, written, target);
  if (value.kind === 'constant') {
    const known = target.every((size) => size !== null) ? reshapeView(value.view, target as readonly number[]) : null;
    return setOutput(
      walk,
      node,
      known === null ? { kind: 'fixed', shape: target, from: null } : { kind: 'constant', view: known },
    );
  }
  const source = value.from;
  const inRank = shapeOf(value)?.length;
  const isFlatten = target.length === 2 && inRank !== undefined && inRank > 2;
  const isLayer = source !== null && walk.drafts.isNamed(node);
  const from = isLayer ? walk.drafts.place(node, isFlatten ? 'flatten' : 'reshape', walk.values) : source;
  if (isLayer && from !== null) from.layer.targetShape = written;
  if (value.kind === 'channels') {
    const map = reshapeMap(value.map, target);
    if (map !== null) return setOutput(walk, node, { kind: 'channels', map, from: from ?? value.from });
    return setOutput(walk, node, { kind: 'opaque', op: node.opType, shape: target, from: from ?? value.from });
  }
  setOutput(walk, node, withShape(value, target, from));
}

/** Each entry that is a size: not -1, nor a 0 that copies one. */
function addTargetSite(
  walk: Walk,
  node: OnnxNode,
  operand: IntegerOperand,
  written: readonly Dim[],
  target: readonly Dim[],
): void {
  const tensor = node.outputs[0] ?? '';
  const sizes = target.flatMap((size, at) => (size === null || written[at] === -1 ? [] : [{ at, tensor, axis: at }]));
  walk.sites.push({ kind: 'sizes', node, operand, values: written, sizes, isTarget: true, unwritten: null });
}

export const reshape: Handler = (walk, node) => {
  const written = integersOf(walk, node.inputs[1]) ?? attribute(node, 'shape', 'ints');
  if (written === null) return setOpaque(walk, node);
  const operand = hasInput(node, 1) ? { input: 1 } : { attribute: 'shape' };
  reshapeTo(walk, node, written, attribute(node, 'allowzero', 'int') === 1, operand);
};

export const flatten: Handler = (walk, node) => {
  const shape = shapeOf(input(walk, node, 0));
  if (shape === null) return setOpaque(walk, node);
  const axis = normalizeAxis(attribute(node, 'axis', 'int') ?? 1, shape.length);
  const before = shape.slice(0, axis);
  const product = (dims: readonly Dim[]): Dim =>
    dims.reduce<Dim>((n, d) => (n === null || d === null ? null : n * d), 1);
  reshapeTo(walk, node, [product(before), product(shape.slice(axis))], true, null);
};

/**
 * Replaces 0 (copy, unless `allowZero`) and -1 (infer) of a Reshape's target; a size that hangs on a symbolic one becomes
 * null. Null where the target is not one that ai.onnx allows.
 */
export function resolveTarget(shape: readonly Dim[] | null, written: readonly Dim[], allowZero: boolean): Dim[] | null {
  const target = written.map((size, k) => (size === 0 && !allowZero ? (shape?.[k] ?? null) : size));
  const inferred = target.indexOf(-1);
  if (target.some((size, k) => size !== null && size < 0 && k !== inferred)) return null;
  if (inferred < 0) return target;
  const rest = target.filter((_, k) => k !== inferred);
  const restUnknown = rest.filter((size) => size === null).length;
  const restProduct = rest.reduce<number>((n, size) => n * (size ?? 1), 1);
  const sourceUnknown = shape?.filter((size) => size === null).length ?? Number.NaN;
  const sourceProduct = shape?.reduce<number>((n, size) => n * (size ?? 1), 1) ?? Number.NaN;
  target[inferred] =
    restUnknown === sourceUnknown && restProduct > 0 && sourceProduct % restProduct === 0
      ? sourceProduct / restProduct
      : null;
  return target;
}

export const squeeze: Handler = (walk, node) => {
  const shape = shapeOf(input(walk, node, 0));
  const axes = integerList(walk, node, 1, 'axes');
  // Without axes every size of one goes, and a symbolic size may be one.
  const isKnown = axes !== null || (!hasInput(node, 1) && shape?.every((size) => size !== null));
  if (shape === null || !isKnown) return setOpaque(walk, node);
  const drop =
    axes?.map((axis) => normalizeAxis(axis, shape.length)) ?? shape.flatMap((size, axis) => (size === 1 ? [axis] : []));
  if (drop.some((axis) => shape[axis] !== 1 && shape[axis] !== null)) return setOpaque(walk, node);
  const dropped = shape.filter((_, axis) => !drop.includes(axis));
  removeAxes(walk, node, drop, dropped);
};

export const unsqueeze: Handler = (walk, node) => {
  const value = input(walk, node, 0);
  const shape = shapeOf(value);
  const axes = integerList(walk, node, 1, 'axes');
  if (value === null || shape === null || axes === null) return setOpaque(walk, node);
  const rank = shape.length + axes.length;
  const added = new Set(axes.map((axis) => normalizeAxis(axis, rank)));
  let next = 0;
  const target: Dim[] = Array.from({ length: rank }, (_, axis) => (added.has(axis) ? 1 : (shape[next++] ?? null)));
  if (value.kind === 'constant') {
    const view = reshapeView(value.view, target as number[]);
    return setOutput(
      walk,
      node,
      view === null ? { kind: 'fixed', shape: target, from: null } : { kind: 'constant', view },
    );
  }
  if (value.kind !== 'channels') return setOutput(walk, node, withShape(value, target, value.from));
  const kept = target.flatMap((_, axis) => (added.has(axis) ? [] : [axis]));
  const axesAfter = value.map.axes.map((axis) => kept[axis]!);
  setOutput(walk, node, {
    kind: 'channels',
    map: { shape: target, axes: axesAfter, ids: value.map.ids },
    from: value.from,
  });
};

/** Drops axes of size one (or reduced to one). One channel is carried by all that is left; more cannot stand in one position. */
export function removeAxes(walk: Walk, node: OnnxNode, drop: readonly number[], target: readonly Dim[]): void {
  const value = input(walk, node, 0);
  if (value === null) return setOpaque(walk, node);
  if (value.kind === 'constant') {
    const view = reshapeView(value.view, target as number[]);
    return setOutput(
      walk,
      node,
      view === null ? { kind: 'fixed', shape: target, from: null } : { kind: 'constant', view },
    );
  }
  if (value.kind !== 'channels') return setOutput(walk, node, withShape(value, target, value.from));
  if (isUniform(value.map) && target.length > 0)
    return setOutput(walk, node, { kind: 'channels', map: uniformMap(value.map, target), from: value.from });
  if (value.map.axes.some((axis) => drop.includes(axis))) return setOpaque(walk, node);
  const axes = value.map.axes.map((axis) => axis - drop.filter((d) => d < axis).length);
  setOutput(walk, node, { kind: 'channels', map: { shape: target, axes, ids: value.map.ids }, from: value.from });
}

/** A value that carries no channel map, with another shape. */
export function withShape(
  value: Exclude<Value, { kind: 'channels' | 'constant' }>,
  shape: readonly Dim[] | null,
  from: Origin | null,
): Value {
  if (value.kind === 'fixed') return { kind: 'fixed', shape, from };
  return { kind: 'opaque', op: value.op, shape, from: from ?? value.from };
}
