import { isUniform } from '../channels.ts';
import type { Signal } from '../drafts.ts';
import { attribute, type Carry, input, intAttribute, isSignal, setOpaque, shapeOf } from '../walk.ts';
import { carry } from './carry.ts';
import { type Form, type NodeFacts, operation, type Settings } from './form.ts';
import type { Operator } from './operator.ts';
import { convSpatial, windowSettings } from './window.ts';

/** Whether channels lie on axes before the spatial ones, which windows slide over. */
function isChannelsFirst(value: Signal): boolean {
  return value.kind !== 'channels' || isUniform(value.map) || value.map.axes.every((axis) => axis < 2);
}

const carryPool: Carry = (walk, node) => {
  const value = input(walk, node, 0);
  if (!isSignal(value) || !isChannelsFirst(value)) return setOpaque(walk, node);
  const shape = shapeOf(value);
  carry(walk, node, 'pool', value, shape === null ? null : [...shape.slice(0, 2), ...convSpatial(node, shape, null)]);
};

const carryGlobal: Carry = (walk, node) => {
  const value = input(walk, node, 0);
  if (!isSignal(value) || !isChannelsFirst(value)) return setOpaque(walk, node);
  const shape = shapeOf(value);
  carry(walk, node, 'global-pool', value, shape?.map((size, axis) => (axis < 2 ? size : 1)) ?? null);
};

/** A window over the whole of its input is global pooling; one of a single element is none. */
function form(facts: NodeFacts): Form {
  const { node } = facts;
  const settings: Settings = windowSettings(facts, null);
  const { kernel, strides, pads } = settings;
  const sizes = facts.shape(0)?.slice(2) ?? [];
  const isUnpadded = Array.isArray(pads) && pads.every((pad) => pad === 0);
  if (isUnpadded && Array.isArray(kernel) && node.outputs.length === 1) {
    if (kernel.length === sizes.length && kernel.every((size, k) => size === sizes[k]))
      return operation(`Global${node.opType}`);
    const isOne = kernel.every((size) => size === 1) && (strides as readonly number[]).every((stride) => stride === 1);
    if (isOne && node.opType !== 'LpPool') return { kind: 'same' };
  }
  return operation(node.opType, {
    ...settings,
    ...roundingOf(facts, settings),
    ...(node.opType === 'LpPool' ? { p: intAttribute(node, 'p', 2) } : {}),
    ...(node.opType === 'AveragePool' && !isUnpadded
      ? { count_include_pad: intAttribute(node, 'count_include_pad', 0) }
      : {}),
  });
}

/** Rounding up is named only where it takes another window than rounding down. */
function roundingOf({ node, shape }: NodeFacts, settings: Settings): Settings {
  const { kernel, strides, dilations, pads } = settings as Readonly<Record<string, readonly number[] | null>>;
  if (intAttribute(node, 'ceil_mode', 0) === 0) return { ceil_mode: 0 };
  const sizes = shape(0)?.slice(2);
  if (!kernel || !strides || !dilations || !pads || !sizes) return { ceil_mode: null };
  const isEven = kernel.every((size, k) => {
    const padded = (sizes[k] ?? Number.NaN) + pads[k]! + pads[kernel.length + k]!;
    return (padded - (size - 1) * dilations[k]! - 1) % strides[k]! === 0;
  });
  return { ceil_mode: isEven ? 0 : 1 };
}

const POOL: Operator = { carry: carryPool, tells: 'all', form };

export const POOLING: Readonly<Record<string, Operator>> = {
  MaxPool: POOL,
  AveragePool: POOL,
  LpPool: POOL,
  GlobalAveragePool: { carry: carryGlobal, tells: 'all' },
  GlobalMaxPool: { carry: carryGlobal, sort: 'global-maximum', tells: 'all' },
  GlobalLpPool: {
    carry: carryGlobal,
    tells: 'all',
    form: ({ node }) => operation('GlobalLpPool', { p: attribute(node, 'p', 'int') ?? 2 }),
  },
};
