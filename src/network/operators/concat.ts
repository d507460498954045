import { joinedRows } from '../assembled.ts';
import type { ChannelMap, Dim } from '../channels.ts';
import { alongAxis, FIXED_CHANNEL, filled, idsAlong, isUniform, MAX_POSITIONS } from '../channels.ts';
import { numbersOf } from '../constants.ts';
import type { Value } from '../drafts.ts';
import { countOf, type Numbers } from '../numbers.ts';
import { type Carry, input, intAttribute, isSignal, normalizeAxis, setOpaque, setOutput, shapeOf } from '../walk.ts';
import { follow } from './follow.ts';
import { type Form, type NodeFacts, operation } from './form.ts';
import type { Evaluate, Operator } from './operator.ts';

/** Concat: along the channel axis the channels follow one another; along another axis they must agree. */
const concat: Carry = (walk, node) => {
  const values = node.inputs.map((_, k) => input(walk, node, k));
  if (values.some((value) => value === null)) return setOpaque(walk, node);
  const known = values as Value[];
  const shapes = known.map(shapeOf);
  const rank = shapes.find((shape) => shape !== null)?.length;
  const written = intAttribute(node, 'axis', 1);
  if (written < 0 && rank === undefined) return setOpaque(walk, node);
  const axis = normalizeAxis(written, rank ?? 0);
  const shape = concatShape(shapes, axis);
  if (!known.some(isSignal)) {
    const views = known.flatMap((value) => (value.kind === 'constant' ? [value.view] : []));
    const view = axis === 0 && views.length === known.length ? joinedRows(node.outputs[0] ?? '', views) : null;
    return setOutput(walk, node, view === null ? { kind: 'fixed', shape, from: null } : { kind: 'constant', view });
  }
  const from = walk.drafts.place(node, 'concat', walk.values);
  const unknown = known.find((value) => value.kind === 'opaque');
  if (unknown?.kind === 'opaque') return setOutput(walk, node, { kind: 'opaque', op: unknown.op, shape, from });
  const maps = known.flatMap((value) => (value.kind === 'channels' ? [value.map] : []));
  const lead = maps.find((map) => !isUniform(map)) ?? maps[0];
  from.layer.joins = lead === undefined ? null : { axis, isOfChannels: lead.axes.includes(axis) };
  if (lead === undefined) return setOutput(walk, node, { kind: 'fixed', shape, from });
  const opaque = (): void => setOutput(walk, node, { kind: 'opaque', op: node.opType, shape, from });
  if (shape === null) return opaque();
  if (lead.axes.join() !== String(axis)) {
    const isSame = (map: ChannelMap): boolean =>
      map.axes.join() === lead.axes.join() && map.ids.length === lead.ids.length;
    if (lead.axes.includes(axis) || !maps.every(isSame)) return opaque();
    // Constants stand beside the channels' positions, as a class token does.
    for (const [k, value] of known.entries()) {
      const along = lead.axes[0]!;
      if (value.kind === 'channels') continue;
      if (value.kind !== 'constant' || lead.axes.length > 1 || value.view.dims[along] !== lead.ids.length)
        return opaque();
      const token = {
        input: k,
        view: value.view,
        axis: along,
        ids: lead.ids,
        role: 'constant',
        isComputed: false,
      } as const;
      if (!follow(walk, node, from, token)) return opaque();
    }
    if (maps.length > 1)
      walk.couplings.push({ layer: from.layer.name, op: 'Concat', operands: maps.map((map) => map.ids) });
    return setOutput(walk, node, { kind: 'channels', map: { shape, axes: lead.axes, ids: lead.ids }, from });
  }
  const ids = joined(known.map((value) => idsOf(value, axis)));
  if (ids === null) return opaque();
  setOutput(walk, node, { kind: 'channels', map: alongAxis(shape, axis, ids), from });
};

/** The channels of an operand along an axis: nobody's where it carries none. */
function idsOf(value: Value, axis: number): Int32Array | null {
  if (value.kind === 'channels') return idsAlong(value.map, axis);
  const size = shapeOf(value)?.[axis] ?? null;
  return size === null ? null : filled(size, FIXED_CHANNEL);
}

function joined(parts: readonly (Int32Array | null)[]): Int32Array | null {
  const length = parts.reduce((n, part) => n + (part?.length ?? Number.NaN), 0);
  if (!(length <= MAX_POSITIONS)) return null;
  const ids = new Int32Array(length);
  let offset = 0;
  for (const part of parts as readonly Int32Array[]) {
    ids.set(part, offset);
    offset += part.length;
  }
  return ids;
}

function concatShape(shapes: readonly (readonly Dim[] | null)[], axis: number): readonly Dim[] | null {
  const first = shapes[0];
  if (first === null || first === undefined || axis < 0 || axis >= first.length) return null;
  if (shapes.some((shape) => shape === null || shape.length !== first.length)) return null;
  const known = shapes as readonly (readonly Dim[])[];
  const sum = known.reduce<Dim>((n, shape) => (n === null || shape[axis] === null ? null : n + shape[axis]!), 0);
  // Sizes beside the axis agree, so one that is known stands for all.
  return first.map((size, at) =>
    at === axis ? sum : (size ?? known.find((shape) => shape[at] !== null)?.[at] ?? null),
  );
}

const evaluate: Evaluate = (walk, node) => {
  const parts = node.inputs.map((name) => numbersOf(walk, name));
  const [first] = parts;
  if (!first || parts.some((part) => part === null)) return null;
  const known = parts as readonly Numbers[];
  const axis = normalizeAxis(intAttribute(node, 'axis', 0), first.dims.length);
  const isAlike = known.every(
    ({ dims }) => dims.length === first.dims.length && dims.every((size, k) => k === axis || size === first.dims[k]),
  );
  if (!isAlike || axis < 0 || axis >= first.dims.length) return [null];
  const dims = first.dims.with(
    axis,
    known.reduce((n, part) => n + part.dims[axis]!, 0),
  );
  const outer = countOf(first.dims.slice(0, axis));
  const data: Dim[] = [];
  for (let row = 0; row < outer; row++) {
    for (const part of known) {
      const block = part.data.length / outer;
      for (let k = row * block; k < (row + 1) * block; k++) data.push(part.data[k]!);
    }
  }
  return [{ dtype: first.dtype, dims, data }];
};

/** Along the channels, or along another axis. */
function form({ node, channelAxis, outputShape }: NodeFacts): Form {
  const axis = normalizeAxis(intAttribute(node, 'axis', 1), outputShape?.length ?? 0);
  return operation('Concat', { along: channelAxis === null ? null : axis === channelAxis ? 'channels' : 'other' });
}

export const CONCAT: Readonly<Record<string, Operator>> = { Concat: { carry: concat, tells: 'same', evaluate, form } };
