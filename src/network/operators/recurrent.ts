import type { OnnxNode } from '../../onnx/index.ts';
import { isFloat } from '../../onnx/index.ts';
import type { Dim } from '../channels.ts';
import type { LayerDraft } from '../drafts.ts';
import { countOf } from '../numbers.ts';
import type { TensorView } from '../tensor-view.ts';
import { attribute, type Carry, input, intAttribute, setOpaque, setOutput, shapeOf, type Walk } from '../walk.ts';
import { type Form, type NodeFacts, operation } from './form.ts';
import type { Operator } from './operator.ts';
import { addKernelSite, constantInput, finish, isUsable, NOTHING, placeProducer, weightOf } from './producers.ts';

/**
 * LSTM, GRU and RNN (ai.onnx): X [seq, batch, in], or [batch, seq, in] where layout is 1; W [directions, gates * hidden, in]. It reads the
 * channels of X as a dense layer does, each gate of each unit a row. Its units go with one another through R and B and are pruned by
 * nobody, so what it makes carries no channels.
 */
const recurrent: Carry = (walk, node) => {
  const x = input(walk, node, 0) ?? NOTHING;
  const view = rowsOf(walk, node);
  const recurrence = constantInput(walk, node, 2);
  if (view === null || recurrence === null) return setOpaque(walk, node);
  const [directions, rows, inTotal] = view.dims as [number, number, number];
  const hidden = recurrence.dims[2] ?? 0;
  const shape = shapeOf(x);
  const isBatchFirst = intAttribute(node, 'layout', 0) === 1;
  const [first = null, second = null] = shape ?? [];
  const [seq, batch] = isBatchFirst ? [second, first] : [first, second];
  const flat: TensorView = { tensor: view.tensor, dims: [directions * rows, inTotal], strides: view.strides.slice(1) };
  const origin = placeProducer(walk, node, 'recurrent', weightOf(node, flat, 0, 1), directions * rows, 1);
  const spatial: readonly Dim[] = [seq];
  finish(walk, node, x, origin, { axis: 2, outAxis: 0, inTotal, outShape: [directions * rows], spatial });
  addKernelSite(walk, node, origin, { view, input: 1, outAxis: 1, inAxis: 2, axisOfGroup: 2, groupAttribute: null });
  for (const k of [2, 3, 7]) followRows(walk, node, k, origin.layer, directions);
  const last = isBatchFirst ? [batch, directions, hidden] : [directions, batch, hidden];
  const all = isBatchFirst ? [batch, seq, directions, hidden] : [seq, directions, batch, hidden];
  for (const [k, made] of [all, last, last].entries())
    setOutput(walk, node, { kind: 'fixed', shape: made, from: origin }, k);
};

/** W where it is a constant whose rows lie one behind another through all directions. */
function rowsOf(walk: Walk, node: OnnxNode): TensorView | null {
  const view = constantInput(walk, node, 1);
  if (view === null || view.dims.length !== 3 || !isUsable(view)) return null;
  const [directions = 0, rows = 0] = view.dims;
  return directions === 1 || view.strides[0] === rows * view.strides[1]! ? view : null;
}

/**
 * What belongs to the rows of W besides: the recurrence weight, the biases (of W's rows, then of R's), the peepholes. The order of
 * their elements is that of the rows, several for each.
 */
function followRows(walk: Walk, node: OnnxNode, k: number, layer: LayerDraft, directions: number): void {
  const value = input(walk, node, k);
  if (value?.kind !== 'constant' || !isFloat(value.view.tensor.dtype)) return;
  const { tensor, dims } = value.view;
  const rows = layer.filters / directions;
  // R has several elements for each row, B two lists of rows, P one row for each unit of three gates.
  const perRow = k === 2 ? (dims[2] ?? 1) : 1;
  if (tensor.elements !== countOf(dims) || walk.followers.some((follower) => follower.tensor === tensor)) return;
  const perDirection = tensor.elements / directions;
  const channels = Int32Array.from({ length: tensor.elements }, (_, at) => {
    const row = Math.floor((at % perDirection) / perRow) % rows;
    return layer.firstChannel + Math.floor(at / perDirection) * rows + row;
  });
  walk.followers.push({ layer: layer.name, role: 'constant', tensor, stride: 1, channels, isComputed: false });
}

function form({ node }: NodeFacts): Form {
  const named = attribute(node, 'activations', 'strings');
  return operation(node.opType, {
    direction: attribute(node, 'direction', 'string') ?? 'forward',
    clip: attribute(node, 'clip', 'float') ?? 0,
    linear_before_reset: intAttribute(node, 'linear_before_reset', 0),
    input_forget: intAttribute(node, 'input_forget', 0),
    ...(named === null ? {} : { activations: named.join() }),
  });
}

export const RECURRENT: Readonly<Record<string, Operator>> = {
  LSTM: { carry: recurrent, role: 'weights', sort: 'lstm', states: [5, 6], tells: 'all', form },
  GRU: { carry: recurrent, role: 'weights', sort: 'gru', states: [5], tells: 'all', form },
  RNN: { carry: recurrent, role: 'weights', states: [5], tells: 'all', form },
};
