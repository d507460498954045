import { InputError } from '../config/errors.ts';
import type { OnnxNode, OnnxTensor } from '../onnx/index.ts';
import { isFloat } from '../onnx/index.ts';
import type { Dim } from './channels.ts';
import { alongAxis, FIXED_CHANNEL, idsAlong, rowMajorStrides } from './channels.ts';
import type { Origin, Signal, Value } from './drafts.ts';
import { convSpatial, convTransposeSpatial } from './spatial.ts';
import type { TensorView } from './tensor-view.ts';
import type { Channels, LayerKind, Opaque, Weight } from './types.ts';
import type { Handler, Walk } from './walk.ts';
import { attribute, input, intAttribute, isSignal, normalizeAxis, setOpaque, setOutput, shapeOf } from './walk.ts';
import { weightedName } from './weighted-names.ts';

/** Conv (ai.onnx): weight [out, in / group, ...kernel]. */
export const conv: Handler = (walk, node) => {
  const x = input(walk, node, 0);
  const view = constantInput(walk, node, 1);
  if (!isSignal(x)) return setOutput(walk, node, { kind: 'fixed', shape: null, from: null });
  if (view === null || view.dims.length < 3)
    return setOpaque(walk, node, `${node.opType} with a weight computed at run time`);
  const groups = intAttribute(node, 'group', 1);
  const [outCount = 0, inCount = 0] = view.dims;
  const isDepthwise = groups > 1 && inCount === 1 && outCount % groups === 0;
  const weight = weightOf(node, view, 0, 1);
  const spatial = convSpatial(node, shapeOf(x), view.dims.slice(2));
  const origin = placeProducer(walk, node, isDepthwise ? 'depthwise' : 'conv', weight, outCount);
  origin.layer.groups = groups;
  finish(walk, node, x, origin, {
    axis: 1,
    outAxis: 1,
    inTotal: inCount * groups,
    outShape: [shapeOf(x)?.[0] ?? null, outCount, ...spatial],
    spatial,
  });
  if (isDepthwise && outCount === groups) coupleDepthwise(walk, origin);
  followBias(walk, node, 2, origin);
};

/** ConvTranspose (ai.onnx): weight [in, out / group, ...kernel]. */
export const convTranspose: Handler = (walk, node) => {
  const x = input(walk, node, 0);
  const view = constantInput(walk, node, 1);
  if (!isSignal(x)) return setOutput(walk, node, { kind: 'fixed', shape: null, from: null });
  if (view === null || view.dims.length < 3)
    return setOpaque(walk, node, `${node.opType} with a weight computed at run time`);
  const groups = intAttribute(node, 'group', 1);
  const outCount = view.dims[1]! * groups;
  const spatial = convTransposeSpatial(node, shapeOf(x), view.dims.slice(2));
  const origin = placeProducer(walk, node, 'conv-transpose', weightOf(node, view, 1, 0), outCount);
  origin.layer.groups = groups;
  finish(walk, node, x, origin, {
    axis: 1,
    outAxis: 1,
    inTotal: view.dims[0]!,
    outShape: [shapeOf(x)?.[0] ?? null, outCount, ...spatial],
    spatial: shapeOf(x)?.slice(2) ?? [null],
  });
  followBias(walk, node, 2, origin);
};

/** MatMul with a constant on either side is a dense layer: x[.., in] W[in, out] or W[out, in] x[in, ..]. */
export const matMul: Handler = (walk, node) => {
  const left = input(walk, node, 0);
  const right = input(walk, node, 1);
  const onRight = right?.kind === 'constant';
  const view = constantInput(walk, node, onRight ? 1 : 0);
  const x = onRight ? left : right;
  if (!isSignal(x)) return setOutput(walk, node, { kind: 'fixed', shape: null, from: null });
  if (view === null || view.dims.length !== 2) return setOpaque(walk, node);
  const shape = shapeOf(x);
  const rank = shape?.length ?? 2;
  const axis = onRight ? rank - 1 : rank - 2;
  dense(walk, node, x, { view, outAxis: onRight ? 1 : 0, axis, rank });
};

/** Gemm (ai.onnx): alpha * A' B' + beta * C with A' = A or its transpose. */
export const gemm: Handler = (walk, node) => {
  const x = input(walk, node, 0);
  const view = constantInput(walk, node, 1);
  if (!isSignal(x)) return setOutput(walk, node, { kind: 'fixed', shape: null, from: null });
  if (view === null || view.dims.length !== 2) return setOpaque(walk, node);
  const transA = intAttribute(node, 'transA', 0) === 1;
  const transB = intAttribute(node, 'transB', 0) === 1;
  const origin = dense(walk, node, x, { view, outAxis: transB ? 0 : 1, axis: transA ? 0 : 1, rank: 2, outputAxis: 1 });
  if (origin !== null) followBias(walk, node, 2, origin);
};

