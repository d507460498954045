import { InputError } from '../errors/input-error.ts';
import type { OnnxNode } from '../onnx/index.ts';
import { isFloat } from '../onnx/index.ts';
import type { Dim } from './channels.ts';
import { alongAxis, FIXED_CHANNEL, filled, idsAlong, MAX_POSITIONS, rowMajorStrides } from './channels.ts';
import type { KernelSite } from './cut-sites.ts';
import type { Origin, Signal, Value } from './drafts.ts';
import { convSpatial, convTransposeSpatial } from './spatial.ts';
import type { TensorView } from './tensor-view.ts';
import type { Channels, LayerKind, Opaque, Weight } from './types.ts';
import type { Handler, Walk } from './walk.ts';
import { hasInput, input, intAttribute, isSignal, setOpaque, setOutput, shapeOf } from './walk.ts';
import { weightedName } from './weighted-names.ts';

/** Conv (ai.onnx): weight [out, in / group, ...kernel]. */
export const conv: Handler = (walk, node) => {
  const x = input(walk, node, 0) ?? NOTHING;
  const view = convWeight(walk, node);
  if (view === null) return;
  const groups = intAttribute(node, 'group', 1);
  const [outCount = 0, inCount = 0] = view.dims;
  if (groups < 1 || outCount % groups !== 0) return setOpaque(walk, node, `${node.opType} in ${groups} groups`);
  const isDepthwise = groups > 1 && inCount === 1 && outCount % groups === 0;
  const weight = weightOf(node, view, 0, 1);
  const spatial = convSpatial(node, shapeOf(x), view.dims.slice(2));
  const origin = placeProducer(walk, node, isDepthwise ? 'depthwise' : 'conv', weight, outCount, groups);
  finish(walk, node, x, origin, {
    axis: 1,
    outAxis: 1,
    inTotal: inCount * groups,
    outShape: [shapeOf(x)?.[0] ?? null, outCount, ...spatial],
    spatial,
  });
  if (isDepthwise && outCount === groups) coupleDepthwise(walk, origin);
  addKernelSite(walk, node, origin, { view, input: 1, outAxis: 0, inAxis: 1, axisOfGroup: 1, groupAttribute: 'group' });
  followBias(walk, node, 2, origin);
};

/** ConvTranspose (ai.onnx): weight [in, out / group, ...kernel]. */
export const convTranspose: Handler = (walk, node) => {
  const x = input(walk, node, 0) ?? NOTHING;
  const view = convWeight(walk, node);
  if (view === null) return;
  const groups = intAttribute(node, 'group', 1);
  if (groups < 1 || view.dims[0]! % groups !== 0) return setOpaque(walk, node, `${node.opType} in ${groups} groups`);
  const outCount = view.dims[1]! * groups;
  const spatial = convTransposeSpatial(node, shapeOf(x), view.dims.slice(2));
  const origin = placeProducer(walk, node, 'conv-transpose', weightOf(node, view, 1, 0), outCount, groups);
  finish(walk, node, x, origin, {
    axis: 1,
    outAxis: 1,
    inTotal: view.dims[0]!,
    outShape: [shapeOf(x)?.[0] ?? null, outCount, ...spatial],
    spatial: shapeOf(x)?.slice(2) ?? [null],
  });
  addKernelSite(walk, node, origin, { view, input: 1, outAxis: 1, inAxis: 0, axisOfGroup: 1, groupAttribute: 'group' });
  followBias(walk, node, 2, origin);
};

/** What a layer reads whose input is not computed from the model's inputs: it still has weights to check. */
const NOTHING: Value = { kind: 'fixed', shape: null, from: null };

/** The weight of a Conv or ConvTranspose; null, and its output opaque, where it is not a constant that can be followed. */
function convWeight(walk: Walk, node: OnnxNode): TensorView | null {
  const view = constantInput(walk, node, 1);
  if (view !== null && view.dims.length > 2 && isUsable(view) && hasConstantBias(walk, node)) return view;
  setOpaque(
    walk,
    node,
    hasConstantBias(walk, node)
      ? `${node.opType} with a weight computed at run time`
      : `${node.opType} with a bias computed at run time`,
  );
  return null;
}

