import { InputError } from '../../errors/input-error.ts';
import type { OnnxNode } from '../../onnx/index.ts';
import { isFloat } from '../../onnx/index.ts';
import type { Dim } from '../channels.ts';
import { alongAxis, FIXED_CHANNEL, filled, idsAlong, MAX_POSITIONS } from '../channels.ts';
import type { KernelSite } from '../cut-sites.ts';
import type { LayerDraft, Origin, Value } from '../drafts.ts';
import { weightedName } from '../names/weighted.ts';
import { sequence } from '../range.ts';
import { rowMajorStrides } from '../strided.ts';
import type { TensorView } from '../tensor-view.ts';
import type { Channels, LayerKind, Opaque, Weight } from '../types.ts';
import { hasInput, input, setOutput, shapeOf, type Walk } from '../walk.ts';

/** What a layer reads whose input is not computed from the model's inputs: it still has weights to check. */
export const NOTHING: Value = { kind: 'fixed', shape: null, from: null };

/** Empty weights have no rows to check, and dimensions of any size. */
export function isUsable(view: TensorView): boolean {
  return view.tensor.elements > 0 && view.dims.every((size) => size <= MAX_POSITIONS);
}

export function hasConstantBias(walk: Walk, node: OnnxNode): boolean {
  return !hasInput(node, 2) || input(walk, node, 2)?.kind === 'constant';
}

export interface Finish {
  /** Channel axis of the operand and of the result. */
  readonly axis: number;
  readonly outAxis: number;
  readonly inTotal: number;
  readonly outShape: readonly Dim[];
  /** Sizes whose product is the number of times the kernel is applied to one sample. */
  readonly spatial: readonly Dim[];
}

/** Records where a call's input columns come from, and its output's channels. */
export function finish(walk: Walk, node: OnnxNode, x: Value, origin: Origin, at: Finish): void {
  const call = origin.layer.calls[origin.call]!;
  call.columns = columnsOf(x, at.axis, at.inTotal);
  call.positions = at.spatial.reduce<Dim>((n, size) => (n === null || size === null ? null : n * size), 1);
  const { layer } = origin;
  const ids = sequence(layer.filters, layer.firstChannel);
  setOutput(walk, node, { kind: 'channels', map: alongAxis(at.outShape, at.outAxis, ids), from: origin });
}

export function columnsOf(x: Value, axis: number, inTotal: number): Channels {
  if (x.kind === 'fixed') return filled(inTotal, FIXED_CHANNEL) ?? { opaque: 'more channels than can be followed' };
  if (x.kind === 'opaque') return { opaque: x.op };
  const ids = x.kind === 'channels' ? idsAlong(x.map, axis) : null;
  if (ids === null || ids.length !== inTotal) return { opaque: 'channels that are not along one axis' };
  return ids;
}

export function addKernelSite(
  walk: Walk,
  node: OnnxNode,
  { layer, call }: Origin,
  { view, input, outAxis, inAxis, axisOfGroup, groupAttribute }: Omit<KernelSite, 'kind' | 'node' | 'layer' | 'call'>,
): void {
  const axes = { outAxis, inAxis, axisOfGroup, groupAttribute };
  walk.sites.push({ kind: 'kernel', node, input, view, layer: layer.id, call, ...axes });
}

export function coupleDepthwise(walk: Walk, origin: Origin): void {
  const { layer } = origin;
  const columns = layer.calls[origin.call]!.columns;
  if (!(columns instanceof Int32Array)) return;
  const own = sequence(layer.filters, layer.firstChannel);
  walk.couplings.push({ layer: layer.name, op: 'depthwise', operands: [columns, own] });
}

export function constantInput(walk: Walk, node: OnnxNode, k: number): TensorView | null {
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

export function weightOf(node: OnnxNode, view: TensorView, outAxis: number, inAxis: number): Weight | Opaque {
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
  if (total === 1) return Int32Array.of(0);
  return Int32Array.from({ length: total }, (_, n) =>
    dims.reduce((offset, size, k) => offset + (Math.floor(n / steps[k]!) % size) * strides[k]!, 0),
  );
}

export function placeProducer(
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

/** Kinds of layers into which exporters fold the BatchNorm behind them. */
const FOLDABLE: ReadonlySet<LayerKind> = new Set(['conv', 'depthwise', 'conv-transpose', 'dense']);

/** Whether nothing of a layer but its kernel and bias has come yet, so that a BatchNorm behind it could be folded in. */
export function isBare({ parts, weight }: LayerDraft): boolean {
  return parts.every(({ kind, op }) => FOLDABLE.has(kind) || op === 'Add') && weight !== null;
}

/** Records a bias of one element for each filter; any other makes the output opaque. A layer called twice may have one bias. */
export function followBias(walk: Walk, node: OnnxNode, k: number, origin: Origin): void {
  const value = input(walk, node, k);
  if (value?.kind !== 'constant') return;
  const { layer } = origin;
  const { tensor, dims, strides } = value.view;
  // One number for all filters follows none of them, and folding does not leave it.
  const axis = dims.length - 1;
  const channels = sequence(layer.filters, layer.firstChannel);
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