interface DenseShape {
  readonly view: TensorView;
  /** The axis of `view` that runs over the layer's outputs. */
  readonly outAxis: 0 | 1;
  /** The axis of x that is summed over. */
  readonly axis: number;
  readonly rank: number;
  readonly outputAxis?: number;
}

function dense(walk: Walk, node: OnnxNode, x: Signal, at: DenseShape): Origin | null {
  const outCount = at.view.dims[at.outAxis]!;
  const inTotal = at.view.dims[1 - at.outAxis]!;
  const shape = shapeOf(x);
  const outputAxis = at.outputAxis ?? at.axis;
  const outShape: Dim[] | null = shape === null ? null : [...shape];
  if (outShape !== null) outShape[outputAxis] = outCount;
  const spatial = shape === null ? [null] : shape.filter((_, axis) => axis !== at.axis).slice(1);
  // Channels along another axis than the one summed over would survive beside the new ones.
  if (x.kind === 'channels' && idsAlong(x.map, at.axis) === null) {
    const from = placeProducer(walk, node, 'dense', weightOf(node, at.view, at.outAxis, 1 - at.outAxis), outCount);
    from.layer.calls[from.call]!.columns = { opaque: `${node.opType} over an axis without channels` };
    setOutput(walk, node, { kind: 'opaque', op: node.opType, shape: outShape, from });
    return null;
  }
  const origin = placeProducer(walk, node, 'dense', weightOf(node, at.view, at.outAxis, 1 - at.outAxis), outCount);
  finish(walk, node, x, origin, {
    axis: at.axis,
    outAxis: outputAxis,
    inTotal,
    outShape: outShape ?? Array.from({ length: at.rank }, (_, k) => (k === outputAxis ? outCount : null)),
    spatial,
  });
  return origin;
}

interface Finish {
  /** Channel axis of the operand and of the result. */
  readonly axis: number;
  readonly outAxis: number;
  readonly inTotal: number;
  readonly outShape: readonly Dim[];
  /** Sizes whose product is the number of times the kernel is applied to one sample. */
  readonly spatial: readonly Dim[];
}

/** Records where a call's input columns come from, and its output's channels. */
function finish(walk: Walk, node: OnnxNode, x: Signal, origin: Origin, at: Finish): void {
  const call = origin.layer.calls[origin.call]!;
  call.columns = columnsOf(x, at.axis, at.inTotal);
  call.positions = at.spatial.reduce<Dim>((n, size) => (n === null || size === null ? null : n * size), 1);
  const { layer } = origin;
  const ids = Int32Array.from({ length: layer.filters }, (_, k) => layer.firstChannel + k);
  setOutput(walk, node, { kind: 'channels', map: alongAxis(at.outShape, at.outAxis, ids), from: origin });
}

function columnsOf(x: Value, axis: number, inTotal: number): Channels {
  if (x.kind === 'fixed') return new Int32Array(inTotal).fill(FIXED_CHANNEL);
  if (x.kind === 'opaque') return { opaque: x.op };
  const ids = x.kind === 'channels' ? idsAlong(x.map, axis) : null;
  if (ids === null || ids.length !== inTotal) return { opaque: 'channels that are not along one axis' };
  return ids;
}

function coupleDepthwise(walk: Walk, origin: Origin): void {
  const { layer } = origin;
  const columns = layer.calls[origin.call]!.columns;
  if (!(columns instanceof Int32Array)) return;
  const own = Int32Array.from({ length: layer.filters }, (_, k) => layer.firstChannel + k);
  walk.couplings.push({ layer: layer.name, op: 'depthwise', operands: [columns, own] });
}

function constantInput(walk: Walk, node: OnnxNode, k: number): TensorView | null {
  const value = input(walk, node, k);
  if (value?.kind !== 'constant') return null;
  const { tensor } = value.view;
  if (/^u?int[248]$/.test(tensor.dtype)) {
    throw new InputError('quantized weights cannot be checked; give the model before quantization', {
      file: walk.file.model.path,
      key: tensor.name,
      value: tensor.dtype,
    });
  }
  return value.view;
}

function weightOf(node: OnnxNode, view: TensorView, outAxis: number, inAxis: number): Weight | Opaque {
  if (!isFloat(view.tensor.dtype)) return { opaque: `${node.opType} with a ${view.tensor.dtype} weight` };
  return {
    tensor: view.tensor,
    outCount: view.dims[outAxis]!,
    outStride: view.strides[outAxis]!,
    inCount: view.dims[inAxis]!,
    inStride: view.strides[inAxis]!,
    kernelOffsets: offsetsOver(view.dims.slice(2), view.strides.slice(2)),
    rowScale: null,
  };
}