/** Integer arithmetic throughout: the weight is input `k`, and quantized. */
export const quantized =
  (k: number): Handler =>
  (walk, node) => {
    constantInput(walk, node, k);
    setOpaque(walk, node);
  };

/** Empty weights have no rows to check, and dimensions of any size. */
function isUsable(view: TensorView): boolean {
  return view.tensor.elements > 0 && view.dims.every((size) => size <= MAX_POSITIONS);
}

function hasConstantBias(walk: Walk, node: OnnxNode): boolean {
  return !hasInput(node, 2) || input(walk, node, 2)?.kind === 'constant';
}

/** MatMul with a constant on either side is a dense layer: x[.., in] W[in, out] or W[out, in] x[in, ..]. */
export const matMul: Handler = (walk, node) => {
  const onRight = input(walk, node, 1)?.kind === 'constant';
  const view = constantInput(walk, node, onRight ? 1 : 0);
  const x = input(walk, node, onRight ? 0 : 1);
  if (view === null || view.dims.length !== 2 || !isUsable(view) || !isSignal(x)) return setOpaque(walk, node);
  const rank = shapeOf(x)?.length ?? null;
  const axis = rank === null ? null : Math.max(0, onRight ? rank - 1 : rank - 2);
  dense(walk, node, x, { view, input: onRight ? 1 : 0, outAxis: onRight ? 1 : 0, axis, outputAxis: axis });
};

/** Gemm (ai.onnx): alpha * A' B' + beta * C with A' = A or its transpose. */
export const gemm: Handler = (walk, node) => {
  const x = input(walk, node, 0);
  const view = constantInput(walk, node, 1);
  if (view === null || view.dims.length !== 2 || !isUsable(view) || !isSignal(x)) return setOpaque(walk, node);
  if (!hasConstantBias(walk, node)) return setOpaque(walk, node, 'Gemm with a bias computed at run time');
  const transA = intAttribute(node, 'transA', 0) === 1;
  const transB = intAttribute(node, 'transB', 0) === 1;
  const origin = dense(walk, node, x, {
    view,
    input: 1,
    outAxis: transB ? 0 : 1,
    axis: transA ? 0 : 1,
    outputAxis: 1,
  });
  if (origin !== null) followBias(walk, node, 2, origin);
};

interface DenseShape {
  readonly view: TensorView;
  /** The input that `view` is. */
  readonly input: number;
  /** The axis of `view` that runs over the layer's outputs. */
  readonly outAxis: 0 | 1;
  /** The axis of x that is summed over, and that of the outputs; null where the rank of x is not known. */
  readonly axis: number | null;
  readonly outputAxis: number | null;
}

