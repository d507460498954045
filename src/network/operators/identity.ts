import type { DType, OnnxNode } from '../../onnx/index.ts';
import { isFloat, roundingTo } from '../../onnx/index.ts';
import { idsAlong } from '../channels.ts';
import { numbersOf } from '../constants.ts';
import type { Value } from '../drafts.ts';
import { mappedElements } from '../numbers.ts';
import {
  attribute,
  type Carry,
  input,
  intAttribute,
  normalizeAxis,
  setOpaque,
  setOutput,
  shapeOf,
  type Walk,
} from '../walk.ts';
import { SAME } from './form.ts';
import type { Evaluate, Operator } from './operator.ts';

/** Identity, Cast, Dropout in inference: the same tensor under another name. */
const identity: Carry = (walk, node) => {
  const value = input(walk, node, 0);
  if (value === null) return setOpaque(walk, node);
  if (/^(De)?[Qq]uantizeLinear$/.test(node.opType)) addQuantizationSites(walk, node, value);
  setOutput(walk, node, value);
};

/** Scales and zero points (inputs 1 and 2) of quantization along an axis, which is the channels' or stands in their way. */
function addQuantizationSites(walk: Walk, node: OnnxNode, value: Value): void {
  const parameters = [1, 2].map((k) => input(walk, node, k));
  if (parameters.every((parameter) => (shapeOf(parameter)?.length ?? 0) === 0)) return;
  const axis = normalizeAxis(attribute(node, 'axis', 'int') ?? 1, shapeOf(value)?.length ?? 0);
  const channels = value.kind === 'channels' ? idsAlong(value.map, axis) : null;
  if (value.kind === 'constant') walk.sites.push({ kind: 'rigid', node, view: value.view });
  if (value.kind !== 'channels') return;
  for (const [k, parameter] of parameters.entries()) {
    if (parameter === null) continue;
    const isVector = parameter.kind === 'constant' && parameter.view.dims.join() === String(channels?.length);
    if (isVector && channels !== null)
      walk.sites.push({ kind: 'vector', node, input: k + 1, view: parameter.view, axis: 0, channels });
    else walk.sites.push({ kind: 'whole', node, op: node.opType, channels: value.map.ids });
  }
}

/** TensorProto.DataType of the types that are computed with. */
const TYPES: ReadonlyMap<number, DType> = new Map([
  [1, 'float32'],
  [6, 'int32'],
  [7, 'int64'],
  [9, 'bool'],
  [10, 'float16'],
  [11, 'float64'],
  [12, 'uint32'],
  [13, 'uint64'],
  [16, 'bfloat16'],
]);

/** Cast (ai.onnx): floats are cut off on their way to integers. */
const cast: Evaluate = (walk, node) => castTo(walk, node, TYPES.get(intAttribute(node, 'to', 0)));

/** CastLike (ai.onnx 15): the type of its second operand, where that is a constant; a signal is taken for float32, as weights are. */
const castLike: Evaluate = (walk, node) => {
  const like = input(walk, node, 1);
  return castTo(
    walk,
    node,
    numbersOf(walk, node.inputs[1])?.dtype ?? (like?.kind === 'constant' ? like.view.tensor.dtype : 'float32'),
  );
};

function castTo(walk: Walk, node: OnnxNode, dtype: DType | undefined): ReturnType<Evaluate> {
  const data = numbersOf(walk, node.inputs[0]);
  if (data === null || dtype === undefined) return null;
  const round = dtype === 'bool' ? truthOf : isFloat(dtype) ? roundingTo(dtype) : Math.trunc;
  return [{ ...data, dtype, data: mappedElements(data.data, round) }];
}

const truthOf = (value: number): number => (value === 0 ? 0 : 1);

const passed: Evaluate = (walk, node) => {
  const data = numbersOf(walk, node.inputs[0]);
  return data === null ? null : [data];
};

const RENAMING: Operator = { carry: identity, role: 'layout', form: () => SAME };

export const IDENTITIES: Readonly<Record<string, Operator>> = {
  Identity: { ...RENAMING, evaluate: passed },
  Dropout: RENAMING,
  Cast: { ...RENAMING, casts: true, evaluate: cast },
  CastLike: { ...RENAMING, casts: true, evaluate: castLike },
  DequantizeLinear: { carry: identity, casts: true },
  QuantizeLinear: { carry: identity, casts: true },
};
