import type { OnnxNode } from '../../onnx/index.ts';
import { someRows } from '../assembled.ts';
import { channelsAt, isUniform, pickMap } from '../channels.ts';
import { integerList, integersOf, numbersOf } from '../constants.ts';
import { stridedNumbers } from '../numbers.ts';
import { positionsOf, type Range, rangeOf } from '../range.ts';
import { rowMajorStrides } from '../strided.ts';
import type { TensorView } from '../tensor-view.ts';
import {
  attribute,
  type Carry,
  hasInput,
  input,
  isSignal,
  normalizeAxis,
  setOpaque,
  setOutput,
  shapeOf,
  type Walk,
} from '../walk.ts';
import { carry } from './carry.ts';
import { type Form, listed, type NodeFacts, operation, SAME, type Setting, SOME } from './form.ts';
import type { Evaluate, Operator } from './operator.ts';
import { isSqueezed } from './split.ts';

/** Slice: on spatial axes channels pass; on the channel axis they are picked, if the range is constant. */
const slice: Carry = (walk, node) => {
  const value = input(walk, node, 0);
  const shape = shapeOf(value);
  if (value?.kind === 'constant') return sliceConstant(walk, node, value.view);
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
    if (range === null || range.count === 0) return setOpaque(walk, node);
    walk.sites.push({
      kind: 'range',
      node,
      starts: hasInput(node, 1) ? { input: 1 } : { attribute: 'starts' },
      ends: hasInput(node, 2) ? { input: 2 } : { attribute: 'ends' },
      startValues: starts ?? [],
      endValues: ends ?? [],
      at: k,
      range,
      ...channelsAt(map, axis),
    });
    map = pickMap(map, axis, positionsOf(range));
  }
  if (map === null) return carry(walk, node, 'crop', value, sliced);
  const op = partOf(walk, node);
  const from = walk.drafts.place(node, 'crop', walk.values, op === null ? {} : { op });
  setOutput(walk, node, { kind: 'channels', map: { ...map, shape: sliced }, from });
};

/** Rows of a constant that is too large to be computed with. */
function sliceConstant(walk: Walk, node: OnnxNode, view: TensorView): void {
  const range = rangeAlongOneAxis(walk, node, view.dims);
  const isRows = range !== null && range.axis === 0 && range.range.step === 1;
  const rows = isRows ? someRows(node.outputs[0] ?? '', view, range.range.first, range.range.count) : null;
  if (rows === null) setOpaque(walk, node);
  else setOutput(walk, node, { kind: 'constant', view: rows });
}

/**
 * What PyTorch writes as slices without steps: TorchScript chunk(), as such that end at computed multiples of a part
 * (symbolic_opset11.chunk), and dynamo unbind(), as such of one position, from which a Squeeze takes the axis. Dynamo writes chunk() as a
 * Split, and roll() as slices that end where it is computed.
 */
function partOf(walk: Walk, node: OnnxNode): 'Split' | 'Unbind' | null {
  if (!hasInput(node, 3) || hasInput(node, 4)) return null;
  if (isSqueezed(walk, node.outputs[0] ?? '')) return 'Unbind';
  return input(walk, node, 2)?.kind === 'fixed' && !node.name.startsWith('node_') ? 'Split' : null;
}

/** Slice along one axis, as PyTorch's exporter reverses the pairs of a padding. */
const evaluate: Evaluate = (walk, node) => {
  const from = numbersOf(walk, node.inputs[0]);
  const taken = from === null ? null : rangeAlongOneAxis(walk, node, from.dims);
  if (from === null || taken === null) return null;
  const { axis, range } = taken;
  const strides = rowMajorStrides(from.dims);
  const stride = strides[axis]!;
  const steps = strides.with(axis, stride * range.step);
  return [stridedNumbers(from, from.dims.with(axis, range.count), steps, range.first * stride)];
};

/** What is taken, where that is known and is a part of one axis. */
function rangeAlongOneAxis(
  walk: Walk,
  node: OnnxNode,
  dims: readonly number[],
): { readonly axis: number; readonly range: Range } | null {
  const starts = attribute(node, 'starts', 'ints') ?? integersOf(walk, node.inputs[1]);
  const ends = attribute(node, 'ends', 'ints') ?? integersOf(walk, node.inputs[2]);
  const axes = integerList(walk, node, 3, 'axes') ?? (hasInput(node, 3) ? null : [0]);
  const steps = hasInput(node, 4) ? integersOf(walk, node.inputs[4]) : [1];
  if (starts?.length !== 1 || ends?.length !== 1 || axes?.length !== 1) return null;
  const axis = normalizeAxis(axes[0]!, dims.length);
  const range = rangeOf(dims[axis] ?? null, starts[0]!, ends[0]!, steps?.[0] ?? null);
  return range === null ? null : { axis, range };
}

/** What is taken of each axis but the channels'; of those the network says which. */
function form(facts: NodeFacts): Form {
  const { node, channelAxis } = facts;
  const shape = facts.shape(0);
  const [starts, ends] = [listed(facts, 1, 'starts'), listed(facts, 2, 'ends')];
  const axes = listed(facts, 3, 'axes') ?? (hasInput(node, 3) ? null : (starts?.map((_, k) => k) ?? null));
  const steps = hasInput(node, 4) ? listed(facts, 4, 'steps') : axes?.map(() => 1);
  if (shape === null || starts === null || ends === null || axes === null || !steps)
    return operation('Pick', { taken: null });
  const taken: Record<string, Setting> = {};
  for (const [k, written] of axes.entries()) {
    const axis = normalizeAxis(written, shape.length);
    const range = rangeOf(shape[axis] ?? null, starts[k]!, ends[k]!, steps[k]!);
    if (range !== null && range.step === 1 && range.count === shape[axis]) continue;
    if (axis === channelAxis) taken['channels'] = SOME;
    else
      taken[`axis ${channelAxis !== null && axis > channelAxis ? axis - 1 : axis}`] =
        range === null ? null : [range.first, range.step, range.count];
  }
  return Object.keys(taken).length === 0 ? SAME : operation('Pick', taken);
}

export const SLICE: Readonly<Record<string, Operator>> = {
  Slice: { carry: slice, sort: 'slice', tells: 'same', evaluate, form },
};
