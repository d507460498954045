import type { OnnxNode, Tensor } from '../../onnx/index.ts';
import type { ChannelMap, Dim } from '../channels.ts';
import { alignedMap, FIXED_CHANNEL, idsAlong, isUniform } from '../channels.ts';
import type { Origin, Value } from '../drafts.ts';
import type { TensorView } from '../tensor-view.ts';
import type { FollowerRole, LayerKind, LayerSort } from '../types.ts';
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
import { follow } from './follow.ts';
import type { Operator, Pointwise } from './operator.ts';
import { isBare } from './producers.ts';

const ROLES: Readonly<Record<string, FollowerRole>> = {
  Add: 'shift',
  Sum: 'shift',
  Mul: 'scale',
  Div: 'scale',
  PRelu: 'slope',
};

/** Add, Mul, Max, ... of any number of operands with numpy broadcasting (onnx/docs/Broadcasting.md). */
const elementwise: Carry = (walk, node) => {
  const operands = node.inputs.map((_, k) => input(walk, node, k));
  if (operands.some((operand) => operand === null)) return setOpaque(walk, node);
  const values = placeLegacy(walk, node, operands as Value[]);
  const shape = broadcastShape(values.map(shapeOf));
  const signals = values.filter(isSignal);
  if (signals.length === 0) return setOutput(walk, node, { kind: 'fixed', shape, from: null });
  const from = biasOf(walk, node, values) ?? walk.drafts.place(node, kindOf(walk, node, signals.length), walk.values);

  const unknown = signals.find((value) => value.kind === 'opaque');
  if (unknown !== undefined && unknown.kind === 'opaque') {
    return setOutput(walk, node, { kind: 'opaque', op: unknown.op, shape, from });
  }
  const aligned = values.map((value) => align(value, shape?.length ?? shapeOf(value)?.length ?? 0));
  const maps = aligned.flatMap((value) => (value.kind === 'channels' ? [value.map] : []));
  const lead = leadOf(walk, maps);
  if (lead === null) return setOutput(walk, node, { kind: 'fixed', shape, from });
  const opaque = (): void => setOutput(walk, node, { kind: 'opaque', op: node.opType, shape, from });
  // Operands of unknown rank could lie anywhere along one another.
  if (shape === null) return opaque();

  const tied: Int32Array[] = [lead.ids];
  for (const [k, value] of aligned.entries()) {
    if (value.kind === 'channels') {
      if (value.map === lead || (isUniform(value.map) && !isUniform(lead))) continue;
      if (isUniform(lead)) {
        if (value.map.ids[0] !== lead.ids[0]) tied.push(value.map.ids);
        continue;
      }
      if (value.map.axes.join() !== lead.axes.join() || value.map.ids.length !== lead.ids.length) return opaque();
      tied.push(value.map.ids);
    } else if (value.kind === 'constant') {
      const outcome = followChannels(walk, node, k, value.view, lead, from, signals[0]!.from);
      if (outcome === 'unplaced') return opaque();
    } else if (value.kind === 'fixed' && isUniform(lead)) {
      if (value.from === null) walk.besideComputed.add(lead.ids[0]!);
    } else if (value.kind === 'fixed' && lead.axes.some((axis) => value.shape?.[axis] !== 1)) {
      // Computed from constants, it would follow the channels, but which of its elements does cannot be checked.
      const isWhole = lead.axes.every((axis) => typeof value.shape?.[axis] === 'number');
      if (value.from === null || !isWhole || !walk.channels.afford(lead.ids.length)) return opaque();
      tied.push(new Int32Array(lead.ids.length).fill(FIXED_CHANNEL));
    }
  }
  const positions = lead.axes.reduce((n, axis) => n * (shape[axis] ?? Number.NaN), 1);
  if (!isUniform(lead) && positions !== lead.ids.length) return opaque();
  if (tied.length > 1) walk.couplings.push({ layer: from.layer.name, op: node.opType, operands: tied });
  setOutput(walk, node, {
    kind: 'channels',
    map: { shape, axes: lead.axes, ids: lead.ids },
    from,
  });
};

/** The operand with the most channels leads: the others are broadcast to it, or tied to it. */
function leadOf(walk: Walk, maps: readonly ChannelMap[]): ChannelMap | null {
  const most = maps.reduce((count, { ids }) => Math.max(count, ids.length), 0);
  const leading = maps.filter(({ ids }) => ids.length === most);
  const at = leading.length > 1 ? walk.lead(leading.map(({ ids }) => ids)) : 0;
  return leading[at] ?? null;
}

