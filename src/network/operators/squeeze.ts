import type { Dim } from '../channels.ts';
import { integerList, numbersOf } from '../constants.ts';
import { reshapedNumbers } from '../numbers.ts';
import { type Carry, hasInput, input, normalizeAxis, setOpaque, setOutput, shapeOf } from '../walk.ts';
import { removeAxes, setReshaped } from './carry.ts';
import { SAME } from './form.ts';
import type { Evaluate, Operator } from './operator.ts';

const squeeze: Carry = (walk, node) => {
  const shape = shapeOf(input(walk, node, 0));
  const axes = integerList(walk, node, 1, 'axes');
  // Without axes every size of one goes, and a symbolic size may be one.
  const isKnown = axes !== null || (!hasInput(node, 1) && shape?.every((size) => size !== null));
  if (shape === null || !isKnown) return setOpaque(walk, node);
  const drop =
    axes?.map((axis) => normalizeAxis(axis, shape.length)) ?? shape.flatMap((size, axis) => (size === 1 ? [axis] : []));
  if (drop.some((axis) => shape[axis] !== 1 && shape[axis] !== null)) return setOpaque(walk, node);
  const dropped = shape.filter((_, axis) => !drop.includes(axis));
  removeAxes(walk, node, drop, dropped);
};

const unsqueeze: Carry = (walk, node) => {
  const value = input(walk, node, 0);
  const shape = shapeOf(value);
  const axes = integerList(walk, node, 1, 'axes');
  if (value === null || shape === null || axes === null) return setOpaque(walk, node);
  const rank = shape.length + axes.length;
  const added = new Set(axes.map((axis) => normalizeAxis(axis, rank)));
  let next = 0;
  const target: Dim[] = Array.from({ length: rank }, (_, axis) => (added.has(axis) ? 1 : (shape[next++] ?? null)));
  if (value.kind !== 'channels') return setReshaped(walk, node, value, target);
  const kept = target.flatMap((_, axis) => (added.has(axis) ? [] : [axis]));
  const axesAfter = value.map.axes.map((axis) => kept[axis]!);
  setOutput(walk, node, {
    kind: 'channels',
    map: { shape: target, axes: axesAfter, ids: value.map.ids },
    from: value.from,
  });
};

const evaluate: Evaluate = (walk, node) => {
  const [data, axes] = [numbersOf(walk, node.inputs[0]), integerList(walk, node, 1, 'axes')];
  if (data === null || (axes === null && (node.opType === 'Unsqueeze' || hasInput(node, 1)))) return null;
  return [reshapedNumbers(data, node.opType === 'Squeeze' ? squeezed(data.dims, axes) : unsqueezed(data.dims, axes!))];
};

function squeezed(dims: readonly number[], axes: readonly number[] | null): number[] {
  const drop = axes?.map((axis) => normalizeAxis(axis, dims.length));
  return dims.filter((size, axis) => (drop === undefined ? size !== 1 : !drop.includes(axis)));
}

function unsqueezed(dims: readonly number[], axes: readonly number[]): number[] {
  const rank = dims.length + axes.length;
  const added = new Set(axes.map((axis) => normalizeAxis(axis, rank)));
  let next = 0;
  return Array.from({ length: rank }, (_, axis) => (added.has(axis) ? 1 : (dims[next++] ?? 0)));
}

export const SQUEEZING: Readonly<Record<string, Operator>> = {
  Squeeze: { carry: squeeze, role: 'layout', evaluate, form: () => SAME },
  Unsqueeze: { carry: unsqueeze, role: 'layout', evaluate, form: () => SAME },
};
