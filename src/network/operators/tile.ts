import type { Dim } from '../channels.ts';
import { isUniform } from '../channels.ts';
import { integersOf } from '../constants.ts';
import { type Carry, input, isSignal, setOpaque, setOutput, shapeOf } from '../walk.ts';
import { withShape } from './carry.ts';
import { SHARED_RANK } from './expand.ts';
import { listed, operation, SAME } from './form.ts';
import type { Operator } from './operator.ts';

/** Tile (ai.onnx): repeats whole tensors along axes; along the channels' own it would need them twice. */
const tile: Carry = (walk, node) => {
  const value = input(walk, node, 0);
  const [shape, repeats] = [shapeOf(value), integersOf(walk, node.inputs[1])];
  if (!isSignal(value) || shape === null || repeats?.length !== shape.length) return setOpaque(walk, node);
  const after = shape.map((size, axis): Dim => {
    const times = repeats[axis] ?? null;
    return times === 1 ? size : size === null || times === null ? null : size * times;
  });
  const isKept =
    value.kind !== 'channels' || isUniform(value.map) || value.map.axes.every((axis) => repeats[axis] === 1);
  if (!isKept) return setOpaque(walk, node);
  // Exporters write an Expand of heads that are shared so, too.
  const repeated = shape.flatMap((size, axis) => (repeats[axis] === 1 ? [] : [size]));
  const isShared = shape.length === SHARED_RANK && repeated.length === 1 && repeated[0] === 1;
  const from = walk.drafts.place(node, 'upsample', walk.values, isShared ? { op: 'Expand' } : {});
  if (value.kind !== 'channels') return setOutput(walk, node, withShape(value, after, from));
  if (isShared) for (const id of value.map.ids) walk.shared.add(id);
  setOutput(walk, node, { kind: 'channels', map: { ...value.map, shape: after }, from });
};

export const TILE: Readonly<Record<string, Operator>> = {
  Tile: {
    carry: tile,
    tells: 'same',
    form: (facts) => {
      const repeats = listed(facts, 1, '');
      if (repeats?.every((times) => times === 1)) return SAME;
      // Beside the channels, as other exporters lay them out elsewhere.
      return operation('Tile', { repeats: repeats?.filter((_, axis) => axis !== facts.channelAxis) ?? null });
    },
  },
};