function kindOf(walk: Walk, node: OnnxNode, signals: number): LayerKind {
  if (signals > 1) return 'elementwise';
  return isPartOfBatchNorm(walk, node) ? 'batch-norm' : 'activation';
}

/** The layer whose bias a nameless Add holds: it adds an element for each filter to what the layer makes. */
function biasOf(walk: Walk, node: OnnxNode, values: readonly Value[]): Origin | null {
  if (node.opType !== 'Add' || values.length !== 2 || walk.names.of(node) !== null) return null;
  const [signal, constant] = isSignal(values[0]!) ? values : [...values].reverse();
  if (signal?.kind !== 'channels' || constant?.kind !== 'constant') return null;
  const { layer } = signal.from;
  return layer.weight !== null && constant.view.tensor.elements === layer.filters ? signal.from : null;
}

/**
 * Records a constant operand whose elements follow the channels: a bias added after a MatMul, a BatchNorm that was
 * taken apart, a PRelu slope.
 */
function followChannels(
  walk: Walk,
  node: OnnxNode,
  input: number,
  view: TensorView,
  map: ChannelMap,
  from: Origin,
  operand: Origin,
): 'placed' | 'unplaced' {
  const varying = view.dims.flatMap((size, axis) => (size > 1 ? [axis] : []));
  // Added to what a layer with weights makes, whatever the node is called.
  const isBias =
    (node.opType === 'Add' || node.opType === 'Sum') && operand.layer.weight !== null && varying.length <= 1;
  const isComputed = isPartOfBatchNorm(walk, node);
  // A layer of one filter has a bias, and a BatchNorm taken apart, of one element, which is no scalar.
  if ((isBias || isComputed) && isUniform(map) && varying.length === 0 && view.dims.length > 0)
    varying.push(view.dims.length - 1);
  else if (!varying.some((axis) => map.axes.includes(axis))) return 'placed';
  const axis = varying.length === 1 ? varying[0]! : (varying.find((at) => map.axes.includes(at)) ?? varying[0]!);
  const ids = isUniform(map) && view.dims[axis] === 1 ? map.ids : idsAlong(map, axis);
  if (ids === null || view.dims[axis] !== ids.length) return 'unplaced';
  const role = isBias ? 'bias' : (ROLES[node.opType] ?? 'constant');
  if (isComputed && view.tensor.elements === ids.length) recordNorm(node, view.tensor, from, operand);
  recordRescaling(node, from, operand);
  if (!follow(walk, node, from, { input, view, axis, ids, role, isComputed })) return 'unplaced';
  if (!isBias || view.strides[axis] === 0) return 'placed';
  operand.layer.hasBias = true;
  if (operand.layer !== from.layer) from.layer.biasOf = operand;
  return 'placed';
}

/** Keras's BatchNormalization as plain arithmetic, whose factors the exporter computed. */
function isPartOfBatchNorm(walk: Walk, node: OnnxNode): boolean {
  return walk.names.of(node)?.op.startsWith('batchnorm') ?? false;
}

/** The BatchNorm that a factor and then a shift make behind a layer with weights. */
function recordNorm(node: OnnxNode, tensor: Tensor, from: Origin, operand: Origin): void {
  const of = operand.layer.biasOf ?? operand;
  if (node.opType === 'Mul' && isBare(of.layer)) from.layer.scaling = { of, factor: tensor };
  const { scaling } = from.layer;
  if (node.opType !== 'Add' || operand.layer !== from.layer || scaling === null) return;
  const { layer, call } = scaling.of;
  layer.norms[call] = { scale: scaling.factor, shift: tensor, statistics: null, output: node.outputs[0] ?? '' };
}

/** A factor and then a summand for each filter, behind a layer with weights. */
function recordRescaling({ opType }: OnnxNode, from: Origin, operand: Origin): void {
  if (opType === 'Mul' && isBare(operand.layer)) from.layer.rescales = operand.layer;
  const { rescales } = operand.layer;
  if (opType === 'Add' && rescales !== null) rescales.isRescaled = true;
}

/**
 * Before ai.onnx 7 the second operand was placed by the attribute `axis` (PRelu's slope always on axis 1) instead of being
 * aligned on the right; here it gets the trailing axes that say the same today.
 */
