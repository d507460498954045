import type { OnnxNode } from '../../onnx/index.ts';
import type { Dim } from '../channels.ts';
import { isUniform } from '../channels.ts';
import { integersOf, numbersOf } from '../constants.ts';
import { knownIn } from '../numbers.ts';
import {
  attribute,
  type Carry,
  hasInput,
  input,
  isSignal,
  normalizeAxis,
  setOpaque,
  shapeOf,
  type Walk,
} from '../walk.ts';
import { carry } from './carry.ts';
import { type Form, type NodeFacts, operation, type Settings } from './form.ts';
import type { Operator } from './operator.ts';

/** Resize and Upsample: spatial sizes change, channels do not. */
const resize: Carry = (walk, node) => {
  const value = input(walk, node, 0);
  const shape = shapeOf(value);
  if (!isSignal(value) || shape === null) return setOpaque(walk, node);
  const factors = resizeFactors(walk, node, shape);
  if (value.kind === 'channels' && !isUniform(value.map) && value.map.axes.some((axis) => factors[axis]?.scale !== 1))
    return setOpaque(walk, node);
  addResizeSite(walk, node, shape);
  carry(
    walk,
    node,
    'upsample',
    value,
    factors.map(({ size }) => size),
  );
};

/** A Resize to given sizes, which name the number of channels too. */
function addResizeSite(walk: Walk, node: OnnxNode, shape: readonly Dim[]): void {
  const values = node.opType === 'Resize' && hasInput(node, 3) ? integersOf(walk, node.inputs[3]) : null;
  if (values === null) return;
  const axes = attribute(node, 'axes', 'ints')?.map((axis) => normalizeAxis(axis, shape.length));
  const tensor = node.outputs[0] ?? '';
  const sizes = values.map((_, at) => ({ at, tensor, axis: axes?.[at] ?? at }));
  walk.sites.push({ kind: 'sizes', node, operand: { input: 3 }, values, sizes, isTarget: false, unwritten: null });
}

interface Factor {
  readonly scale: number | null;
  readonly size: Dim;
}

/** What each axis is scaled by, and its size after it; null where it cannot be determined. */
function resizeFactors(walk: Walk, node: OnnxNode, shape: readonly Dim[]): readonly Factor[] {
  const axes = attribute(node, 'axes', 'ints')?.map((axis) => normalizeAxis(axis, shape.length));
  const place = (axis: number): number => (axes === undefined ? axis : axes.indexOf(axis));
  const isStretched = (attribute(node, 'keep_aspect_ratio_policy', 'string') ?? 'stretch') === 'stretch';
  const sizes = node.opType === 'Resize' ? integersOf(walk, node.inputs[3]) : null;
  const scales = scalesOf(walk, node);
  return shape.map((size, axis) => {
    const at = place(axis);
    if (at < 0) return { scale: 1, size };
    if (hasInput(node, 3)) {
      const after = isStretched ? (sizes?.[at] ?? null) : null;
      return { scale: size === null || after === null ? null : after / size, size: after };
    }
    const scale = scales?.[at] ?? null;
    return { scale, size: size === null || scale === null ? null : Math.floor(size * scale) };
  });
}

/** Scales of Resize (input 2, before ai.onnx 11 input 1) and Upsample (input 1, before ai.onnx 9 an attribute). */
function scalesOf(walk: Walk, node: OnnxNode): readonly number[] | null {
  const written = attribute(node, 'scales', 'floats');
  if (written !== null) return written;
  const scales = numbersOf(walk, node.inputs[node.opType === 'Upsample' || node.inputs.length === 2 ? 1 : 2]);
  const known = scales === null ? null : knownIn(scales);
  return known === null ? null : Array.from(known);
}

/** What an interpolation goes by: the scales of the axes, as far as sizes tell them, and which positions it reads. */
function form(facts: NodeFacts): Form {
  const { node, outputShape, channelAxis } = facts;
  const before = facts.shape(0);
  const isRanked = before !== null && outputShape !== null && before.length === outputShape.length;
  const axes = isRanked ? before.map((_, axis) => axis).filter((axis) => axis > 0 && axis !== channelAxis) : null;
  const sizes = axes?.map((axis) => [before?.[axis] ?? null, outputShape?.[axis] ?? null] as const) ?? null;
  const scales = sizes?.map(([size, after]) => (size === null || after === null ? Number.NaN : after / size)) ?? null;
  const isKnown = scales?.every((scale) => !Number.isNaN(scale)) ?? false;
  if (isKnown && scales!.every((scale) => scale === 1)) return { kind: 'same' };
  const reading = readingOf(node);
  const read = isKnown
    ? (readBy(reading, sizes as readonly Sizes[]) ?? unsized(reading, scales!))
    : unsized(reading, []);
  return operation('Resize', { scales: isKnown ? scales : null, ...read });
}