function dense(walk: Walk, node: OnnxNode, x: Signal, at: DenseShape): Origin | null {
  const { axis, outputAxis } = at;
  const outCount = at.view.dims[at.outAxis]!;
  const inTotal = at.view.dims[1 - at.outAxis]!;
  const shape = shapeOf(x);
  const rest = shape?.filter((_, k) => k !== axis) ?? [null, null];
  const origin = placeProducer(walk, node, 'dense', weightOf(node, at.view, at.outAxis, 1 - at.outAxis), outCount, 1);
  const outShape = outputAxis === null ? null : rest.toSpliced(outputAxis, 0, outCount);
  const inAxis = 1 - at.outAxis;
  addKernelSite(walk, node, origin, { ...at, inAxis, axisOfGroup: inAxis, groupAttribute: null });
  // Channels along another axis than the one summed over would survive beside the new ones.
  const survives = x.kind === 'channels' && (axis === null || idsAlong(x.map, axis) === null);
  if (survives || axis === null || outputAxis === null || outShape === null) {
    const columns =
      x.kind === 'channels' ? { opaque: `${node.opType} over an axis without channels` } : columnsOf(x, 0, inTotal);
    origin.layer.calls[origin.call]!.columns = columns;
    setOutput(walk, node, { kind: 'opaque', op: node.opType, shape: outShape, from: origin });
    return null;
  }
  finish(walk, node, x, origin, { axis, outAxis: outputAxis, inTotal, outShape, spatial: rest.slice(1) });
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
function finish(walk: Walk, node: OnnxNode, x: Value, origin: Origin, at: Finish): void {
  const call = origin.layer.calls[origin.call]!;
  call.columns = columnsOf(x, at.axis, at.inTotal);
  call.positions = at.spatial.reduce<Dim>((n, size) => (n === null || size === null ? null : n * size), 1);
  const { layer } = origin;
  const ids = Int32Array.from({ length: layer.filters }, (_, k) => layer.firstChannel + k);
  setOutput(walk, node, { kind: 'channels', map: alongAxis(at.outShape, at.outAxis, ids), from: origin });
}

function columnsOf(x: Value, axis: number, inTotal: number): Channels {
  if (x.kind === 'fixed') return filled(inTotal, FIXED_CHANNEL) ?? { opaque: 'more channels than can be followed' };
  if (x.kind === 'opaque') return { opaque: x.op };
  const ids = x.kind === 'channels' ? idsAlong(x.map, axis) : null;
  if (ids === null || ids.length !== inTotal) return { opaque: 'channels that are not along one axis' };
  return ids;
}

function addKernelSite(
  walk: Walk,
  node: OnnxNode,
  { layer, call }: Origin,
  { view, input, outAxis, inAxis, axisOfGroup, groupAttribute }: Omit<KernelSite, 'kind' | 'node' | 'layer' | 'call'>,
): void {
  const axes = { outAxis, inAxis, axisOfGroup, groupAttribute };
  walk.sites.push({ kind: 'kernel', node, input, view, layer: layer.id, call, ...axes });
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
      file: walk.model.name,
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

function placeProducer(
  walk: Walk,
  node: OnnxNode,
  kind: LayerKind,
  weight: Weight | Opaque,
  outCount: number,
  groups: number,
): Origin {
  const named = weightedName(walk, node);
  const origin = walk.drafts.placeWeighted(node, { kind, name: named, weight, groups }, walk.values);
  const { layer } = origin;
  if (layer.weight === null) {
    layer.weight = weight;
    layer.groups = groups;
    layer.filters = outCount;
    layer.firstChannel = walk.channels.claim(layer.id, outCount);
    layer.weightNames.push('opaque' in weight ? node.name : weight.tensor.name);
  }
  const bias = node.inputs[2];
  if (bias !== undefined && !layer.weightNames.includes(bias)) layer.weightNames.push(bias);
  return origin;
}

/** Records a bias of one element for each filter; any other makes the output opaque. A layer called twice may have one bias. */
function followBias(walk: Walk, node: OnnxNode, k: number, origin: Origin): void {
  const value = input(walk, node, k);
  if (value?.kind !== 'constant') return;
  const { layer } = origin;
  const { tensor, dims, strides } = value.view;
  // One number for all filters follows none of them, and folding does not leave it.
  const axis = dims.length - 1;
  const channels = Int32Array.from({ length: layer.filters }, (_, c) => layer.firstChannel + c);
  const isExpanded = axis >= 0 && dims[axis] === layer.filters;
  if (isExpanded) walk.sites.push({ kind: 'vector', node, input: k, view: value.view, axis, channels });
  if (tensor.elements === 1 && layer.filters !== 1) return;
  layer.hasBias = true;
  if (tensor.elements !== layer.filters || (axis >= 0 && dims[axis] !== layer.filters)) {
    const known = walk.values.get(node.outputs[0] ?? '') ?? null;
    return setOutput(walk, node, {
      kind: 'opaque',
      op: `${node.opType} with a bias of another shape`,
      shape: shapeOf(known),
      from: origin,
    });
  }
  if (layer.biases.has(tensor)) return;
  layer.biases.add(tensor);
  walk.followers.push({
    layer: layer.name,
    role: 'bias',
    tensor,
    stride: strides[axis] ?? 1,
    channels,
    isComputed: false,
  });
}
