import { attribute, type Carry, input, intAttribute, isSignal, setOpaque, shapeOf } from '../walk.ts';
import { carry } from './carry.ts';
import { operation } from './form.ts';
import type { Operator } from './operator.ts';

/** GridSample (ai.onnx 16): reads each channel of X at the positions that a grid [N, H, W, 2] names; channels stay where they are. */
const gridSample: Carry = (walk, node) => {
  const value = input(walk, node, 0);
  const [grid, shape] = [shapeOf(input(walk, node, 1)), shapeOf(value)];
  const isFirst = isSignal(value) && (value.kind !== 'channels' || value.map.axes.every((axis) => axis === 1));
  if (!isSignal(value) || !isFirst || shape === null || grid === null) return setOpaque(walk, node);
  carry(walk, node, 'upsample', value, [...shape.slice(0, 2), ...grid.slice(1, -1)]);
};

/** Before ai.onnx 20 the modes had other names. */
const MODES: Readonly<Record<string, string>> = { bilinear: 'linear', bicubic: 'cubic' };

export const GRID_SAMPLE: Readonly<Record<string, Operator>> = {
  GridSample: {
    carry: gridSample,
    tells: 'all',
    form: ({ node }) => {
      const mode = attribute(node, 'mode', 'string') ?? 'linear';
      return operation('GridSample', {
        mode: MODES[mode] ?? mode,
        padding_mode: attribute(node, 'padding_mode', 'string') ?? 'zeros',
        align_corners: intAttribute(node, 'align_corners', 0),
      });
    },
  },
};
