import { constantTensor } from '../../onnx/index.ts';
import type { Dim } from '../channels.ts';
import { integersOf, numbersOf, readView } from '../constants.ts';
import { countOf, type Numbers, vector } from '../numbers.ts';
import { viewOf } from '../tensor-view.ts';
import {
  attribute,
  type Carry,
  hasInput,
  input,
  intAttribute,
  isSignal,
  setOpaque,
  setOutput,
  shapeOf,
} from '../walk.ts';
import { passThrough } from './carry.ts';
import type { Evaluate, Operator } from './operator.ts';

/** A Constant node's value, kept as a view of its tensor. */
const constant: Carry = (walk, node) => {
  const tensor = constantTensor(node);
  const value =
    tensor === null
      ? ({ kind: 'fixed', shape: null, from: null } as const)
      : ({ kind: 'constant', view: viewOf(tensor) } as const);
  setOutput(walk, node, value);
};

const unknown: Carry = (walk, node) => setOpaque(walk, node);

const shape: Evaluate = (walk, node) => {
  const sizes = shapeOf(input(walk, node, 0));
  if (sizes === null) return null;
  return [vector(sizes.slice(attribute(node, 'start', 'int') ?? 0, attribute(node, 'end', 'int') ?? undefined))];
};

const size: Evaluate = (walk, node) => {
  const sizes = shapeOf(input(walk, node, 0));
  const count = sizes?.reduce<Dim>((n, d) => (n === null || d === null ? null : n * d), 1) ?? null;
  return [{ dtype: 'int64', dims: [], data: [count] }];
};

/** Elements that are made here. */
const MAX_MADE = 2 ** 16;

/** What ConstantOfShape fills with is a tensor of one element; its default is a float zero. */
const constantOfShape: Evaluate = (walk, node) => {
  const dims = integersOf(walk, node.inputs[0]);
  const given = attribute(node, 'value', 'tensor');
  const value: Numbers | null = given === null ? { dtype: 'float32', dims: [1], data: [0] } : readView(viewOf(given));
  if (dims === null || value?.data.length !== 1 || (given === null && node.attributes.has('value'))) return null;
  if (dims.some((d) => d === null || d < 0) || countOf(dims as number[]) > MAX_MADE) return null;
  return [
    {
      dtype: value.dtype,
      dims: dims as number[],
      data: new Array<Dim>(countOf(dims as number[])).fill(value.data[0]!),
    },
  ];
};

/** Of more elements than are made, the sizes are known at least. */
const filling: Carry = (walk, node) => {
  const dims = integersOf(walk, node.inputs[0]);
  if (dims === null) return setOpaque(walk, node);
  setOutput(walk, node, { kind: 'fixed', shape: dims, from: null });
};

const range: Evaluate = (walk, node) => {
  const [start, limit, delta] = [0, 1, 2].map((k) => numbersOf(walk, node.inputs[k]));
  const [from = null, to = null, step = null] = [start, limit, delta].map((number) => number?.data[0] ?? null);
  if (!start || from === null || to === null || step === null || step === 0) return null;
  const count = Math.max(0, Math.ceil((to - from) / step));
  return count > MAX_MADE
    ? null
    : [{ dtype: start.dtype, dims: [count], data: Array.from({ length: count }, (_, k) => from + k * step) }];
};

/** Trilu (ai.onnx 14): a triangle of the last two axes, as of a causal mask; what is computed is followed where its channels lie elsewhere. */
const triangle: Carry = (walk, node) => {
  const value = input(walk, node, 0);
  if (value === null) return setOpaque(walk, node);
  if (!isSignal(value)) return setOutput(walk, node, { kind: 'fixed', shape: shapeOf(value), from: null });
  const rank = shapeOf(value)?.length ?? 0;
  if (value.kind === 'channels' && value.map.axes.some((axis) => axis >= rank - 2)) return setOpaque(walk, node);
  return passThrough(walk, node, 'activation');
};

const evaluateTriangle: Evaluate = (walk, node) => {
  const data = numbersOf(walk, node.inputs[0]);
  const diagonal = hasInput(node, 1) ? (numbersOf(walk, node.inputs[1])?.data[0] ?? null) : 0;
  const [rows, columns] = data?.dims.slice(-2) ?? [];
  if (data === null || diagonal === null || rows === undefined || columns === undefined) return null;
  const isUpper = intAttribute(node, 'upper', 1) === 1;
  const stays = (at: number): boolean => {
    const offset = (at % columns) - (Math.floor(at / columns) % rows) - diagonal;
    return isUpper ? offset >= 0 : offset <= 0;
  };
  return [{ ...data, data: Array.from<Dim, Dim>(data.data, (value, at) => (stays(at) ? value : 0)) }];
};

export const SOURCES: Readonly<Record<string, Operator>> = {
  Constant: { carry: constant },
  ConstantOfShape: { carry: filling, evaluate: constantOfShape },
  Range: { carry: unknown, evaluate: range },
  Shape: { carry: unknown, role: 'sizes', evaluate: shape },
  Trilu: { carry: triangle, evaluate: evaluateTriangle },
  Size: { carry: unknown, role: 'sizes', evaluate: size },
};
