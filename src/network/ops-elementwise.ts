import type { OnnxNode } from '../onnx/index.ts';
import type { ChannelMap, Dim } from './channels.ts';
import { FIXED_CHANNEL, idsAlong, isUniform } from './channels.ts';
import type { Origin, Value } from './drafts.ts';
import { withShape } from './ops-layout.ts';
import type { TensorView } from './tensor-view.ts';
import type { FollowerRole } from './types.ts';
import type { Handler, Walk } from './walk.ts';
import { attribute, input, isSignal, normalizeAxis, setOpaque, setOutput, shapeOf } from './walk.ts';

/** Operators that work on each element alone, or along channels without moving them. */
export const unary: Handler = (walk, node) => passThrough(walk, node, 'activation');
export const softmax: Handler = (walk, node) => passThrough(walk, node, 'softmax');

function passThrough(walk: Walk, node: OnnxNode, kind: 'activation' | 'softmax'): void {
  const value = input(walk, node, 0);
  if (!isSignal(value)) return setOutput(walk, node, { kind: 'fixed', shape: shapeOf(value), from: null });
  const from = walk.drafts.place(node, kind, walk.values);
  setOutput(
    walk,
    node,
    value.kind === 'channels' ? { kind: 'channels', map: value.map, from } : withShape(value, value.shape, from),
  );
  if (value.kind === 'channels' && mixes(walk, node, value.map))
    walk.sites.push({ kind: 'mix', node, channels: value.map.ids });
}

/** Whether an operator that keeps the shape looks at several channels at once. */
function mixes(walk: Walk, node: OnnxNode, { shape, axes }: ChannelMap): boolean {
  const over = (axis: number): boolean => axes.includes(normalizeAxis(axis, shape.length));
  switch (node.opType) {
    case 'LRN':
      return over(1);
    case 'LpNormalization':
      return over(attribute(node, 'axis', 'int') ?? -1);
    case 'MeanVarianceNormalization':
      return (attribute(node, 'axes', 'ints') ?? [0, 2, 3]).some(over);
    case 'Softmax':
    case 'LogSoftmax':
    case 'Hardmax': {
      // Before ai.onnx 13 all axes from `axis` on were one.
      const axis = attribute(node, 'axis', 'int') ?? (walk.opset >= 13 ? -1 : 1);
      return walk.opset >= 13 ? over(axis) : axes.some((own) => own >= normalizeAxis(axis, shape.length));
    }
    default:
      return false;
  }
}

const ROLES: Readonly<Record<string, FollowerRole>> = {
  Add: 'shift',
  Sub: 'shift',
  Mul: 'scale',
  Div: 'scale',
  PRelu: 'slope',
};

/** Add, Mul, Max, ... of any number of operands with numpy broadcasting (onnx/docs/Broadcasting.md). */
export const elementwise: Handler = (walk, node) => {
  const operands = node.inputs.map((_, k) => input(walk, node, k));
  if (operands.some((operand) => operand === null)) return setOpaque(walk, node);
  const values = placeLegacy(walk, node, operands as Value[]);
  const shape = broadcastShape(values.map(shapeOf));
  const signals = values.filter(isSignal);
  if (signals.length === 0) return setOutput(walk, node, { kind: 'fixed', shape, from: null });
  const from =
    biasOf(walk, node, values) ??
    walk.drafts.place(node, signals.length > 1 ? 'elementwise' : 'activation', walk.values);

  const unknown = signals.find((value) => value.kind === 'opaque');
  if (unknown !== undefined && unknown.kind === 'opaque') {
    return setOutput(walk, node, { kind: 'opaque', op: unknown.op, shape, from });
  }
  const aligned = values.map((value) => align(value, shape?.length ?? shapeOf(value)?.length ?? 0));
  const maps = aligned.flatMap((value) => (value.kind === 'channels' ? [value.map] : []));
  // The operand with the most channels leads: the others are broadcast to it, or tied to it.
  const lead = maps.reduce<ChannelMap | null>(
    (best, map) => (best === null || map.ids.length > best.ids.length ? map : best),
    null,
  );
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
    } else if (value.kind === 'fixed' && !isUniform(lead) && lead.axes.some((axis) => value.shape?.[axis] !== 1)) {
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

/** The layer whose bias a nameless Add holds: it adds an element for each filter to what the layer makes. */
function biasOf(walk: Walk, node: OnnxNode, values: readonly Value[]): Origin | null {
  if (node.opType !== 'Add' || values.length !== 2 || walk.names.parse(node.name) !== null) return null;
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
  // Added to what a layer with weights makes, whatever the node is called.
  const isBias = node.opType === 'Add' && operand.layer.weight !== null;
  const varying = view.dims.flatMap((size, axis) => (size > 1 ? [axis] : []));
  // A layer of one filter has a bias of one element, which is no scalar.
  if (isBias && isUniform(map) && varying.length === 0 && view.dims.length > 0) varying.push(view.dims.length - 1);
  else if (!varying.some((axis) => map.axes.includes(axis))) return 'placed';
  const axis = varying[0]!;
  const ids = isUniform(map) && view.dims[axis] === 1 ? map.ids : idsAlong(map, axis);
  if (varying.length > 1 || ids === null || view.dims[axis] !== ids.length) return 'unplaced';
  walk.sites.push({ kind: 'vector', node, input, view, axis, channels: ids });
  // One number for all channels follows none of them.
  if (view.strides[axis] === 0) return 'placed';
  if (isBias) operand.layer.hasBias = true;
  if (isBias && operand.layer !== from.layer) from.layer.biasOf = operand;
  walk.followers.push({
    layer: from.layer.name,
    role: isBias ? 'bias' : (ROLES[node.opType] ?? 'constant'),
    tensor: view.tensor,
    stride: view.strides[axis]!,
    channels: ids,
    isComputed: walk.names.parse(node.name)?.op.startsWith('batchnorm') ?? false,
  });
  return 'placed';
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
    case 'channels': {
      const { map } = value;
      const axes = map.axes.map((axis) => axis + missing);
      return { kind: 'channels', map: { shape: [...ones, ...map.shape], axes, ids: map.ids }, from: value.from };
    }
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
