import type { OnnxNode } from '../../onnx/index.ts';
import type { TensorView } from '../tensor-view.ts';
import { attribute, type Carry, input, intAttribute, setOpaque, shapeOf, type Walk } from '../walk.ts';
import { type Form, type NodeFacts, operation } from './form.ts';
import type { Operator } from './operator.ts';
import {
  addKernelSite,
  constantInput,
  coupleDepthwise,
  finish,
  followBias,
  hasConstantBias,
  isUsable,
  NOTHING,
  placeProducer,
  weightOf,
} from './producers.ts';
import { convSpatial, convTransposeSpatial, windowSettings } from './window.ts';

/** Conv (ai.onnx): weight [out, in / group, ...kernel]. */
const carryConv: Carry = (walk, node) => {
  const x = input(walk, node, 0) ?? NOTHING;
  const view = convWeight(walk, node);
  if (view === null) return;
  const groups = intAttribute(node, 'group', 1);
  const [outCount = 0, inCount = 0] = view.dims;
  if (groups < 1 || outCount % groups !== 0) return setOpaque(walk, node, `${node.opType} in ${groups} groups`);
  const isDepthwise = groups > 1 && inCount === 1 && outCount % groups === 0;
  const weight = weightOf(node, view, 0, 1);
  const spatial = convSpatial(node, shapeOf(x), view.dims.slice(2));
  const origin = placeProducer(walk, node, isDepthwise ? 'depthwise' : 'conv', weight, outCount, groups);
  finish(walk, node, x, origin, {
    axis: 1,
    outAxis: 1,
    inTotal: inCount * groups,
    outShape: [shapeOf(x)?.[0] ?? null, outCount, ...spatial],
    spatial,
  });
  if (isDepthwise && outCount === groups) coupleDepthwise(walk, origin);
  addKernelSite(walk, node, origin, { view, input: 1, outAxis: 0, inAxis: 1, axisOfGroup: 1, groupAttribute: 'group' });
  followBias(walk, node, 2, origin);
};

/** ConvTranspose (ai.onnx): weight [in, out / group, ...kernel]. */
const carryTransposed: Carry = (walk, node) => {
  const x = input(walk, node, 0) ?? NOTHING;
  const view = convWeight(walk, node);
  if (view === null) return;
  const groups = intAttribute(node, 'group', 1);
  if (groups < 1 || view.dims[0]! % groups !== 0) return setOpaque(walk, node, `${node.opType} in ${groups} groups`);
  const outCount = view.dims[1]! * groups;
  const spatial = convTransposeSpatial(node, shapeOf(x), view.dims.slice(2));
  const origin = placeProducer(walk, node, 'conv-transpose', weightOf(node, view, 1, 0), outCount, groups);
  finish(walk, node, x, origin, {
    axis: 1,
    outAxis: 1,
    inTotal: view.dims[0]!,
    outShape: [shapeOf(x)?.[0] ?? null, outCount, ...spatial],
    spatial: shapeOf(x)?.slice(2) ?? [null],
  });
  addKernelSite(walk, node, origin, { view, input: 1, outAxis: 1, inAxis: 0, axisOfGroup: 1, groupAttribute: 'group' });
  followBias(walk, node, 2, origin);
};

/** The weight of a Conv or ConvTranspose; null, and its output opaque, where it is not a constant that can be followed. */
function convWeight(walk: Walk, node: OnnxNode): TensorView | null {
  const view = constantInput(walk, node, 1);
  if (view !== null && view.dims.length > 2 && isUsable(view) && hasConstantBias(walk, node)) return view;
  setOpaque(
    walk,
    node,
    hasConstantBias(walk, node)
      ? `${node.opType} with a weight computed at run time`
      : `${node.opType} with a bias computed at run time`,
  );
  return null;
}

/** Groups are left out: those of a depthwise convolution are its channels, and a weight's shape says how many there are. */
function form(facts: NodeFacts): Form {
  const { node } = facts;
  const spatial =
    facts
      .shape(1)
      ?.slice(2)
      .filter((size) => size !== null) ?? null;
  const extra = attribute(node, 'output_padding', 'ints')?.some((size) => size !== 0)
    ? { output_padding: attribute(node, 'output_padding', 'ints') }
    : {};
  return operation(node.opType, { ...windowSettings(facts, spatial), ...extra });
}

export const CONVOLUTIONS: Readonly<Record<string, Operator>> = {
  Conv: { carry: carryConv, role: 'weights', form },
  ConvTranspose: { carry: carryTransposed, role: 'weights', form },
};
