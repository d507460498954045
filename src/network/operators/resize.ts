import type { OnnxNode } from '../../onnx/index.ts';
import type { Dim } from '../channels.ts';
import { isUniform } from '../channels.ts';
import { integersOf, numbersOf } from '../constants.ts';
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
  return scales?.data.every((scale) => scale !== null) ? (scales.data as readonly number[]) : null;
}

/** What an interpolation goes by: the scales of the axes, as far as sizes tell them, and how it reads between positions. */
function form(facts: NodeFacts): Form {
  const { node, outputShape, channelAxis } = facts;
  const before = facts.shape(0);
  const scales =
    before === null || outputShape === null || before.length !== outputShape.length
      ? null
      : before.flatMap((size, axis) => {
          if (axis === 0 || axis === channelAxis) return [];
          const after = outputShape[axis] ?? null;
          return [size === null || after === null ? Number.NaN : after / size];
        });
  const mode = (attribute(node, 'mode', 'string') ?? 'nearest').replace(/^bilinear$/, 'linear');
  const isWhole = scales?.every((scale) => Number.isInteger(scale)) ?? false;
  const isKnown = scales?.every((scale) => !Number.isNaN(scale)) ?? false;
  if (isKnown && scales!.every((scale) => scale === 1)) return { kind: 'same' };
  return operation('Resize', { scales: isKnown ? scales : null, mode, ...readingOf(node, mode, isWhole) });
}

/** Upsample, and Resize before ai.onnx 11, read asymmetrically; nearest by a whole factor reads the same each way but one. */
function readingOf(node: OnnxNode, mode: string, isWhole: boolean): Settings {
  const isOld = node.opType === 'Upsample' || node.inputs.length === 2;
  const transform = isOld
    ? 'asymmetric'
    : (attribute(node, 'coordinate_transformation_mode', 'string') ?? 'half_pixel');
  const nearest = isOld ? 'floor' : (attribute(node, 'nearest_mode', 'string') ?? 'round_prefer_floor');
  if (mode !== 'nearest') return { transform: transform === 'pytorch_half_pixel' ? 'half_pixel' : transform };
  const isRepeated =
    isWhole &&
    ((transform === 'asymmetric' && nearest === 'floor') ||
      (/half_pixel/.test(transform) && nearest.startsWith('round')));
  return isRepeated ? { transform: 'repeated' } : { transform, nearest };
}

export const RESIZING: Readonly<Record<string, Operator>> = {
  Resize: { carry: resize, tells: 'same', form },
  Upsample: { carry: resize, tells: 'same', form },
};
