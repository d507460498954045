import { transposeMap } from '../channels.ts';
import { numbersOf } from '../constants.ts';
import { stridedNumbers } from '../numbers.ts';
import { rowMajorStrides } from '../strided.ts';
import { transposeView } from '../tensor-view.ts';
import { attribute, type Carry, input, isSignal, setOpaque, setOutput, shapeOf } from '../walk.ts';
import { withShape } from './carry.ts';
import { type Form, type NodeFacts, operation, SAME } from './form.ts';
import type { Evaluate, Operator } from './operator.ts';

const TO_CHANNELS_LAST = '0,2,3,1';
const TO_CHANNELS_FIRST = '0,3,1,2';

/** Transpose: exporters put them around layers and push them through others, so they belong to no layer but Keras's Permute. */
const transpose: Carry = (walk, node) => {
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
  const isOwn = walk.names.layoutOf(node) === 'permute' || !isLayout;
  const from =
    isOwn && isSignal(value) && walk.drafts.isAlone(node)
      ? walk.drafts.place(node, 'permute', walk.values)
      : value.from;
  if (value.kind === 'channels')
    return setOutput(walk, node, { kind: 'channels', map: transposeMap(value.map, perm), from: from ?? value.from });
  const permuted = shape === null ? null : perm.map((axis) => shape[axis] ?? null);
  setOutput(walk, node, withShape(value, permuted, from));
};

const evaluate: Evaluate = (walk, node) => {
  const data = numbersOf(walk, node.inputs[0]);
  if (data === null) return null;
  const { dims } = data;
  const perm = attribute(node, 'perm', 'ints') ?? dims.map((_, k) => dims.length - 1 - k);
  if (perm.length !== dims.length || perm.some((axis) => dims[axis] === undefined)) return [null];
  const strides = rowMajorStrides(dims);
  return [
    stridedNumbers(
      data,
      perm.map((axis) => dims[axis]!),
      perm.map((axis) => strides[axis]!),
    ),
  ];
};

/**
 * Layout, for exporters put channels first and last and push that about; but the axes of a picture in another order, which no exporter
 * adds, are another picture.
 */
function form({ node, shape, channelAxis }: NodeFacts): Form {
  const rank = shape(0)?.length;
  const perm = attribute(node, 'perm', 'ints') ?? Array.from({ length: rank ?? 0 }, (_, k) => (rank ?? 0) - 1 - k);
  if (perm.length !== 4 || perm[0] !== 0 || channelAxis === null) return SAME;
  const others = perm.filter((axis) => axis !== channelAxis);
  return others.every((axis, k) => k === 0 || axis > others[k - 1]!)
    ? SAME
    : operation('Transpose', { picture: 'turned' });
}

export const TRANSPOSE: Readonly<Record<string, Operator>> = {
  Transpose: { carry: transpose, role: 'layout', evaluate, tells: 'all', form },
};
