import type { OnnxNode } from '../../onnx/index.ts';
import type { Dim } from '../channels.ts';
import { reshapeMap } from '../channels.ts';
import { integersOf, numbersOf } from '../constants.ts';
import type { IntegerOperand } from '../cut-sites.ts';
import { reshapedNumbers } from '../numbers.ts';
import { reshapeView } from '../tensor-view.ts';
import {
  attribute,
  type Carry,
  hasInput,
  input,
  intAttribute,
  normalizeAxis,
  setOpaque,
  setOutput,
  shapeOf,
  type Walk,
} from '../walk.ts';
import { withShape } from './carry.ts';
import { SAME } from './form.ts';
import type { Evaluate, Operator } from './operator.ts';

/** Reshape, Flatten: `target` is resolved against the operand's shape. */
function reshapeTo(
  walk: Walk,
  node: OnnxNode,
  written: readonly Dim[],
  allowZero: boolean,
  operand: IntegerOperand | null,
): void {
  const value = input(walk, node, 0);
  const target = resolveTarget(shapeOf(value), written, allowZero);
  if (value === null || target === null) return setOpaque(walk, node);
  if (operand !== null) addTargetSite(walk, node, operand, written, target);
  if (value.kind === 'constant') {
    const known = target.every((size) => size !== null) ? reshapeView(value.view, target as readonly number[]) : null;
    return setOutput(
      walk,
      node,
      known === null ? { kind: 'fixed', shape: target, from: null } : { kind: 'constant', view: known },
    );
  }
  const source = value.from;
  const inRank = shapeOf(value)?.length;
  const isFlat = target.length === 2 && inRank !== undefined && inRank > 2;
  const isFlatten = isFlat && walk.names.layoutOf(node) !== 'reshape';
  const isLayer = source !== null && walk.drafts.isNamed(node);
  const from = isLayer ? walk.drafts.place(node, isFlatten ? 'flatten' : 'reshape', walk.values) : source;
  if (isLayer && from !== null) from.layer.targetShape = walk.names.resolvesTargets ? null : written;
  if (value.kind === 'channels') {
    const map = reshapeMap(value.map, target);
    if (map !== null) return setOutput(walk, node, { kind: 'channels', map, from: from ?? value.from });
    return setOutput(walk, node, { kind: 'opaque', op: node.opType, shape: target, from: from ?? value.from });
  }
  setOutput(walk, node, withShape(value, target, from));
}

/** Each entry that is a size: not -1, nor a 0 that copies one. */
function addTargetSite(
  walk: Walk,
  node: OnnxNode,
  operand: IntegerOperand,
  written: readonly Dim[],
  target: readonly Dim[],
): void {
  const tensor = node.outputs[0] ?? '';
  const sizes = target.flatMap((size, at) => (size === null || written[at] === -1 ? [] : [{ at, tensor, axis: at }]));
  walk.sites.push({ kind: 'sizes', node, operand, values: written, sizes, isTarget: true, unwritten: null });
}

const reshape: Carry = (walk, node) => {
  const written = integersOf(walk, node.inputs[1]) ?? attribute(node, 'shape', 'ints');
  if (written === null) return setOpaque(walk, node);
  const operand = hasInput(node, 1) ? { input: 1 } : { attribute: 'shape' };
  reshapeTo(walk, node, written, attribute(node, 'allowzero', 'int') === 1, operand);
};

const flatten: Carry = (walk, node) => {
  const shape = shapeOf(input(walk, node, 0));
  if (shape === null) return setOpaque(walk, node);
  const axis = normalizeAxis(attribute(node, 'axis', 'int') ?? 1, shape.length);
  const before = shape.slice(0, axis);
  const product = (dims: readonly Dim[]): Dim =>
    dims.reduce<Dim>((n, d) => (n === null || d === null ? null : n * d), 1);
  reshapeTo(walk, node, [product(before), product(shape.slice(axis))], true, null);
};

/**
 * Replaces 0 (copy, unless `allowZero`) and -1 (infer) of a Reshape's target; a size that hangs on a symbolic one becomes
 * null. Null where the target is not one that ai.onnx allows.
 */
export function resolveTarget(shape: readonly Dim[] | null, written: readonly Dim[], allowZero: boolean): Dim[] | null {
  const target = written.map((size, k) => (size === 0 && !allowZero ? (shape?.[k] ?? null) : size));
  const inferred = target.indexOf(-1);
  if (target.some((size, k) => size !== null && size < 0 && k !== inferred)) return null;
  if (inferred < 0) return target;
  const rest = target.filter((_, k) => k !== inferred);
  const restUnknown = rest.filter((size) => size === null).length;
  const restProduct = rest.reduce<number>((n, size) => n * (size ?? 1), 1);
  const sourceUnknown = shape?.filter((size) => size === null).length ?? Number.NaN;
  const sourceProduct = shape?.reduce<number>((n, size) => n * (size ?? 1), 1) ?? Number.NaN;
  target[inferred] =
    restUnknown === sourceUnknown && restProduct > 0 && sourceProduct % restProduct === 0
      ? sourceProduct / restProduct
      : null;
  return target;
}

const evaluate: Evaluate = (walk, node) => {
  const [data, written] = [numbersOf(walk, node.inputs[0]), integersOf(walk, node.inputs[1])];
  if (data === null || written === null) return null;
  const dims = resolveTarget(data.dims, written, intAttribute(node, 'allowzero', 0) === 1);
  return dims === null ? null : [reshapedNumbers(data, dims)];
};

export const RESHAPING: Readonly<Record<string, Operator>> = {
  Reshape: { carry: reshape, role: 'layout', evaluate, form: () => SAME },
  Flatten: { carry: flatten, role: 'layout', form: () => SAME },
};
