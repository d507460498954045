import type { OnnxNode } from '../../onnx/index.ts';
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

/** Of a Transpose that stands for what another operator does to an operand, whatever its rank: attributes `transBatch` and `trans`. */
export const OPERAND_DOMAIN = 'prunegate.operand';

/** Which axis of the operand each axis of the result is; from the last to the first where nothing is said (ai.onnx Transpose). */
function permOf(node: OnnxNode, rank: number): readonly number[] {
  const axes = Array.from({ length: rank }, (_, axis) => axis);
  if (node.domain !== OPERAND_DOMAIN) return attribute(node, 'perm', 'ints') ?? axes.reverse();
  if (rank < 2) return axes;
  const [first, ...others] = axes.slice(0, -1) as [number, ...number[]];
  const rows = node.attributes.has('transBatch') ? [...others, first] : [first, ...others];
  const last = rank - 1;
  return node.attributes.has('trans') ? [...rows.slice(0, -1), last, rows.at(-1)!] : [...rows, last];
}

/** Transpose: exporters put them around layers and push them through others, so they belong to no layer but Keras's Permute. */
const transpose: Carry = (walk, node) => {
  const value = input(walk, node, 0);
  const shape = shapeOf(value);
  const rank = shape?.length ?? attribute(node, 'perm', 'ints')?.length;
  if (value === null || rank === undefined) return setOpaque(walk, node);
  const perm = permOf(node, rank);
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
  const perm = permOf(node, dims.length);
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
  const perm = permOf(node, shape(0)?.length ?? 0);
  if (perm.length !== 4 || perm[0] !== 0 || channelAxis === null) return SAME;
  const others = perm.filter((axis) => axis !== channelAxis);
  return others.every((axis, k) => k === 0 || axis > others[k - 1]!)
    ? SAME
    : operation('Transpose', { picture: 'turned' });
}

export const TRANSPOSE: Readonly<Record<string, Operator>> = {
  Transpose: { carry: transpose, role: 'layout', evaluate, tells: 'all', form },
};