function placeLegacy(walk: Walk, node: OnnxNode, values: readonly Value[]): readonly Value[] {
  const [a, b] = values;
  if (walk.opset === 0 || walk.opset >= 7 || values.length !== 2 || a === undefined || b?.kind !== 'constant')
    return values;
  const axis = node.opType === 'PRelu' ? 1 : attribute(node, 'axis', 'int');
  const rank = shapeOf(a)?.length;
  if (axis === null || rank === undefined || b.view.tensor.elements === 1) return values;
  const missing = Math.max(0, rank - normalizeAxis(axis, rank) - b.view.dims.length);
  const ones = new Array<number>(missing).fill(1);
  return [
    a,
    { kind: 'constant', view: { ...b.view, dims: [...b.view.dims, ...ones], strides: [...b.view.strides, ...ones] } },
  ];
}

/** Pads a value's axes on the left to the rank of the result, as broadcasting does. */
function align(value: Value, rank: number): Value {
  const missing = rank - (shapeOf(value)?.length ?? rank);
  if (missing <= 0) return value;
  const ones = new Array<number>(missing).fill(1);
  switch (value.kind) {
    case 'channels':
      return { ...value, map: alignedMap(value.map, rank) };
    case 'constant': {
      const { view } = value;
      return {
        kind: 'constant',
        view: { tensor: view.tensor, dims: [...ones, ...view.dims], strides: [...ones, ...view.strides] },
      };
    }
    case 'fixed':
    case 'opaque':
      return { ...value, shape: value.shape === null ? null : [...ones, ...value.shape] };
  }
}

/** Result shape of broadcasting; null where an operand's rank is unknown. */
function broadcastShape(shapes: readonly (readonly Dim[] | null)[]): readonly Dim[] | null {
  if (shapes.some((shape) => shape === null)) return null;
  const known = shapes as readonly (readonly Dim[])[];
  const rank = known.reduce((longest, shape) => Math.max(longest, shape.length), 0);
  return Array.from({ length: rank }, (_, axis) => {
    let size: Dim = 1;
    for (const shape of known) {
      const at = axis - (rank - shape.length);
      const dim = at < 0 ? 1 : (shape[at] ?? null);
      if (dim === 1) continue;
      if (dim !== null) size = dim;
      else if (size === 1) size = null;
    }
    return size;
  });
}

const bool = (holds: boolean): number => (holds ? 1 : 0);
const sum = (...terms: readonly number[]): number => terms.reduce((total, term) => total + term, 0);

const FUNCTIONS: Readonly<Record<string, Pointwise>> = {
  Pow: (a, b) => a! ** b!,
  And: (a, b) => bool(a !== 0 && b !== 0),
  Or: (a, b) => bool(a !== 0 || b !== 0),
  Xor: (a, b) => bool((a !== 0) !== (b !== 0)),
  Equal: (a, b) => bool(a === b),
  Greater: (a, b) => bool(a! > b!),
  Less: (a, b) => bool(a! < b!),
  GreaterOrEqual: (a, b) => bool(a! >= b!),
  LessOrEqual: (a, b) => bool(a! <= b!),
  Where: (condition, a, b) => (condition !== 0 ? a! : b!),
};

const divided = (_: OnnxNode, isInteger: boolean): Pointwise =>
  isInteger ? (a, b) => (b === 0 ? null : Math.trunc(a! / b!)) : (a, b) => a! / b!;

/** Mod (ai.onnx 10): the sign is the divisor's, with `fmod` the dividend's. */
const remainder = (node: OnnxNode): Pointwise =>
  intAttribute(node, 'fmod', 0) === 1 ? (a, b) => a! % b! : (a, b) => (b === 0 ? null : ((a! % b!) + b!) % b!);

const plain = (apply: Pointwise): Operator => ({ carry: elementwise, pointwise: () => apply });

const affine = (apply: Pointwise, sort: LayerSort): Operator => ({ ...plain(apply), isAffine: true, sort });

export const ARITHMETIC: Readonly<Record<string, Operator>> = {
  ...Object.fromEntries(Object.entries(FUNCTIONS).map(([op, apply]) => [op, plain(apply)])),
  Add: affine((a, b) => a! + b!, 'sum'),
  Sub: affine((a, b) => a! - b!, 'difference'),
  Mul: affine((a, b) => a! * b!, 'product'),
  Sum: affine(sum, 'sum'),
  Div: { carry: elementwise, pointwise: divided, isAffine: true, sort: 'quotient' },
  Max: { ...plain(Math.max), sort: 'maximum' },
  Min: { ...plain(Math.min), sort: 'minimum' },
  Mean: { ...plain((...terms) => sum(...terms) / terms.length), sort: 'mean' },
  PRelu: { ...plain((x, slope) => (x! < 0 ? x! * slope! : x!)), sort: 'prelu' },
  Mod: { carry: elementwise, pointwise: remainder },
};