function offsetsOver(dims: readonly number[], strides: readonly number[]): Int32Array {
  const steps = rowMajorStrides(dims);
  const total = dims.reduce((n, d) => n * d, 1);
  return Int32Array.from({ length: total }, (_, n) =>
    dims.reduce((offset, size, k) => offset + (Math.floor(n / steps[k]!) % size) * strides[k]!, 0),
  );
}

function placeProducer(walk: Walk, node: OnnxNode, kind: LayerKind, weight: Weight | Opaque, outCount: number): Origin {
  const named = weightedName(walk, node);
  const tensorName = 'opaque' in weight ? node.name : weight.tensor.name;
  const origin = walk.drafts.placeWeighted(node, kind, named, tensorName, walk.values);
  const { layer } = origin;
  if (layer.weight === null) {
    layer.weight = weight;
    layer.filters = outCount;
    layer.firstChannel = walk.channels.claim(layer.id, outCount);
    layer.weightNames.push(tensorName, ...node.inputs.slice(2));
  }
  return origin;
}

function followBias(walk: Walk, node: OnnxNode, k: number, origin: Origin): void {
  const value = input(walk, node, k);
  if (value?.kind !== 'constant') return;
  const { layer } = origin;
  const axis = value.view.dims.length - 1;
  if (value.view.dims[axis] !== layer.filters) return;
  // A layer called twice has one bias.
  if (layer.hasBias) return;
  layer.hasBias = true;
  walk.followers.push({
    layer: layer.name,
    role: 'bias',
    tensor: value.view.tensor,
    stride: value.view.strides[axis]!,
    channels: Int32Array.from({ length: layer.filters }, (_, c) => layer.firstChannel + c),
    isComputed: false,
  });
}

/** BatchNormalization (ai.onnx): scale, B, mean, var of length C follow the channels of axis 1. */
export const batchNorm: Handler = (walk, node) => {
  normalization(walk, node, ['scale', 'shift', 'mean', 'variance'], 1);
  const x = input(walk, node, 0);
  if (!isSignal(x) || x.kind !== 'channels') return;
  const { layer } = x.from;
  const isBare = layer.parts.every(({ op }) => op === 'Conv' || op === 'Add') && layer.parts[0]?.op === 'Conv';
  const [scale, shift, mean, variance] = [1, 2, 3, 4].map((k) => constantTensorOf(input(walk, node, k)));
  if (!isBare || layer.calls.length > 1 || !scale || !shift || !mean || !variance) return;
  layer.norm = { scale, shift, mean, variance, epsilon: attribute(node, 'epsilon', 'float') ?? 1e-5 };
};

function constantTensorOf(value: Value | null): OnnxTensor | null {
  return value?.kind === 'constant' ? value.view.tensor : null;
}

/** InstanceNormalization, LayerNormalization, GroupNormalization: a scale and a shift that follow the channels. */
export const instanceNorm: Handler = (walk, node) => normalization(walk, node, ['scale', 'shift'], 1);
export const layerNorm: Handler = (walk, node) => {
  const rank = shapeOf(input(walk, node, 0))?.length ?? 2;
  normalization(walk, node, ['scale', 'shift'], normalizeAxis(attribute(node, 'axis', 'int') ?? -1, rank));
};

function normalization(
  walk: Walk,
  node: OnnxNode,
  roles: readonly ('scale' | 'shift' | 'mean' | 'variance')[],
  axis: number,
): void {
  const x = input(walk, node, 0);
  if (!isSignal(x)) return setOpaque(walk, node);
  const from = walk.drafts.place(node, 'batch-norm', walk.values);
  if (x.kind === 'opaque') return setOutput(walk, node, { ...x, from });
  if (x.kind === 'fixed') return setOutput(walk, node, { kind: 'fixed', shape: x.shape, from });
  const ids = x.kind === 'channels' ? idsAlong(x.map, axis) : null;
  const vectors = roles.map((_, k) => input(walk, node, k + 1));
  const understood =
    x.kind === 'channels' &&
    ids !== null &&
    vectors.every((v) => v === null || (v.kind === 'constant' && v.view.tensor.elements === ids.length));
  if (!understood) return setOutput(walk, node, { kind: 'opaque', op: node.opType, shape: shapeOf(x), from });
  vectors.forEach((value, k) => {
    if (value?.kind !== 'constant') return;
    walk.followers.push({
      layer: from.layer.name,
      role: roles[k]!,
      tensor: value.view.tensor,
      stride: 1,
      channels: ids,
      isComputed: false,
    });
  });
  setOutput(walk, node, { kind: 'channels', map: x.map, from });
}
