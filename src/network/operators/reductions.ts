import { isHalf } from '../../onnx/index.ts';
import { uniformMap } from '../channels.ts';
import { integerList, numbersOf } from '../constants.ts';
import type { Value } from '../drafts.ts';
import {
  type Carry,
  hasInput,
  input,
  intAttribute,
  isSignal,
  normalizeAxis,
  setOpaque,
  setOutput,
  shapeOf,
} from '../walk.ts';
import { withShape } from './carry.ts';
import { type Form, listed, type NodeFacts, operation } from './form.ts';
import type { Evaluate, Operator } from './operator.ts';

/** ReduceMean and friends: over the spatial axes they are a global pooling; over channels nothing prunable is left. */
const reduce: Carry = (walk, node) => {
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

/** Over everything, as sizes are multiplied to the length of a flattened axis. */
const evaluateBy =
  (join: (a: number, b: number) => number): Evaluate =>
  (walk, node) => {
    const data = numbersOf(walk, node.inputs[0]);
    // What halves sum up to hangs on how a runtime rounds on its way.
    if (data === null || data.data.length === 0 || isHalf(data.dtype)) return null;
    const axes = integerList(walk, node, 1, 'axes') ?? data.dims.map((_, axis) => axis);
    if (hasInput(node, 1) && integerList(walk, node, 1, 'axes') === null) return [null];
    if (new Set(axes.map((axis) => normalizeAxis(axis, data.dims.length))).size !== data.dims.length) return [null];
    const dims = intAttribute(node, 'keepdims', 1) === 1 ? data.dims.map(() => 1) : [];
    const [first = null, ...rest] = data.data;
    const total = rest.reduce((a, b) => (a === null || b === null ? null : join(a, b)), first);
    return [{ dtype: data.dtype, dims, data: [total] }];
  };

/** Over all axes but the batch and the channels, a mean or maximum is global pooling. */
function form(facts: NodeFacts): Form {
  const { node, channelAxis } = facts;
  const rank = facts.shape(0)?.length ?? null;
  const written = listed(facts, 1, 'axes');
  const isAll = written === null ? !hasInput(node, 1) : written.length === 0;
  if (rank === null || (written === null && hasInput(node, 1))) return operation(node.opType, { axes: null });
  if (isAll && intAttribute(node, 'noop_with_empty_axes', 0) !== 0) return operation(node.opType, { axes: [] });
  const all = Array.from({ length: rank }, (_, axis) => axis);
  const axes = isAll
    ? all
    : [...new Set((written ?? []).map((axis) => normalizeAxis(axis, rank)))].sort((a, b) => a - b);
  const global = GLOBAL[node.opType];
  const isSpatial =
    channelAxis !== null &&
    channelAxis > 0 &&
    axes.join() === all.filter((axis) => axis > 0 && axis !== channelAxis).join();
  if (global !== undefined && isSpatial) return operation(global);
  // Where the channels lie differs between exporters; what is summed over is recognized by its place beside them.
  return operation(node.opType, {
    axes: axes.map((axis) =>
      axis === channelAxis ? -1 : channelAxis !== null && axis > channelAxis ? axis - 1 : axis,
    ),
  });
}

const GLOBAL: Readonly<Record<string, string>> = { ReduceMean: 'GlobalAveragePool', ReduceMax: 'GlobalMaxPool' };

const REDUCTION: Operator = { carry: reduce, tells: 'same', form };

export const REDUCTIONS: Readonly<Record<string, Operator>> = {
  ReduceMean: REDUCTION,
  ReduceSum: { ...REDUCTION, evaluate: evaluateBy((a, b) => a + b) },
  ReduceMax: { ...REDUCTION, evaluate: evaluateBy(Math.max) },
  ReduceMin: { ...REDUCTION, evaluate: evaluateBy(Math.min) },
  ReduceL1: REDUCTION,
  ReduceL2: REDUCTION,
  ReduceProd: { ...REDUCTION, evaluate: evaluateBy((a, b) => a * b) },
  ReduceSumSquare: REDUCTION,
  ReduceLogSumExp: REDUCTION,
  ReduceLogSum: REDUCTION,
};