/** An axis before and after. */
type Sizes = readonly [before: number, after: number];

interface Reading {
  readonly mode: string;
  readonly transform: string;
  /** How positions between two elements are rounded. */
  readonly nearest: string;
  /** What says more of an interpolation, as a text. */
  readonly more: string;
}

/** Upsample, and Resize before ai.onnx 11, read asymmetrically. */
function readingOf(node: OnnxNode): Reading {
  const isOld = node.opType === 'Upsample' || node.inputs.length === 2;
  const text = (name: string, byDefault: string): string =>
    isOld ? byDefault : (attribute(node, name, 'string') ?? byDefault);
  const mode = (attribute(node, 'mode', 'string') ?? 'nearest').replace(/^bilinear$/, 'linear');
  const more = ['antialias', 'exclude_outside'].filter((name) => attribute(node, name, 'int') === 1);
  if (mode === 'cubic') more.push(`by ${(attribute(node, 'cubic_coeff_a', 'float') ?? -0.75).toPrecision(6)}`);
  return {
    mode,
    transform: text('coordinate_transformation_mode', isOld ? 'asymmetric' : 'half_pixel'),
    nearest: text('nearest_mode', isOld ? 'floor' : 'round_prefer_floor'),
    more: more.join(' '),
  };
}

/** Positions that are computed for one axis: there are few more in any picture (CWE-400). */
const MAX_READ = 4096;
/** Parts of a position that float32 arithmetic does not move it by. */
const PER_POSITION = 1000;

/**
 * The positions that each axis is read at. What exporters call the same in several ways comes to one: a whole position is read alike
 * by all modes. Null where they are not known.
 */
function readBy({ mode, transform, nearest, more }: Reading, axes: readonly Sizes[]): Settings | null {
  const place = TRANSFORMS[transform];
  if (place === undefined || more.includes('antialias') || axes.some((sizes) => Math.max(...sizes) > MAX_READ))
    return null;
  const exact = axes.flatMap((sizes) =>
    Array.from({ length: sizes[1] }, (_, x) => {
      const position = Math.round(PER_POSITION * place(x, ...sizes)) / PER_POSITION;
      const within = Math.min(Math.max(position, 0), sizes[0] - 1);
      return mode === 'cubic' && sizes[0] > 1 ? position : within;
    }),
  );
  if (mode === 'nearest') {
    const round = ROUNDINGS[nearest];
    return round === undefined ? null : { mode, reads: exact.map(round) };
  }
  if (exact.every(Number.isInteger)) return { mode: 'nearest', reads: exact };
  return { mode, reads: exact, ...(more === '' ? {} : { more }) };
}

type Place = (x: number, before: number, after: number) => number;

const halfPixel: Place = (x, before, after) => ((x + 0.5) * before) / after - 0.5;

/** Where an element of the result lies in the operand (Resize, `coordinate_transformation_mode`), of sizes that were not rounded. */
const TRANSFORMS: Readonly<Record<string, Place>> = {
  half_pixel: halfPixel,
  half_pixel_symmetric: halfPixel,
  pytorch_half_pixel: (x, before, after) => (after > 1 ? halfPixel(x, before, after) : 0),
  asymmetric: (x, before, after) => (x * before) / after,
  align_corners: (x, before, after) => (after > 1 ? (x * (before - 1)) / (after - 1) : 0),
  // Up to ai.onnx 12: a nearest neighbour half an element on.
  tf_half_pixel_for_nn: (x, before, after) => ((x + 0.5) * before) / after,
};

const ROUNDINGS: Readonly<Record<string, (position: number) => number>> = {
  floor: Math.floor,
  ceil: Math.ceil,
  round_prefer_floor: (position) => Math.ceil(position - 0.5),
  round_prefer_ceil: (position) => Math.floor(position + 0.5),
};

/** How it is written, where sizes are not known; nearest by a whole factor reads the same each way but one. */
function unsized({ mode, transform, nearest, more }: Reading, scales: readonly number[]): Settings {
  const isWhole = scales.length > 0 && scales.every((scale) => Number.isInteger(scale));
  if (mode !== 'nearest') return { mode, reads: `${transform.replace('pytorch_', '')} ${more}` };
  const isRepeated =
    isWhole &&
    ((transform === 'asymmetric' && nearest === 'floor') ||
      (/half_pixel/.test(transform) && nearest.startsWith('round')));
  return { mode, reads: isRepeated ? 'repeated' : `${transform} ${nearest}` };
}

export const RESIZING: Readonly<Record<string, Operator>> = {
  Resize: { carry: resize, tells: 'settings', form },
  Upsample: { carry: resize, tells: 'settings', form },
};
