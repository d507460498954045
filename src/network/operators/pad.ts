import type { Dim } from '../channels.ts';
import { alongAxis, FIXED_CHANNEL, filled, idsAlong } from '../channels.ts';
import { integersOf } from '../constants.ts';
import {
  attribute,
  type Carry,
  hasInput,
  input,
  isSignal,
  normalizeAxis,
  setOpaque,
  setOutput,
  shapeOf,
} from '../walk.ts';
import { carry } from './carry.ts';
import { type Form, listed, type NodeFacts, operation, SAME } from './form.ts';
import type { Operator } from './operator.ts';

/** Pad: spatial in all common models; padding along the channel axis adds channels that belong to nobody. */
const pad: Carry = (walk, node) => {
  const value = input(walk, node, 0);
  const shape = shapeOf(value);
  if (!isSignal(value) || shape === null) return setOpaque(walk, node);
  const listed =
    attribute(node, 'pads', 'ints') ?? attribute(node, 'paddings', 'ints') ?? integersOf(walk, node.inputs[1]);
  const given = integersOf(walk, node.inputs[3]);
  const axes = hasInput(node, 3) ? given?.map((axis) => axis ?? Number.NaN) : shape.map((_, axis) => axis);
  if (listed === null || axes === undefined || listed.length !== 2 * axes.length) return setOpaque(walk, node);
  const begin: Dim[] = shape.map(() => 0);
  const end: Dim[] = shape.map(() => 0);
  for (const [k, written] of axes.entries()) {
    const axis = normalizeAxis(written, shape.length);
    begin[axis] = listed[k] ?? null;
    end[axis] = listed[axes.length + k] ?? null;
  }
  const padded = shape.map((size, axis) => {
    const [a, b] = [begin[axis] ?? null, end[axis] ?? null];
    return size === null || a === null || b === null ? null : size + a + b;
  });
  if (value.kind !== 'channels') return carry(walk, node, 'pad', value, padded);
  const touched = value.map.axes.filter((axis) => begin[axis] !== 0 || end[axis] !== 0);
  // Reflected and repeated channels would be cut with those that they copy.
  const isZero = (attribute(node, 'mode', 'string') ?? 'constant') === 'constant';
  if (touched.length > 0 && !isZero) return setOpaque(walk, node);
  if (touched.length === 0) return carry(walk, node, 'pad', value, padded);
  const axis = touched[0]!;
  const ids = idsAlong(value.map, axis);
  const [before, after] = [begin[axis] ?? null, end[axis] ?? null];
  if (ids === null || before === null || after === null || before < 0 || after < 0) return setOpaque(walk, node);
  const wider = filled(before + ids.length + after, FIXED_CHANNEL);
  if (wider === null) return setOpaque(walk, node);
  wider.set(ids, before);
  const from = walk.drafts.place(node, 'pad', walk.values);
  setOutput(walk, node, { kind: 'channels', map: alongAxis(padded, axis, wider), from });
};

/** Half of the largest float16. */
const LOWEST = 32_752;

/** What is added to the spatial axes, as a convolution's `pads` would be; a text where other axes are padded. */
function form(facts: NodeFacts): Form {
  const { node } = facts;
  const pads = listed(facts, 1, 'pads') ?? attribute(node, 'paddings', 'ints');
  const mode = attribute(node, 'mode', 'string') ?? 'constant';
  const given = attribute(node, 'value', 'float') ?? (hasInput(node, 2) ? (facts.numbers(2)?.data[0] ?? null) : 0);
  // What no maximum takes: exporters write it in several ways.
  const value = given !== null && given < -LOWEST ? Number.NEGATIVE_INFINITY : given;
  const fill = mode === 'constant' ? { value } : {};
  if (pads === null || hasInput(node, 3)) return operation('Pad', { mode, pads: null, ...fill });
  if (pads.every((size) => size === 0)) return SAME;
  const rank = pads.length / 2;
  const isPadded = (axis: number): boolean => pads[axis] !== 0 || pads[rank + axis] !== 0;
  // Of an input image, padding itself tells where the channels are: they are not padded.
  const channelAxis = facts.channelAxis ?? (isPadded(1) && !isPadded(rank - 1) ? rank - 1 : 1);
  if (isPadded(0) || isPadded(channelAxis)) return operation('Pad', { mode, pads: 'of channels', ...fill });
  const spatial = Array.from({ length: rank }, (_, axis) => axis).filter((axis) => axis > 0 && axis !== channelAxis);
  return operation('Pad', {
    mode,
    pads: [...spatial.map((axis) => pads[axis]!), ...spatial.map((axis) => pads[rank + axis]!)],
    ...fill,
  });
}

export const PADDING: Readonly<Record<string, Operator>> = { Pad: { carry: pad, tells: 'settings', form } };
