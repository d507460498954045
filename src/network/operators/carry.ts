import type { OnnxNode } from '../../onnx/index.ts';
import type { ChannelMap, Dim } from '../channels.ts';
import { isUniform, uniformMap } from '../channels.ts';
import type { Origin, Signal, Value } from '../drafts.ts';
import { reshapeView } from '../tensor-view.ts';
import type { LayerKind } from '../types.ts';
import { input, isSignal, setOpaque, setOutput, shapeOf, type Walk } from '../walk.ts';

/** Places the node's layer and gives it the operand's channels under a new shape; opaque operands stay opaque. */
export function carry(walk: Walk, node: OnnxNode, kind: LayerKind, value: Signal, shape: readonly Dim[] | null): void {
  const from = walk.drafts.place(node, kind, walk.values);
  if (value.kind !== 'channels') return setOutput(walk, node, withShape(value, shape, from));
  const after: ChannelMap = {
    ...value.map,
    shape: shape ?? value.map.shape.map((size, axis) => (value.map.axes.includes(axis) ? size : null)),
  };
  setOutput(walk, node, { kind: 'channels', map: after, from });
}

/** Drops axes of size one (or reduced to one). One channel is carried by all that is left; more cannot stand in one position. */
export function removeAxes(walk: Walk, node: OnnxNode, drop: readonly number[], target: readonly Dim[]): void {
  const value = input(walk, node, 0);
  if (value === null) return setOpaque(walk, node);
  if (value.kind !== 'channels') return setReshaped(walk, node, value, target);
  if (isUniform(value.map) && target.length > 0)
    return setOutput(walk, node, { kind: 'channels', map: uniformMap(value.map, target), from: value.from });
  if (value.map.axes.some((axis) => drop.includes(axis))) return setOpaque(walk, node);
  const axes = value.map.axes.map((axis) => axis - drop.filter((d) => d < axis).length);
  setOutput(walk, node, { kind: 'channels', map: { shape: target, axes, ids: value.map.ids }, from: value.from });
}

/** Gives a node's output what it reads under another shape, where that carries no channel map. */
export function setReshaped(
  walk: Walk,
  node: OnnxNode,
  value: Exclude<Value, { kind: 'channels' }>,
  shape: readonly Dim[],
): void {
  if (value.kind !== 'constant') return setOutput(walk, node, withShape(value, shape, value.from));
  const view = reshapeView(value.view, shape as number[]);
  setOutput(walk, node, view === null ? { kind: 'fixed', shape, from: null } : { kind: 'constant', view });
}

/** A value that carries no channel map, with another shape. */
export function withShape(
  value: Exclude<Value, { kind: 'channels' | 'constant' }>,
  shape: readonly Dim[] | null,
  from: Origin | null,
): Value {
  if (value.kind === 'fixed') return { kind: 'fixed', shape, from };
  return { kind: 'opaque', op: value.op, shape, from: from ?? value.from };
}

/** An operator that leaves every channel where it is. */
export function passThrough(walk: Walk, node: OnnxNode, kind: 'activation' | 'softmax'): void {
  const value = input(walk, node, 0);
  if (!isSignal(value)) return setOutput(walk, node, { kind: 'fixed', shape: shapeOf(value), from: null });
  const from = walk.drafts.place(node, kind, walk.values);
  setOutput(
    walk,
    node,
    value.kind === 'channels' ? { kind: 'channels', map: value.map, from } : withShape(value, value.shape, from),
  );
}
