import type { OnnxNode } from '../../onnx/index.ts';
import { idsAlong } from '../channels.ts';
import type { Origin, Signal } from '../drafts.ts';
import type { TensorView } from '../tensor-view.ts';
import {
  attribute,
  type Carry,
  input,
  intAttribute,
  isSignal,
  setOpaque,
  setOutput,
  shapeOf,
  type Walk,
} from '../walk.ts';
import { operation } from './form.ts';
import { carryProduct } from './matrix-product.ts';
import type { Operator } from './operator.ts';
import {
  addKernelSite,
  columnsOf,
  constantInput,
  finish,
  followBias,
  hasConstantBias,
  isUsable,
  placeProducer,
  weightOf,
} from './producers.ts';

/** MatMul with a constant on either side is a dense layer: x[.., in] W[in, out] or W[out, in] x[in, ..]. */
const carryMatMul: Carry = (walk, node) => {
  const onRight = input(walk, node, 1)?.kind === 'constant';
  const view = constantInput(walk, node, onRight ? 1 : 0);
  const x = input(walk, node, onRight ? 0 : 1);
  if (isSignal(x) && isSignal(input(walk, node, onRight ? 1 : 0))) return carryProduct(walk, node);
  if (view === null || view.dims.length !== 2 || !isUsable(view) || !isSignal(x)) return setOpaque(walk, node);
  const rank = shapeOf(x)?.length ?? null;
  const axis = rank === null ? null : Math.max(0, onRight ? rank - 1 : rank - 2);
  dense(walk, node, x, { view, input: onRight ? 1 : 0, outAxis: onRight ? 1 : 0, axis, outputAxis: axis });
};

/** Gemm (ai.onnx): alpha * A' B' + beta * C with A' = A or its transpose. */
const carryGemm: Carry = (walk, node) => {
  const x = input(walk, node, 0);
  const view = constantInput(walk, node, 1);
  if (view === null || view.dims.length !== 2 || !isUsable(view) || !isSignal(x)) return setOpaque(walk, node);
  if (!hasConstantBias(walk, node)) return setOpaque(walk, node, 'Gemm with a bias computed at run time');
  const transA = intAttribute(node, 'transA', 0) === 1;
  const transB = intAttribute(node, 'transB', 0) === 1;
  const origin = dense(walk, node, x, {
    view,
    input: 1,
    outAxis: transB ? 0 : 1,
    axis: transA ? 0 : 1,
    outputAxis: 1,
  });
  if (origin !== null) followBias(walk, node, 2, origin);
};

interface DenseShape {
  readonly view: TensorView;
  /** The input that `view` is. */
  readonly input: number;
  /** The axis of `view` that runs over the layer's outputs. */
  readonly outAxis: 0 | 1;
  /** The axis of x that is summed over, and that of the outputs; null where the rank of x is not known. */
  readonly axis: number | null;
  readonly outputAxis: number | null;
}

function dense(walk: Walk, node: OnnxNode, x: Signal, at: DenseShape): Origin | null {
  const { axis, outputAxis } = at;
  const outCount = at.view.dims[at.outAxis]!;
  const inTotal = at.view.dims[1 - at.outAxis]!;
  const shape = shapeOf(x);
  const rest = shape?.filter((_, k) => k !== axis) ?? [null, null];
  const origin = placeProducer(walk, node, 'dense', weightOf(node, at.view, at.outAxis, 1 - at.outAxis), outCount, 1);
  const outShape = outputAxis === null ? null : rest.toSpliced(outputAxis, 0, outCount);
  const inAxis = 1 - at.outAxis;
  addKernelSite(walk, node, origin, { ...at, inAxis, axisOfGroup: inAxis, groupAttribute: null });
  // Channels along another axis than the one summed over would survive beside the new ones.
  const survives = x.kind === 'channels' && (axis === null || idsAlong(x.map, axis) === null);
  if (survives || axis === null || outputAxis === null || outShape === null) {
    const columns =
      x.kind === 'channels' ? { opaque: `${node.opType} over an axis without channels` } : columnsOf(x, 0, inTotal);
    origin.layer.calls[origin.call]!.columns = columns;
    setOutput(walk, node, { kind: 'opaque', op: node.opType, shape: outShape, from: origin });
    return null;
  }
  finish(walk, node, x, origin, { axis, outAxis: outputAxis, inTotal, outShape, spatial: rest.slice(1) });
  return origin;
}

/** What a formula does to channels is not followed. */
const einsum: Carry = (walk, node) => setOpaque(walk, node);

export const DENSE: Readonly<Record<string, Operator>> = {
  Einsum: { carry: einsum, role: 'weights', sort: 'matrix-product' },
  MatMul: {
    carry: carryMatMul,
    role: 'weights',
    sort: 'matrix-product',
    form: () => operation('dense', { alpha: 1, beta: 1 }),
  },
  Gemm: {
    carry: carryGemm,
    role: 'weights',
    form: ({ node }) =>
      operation('dense', {
        alpha: attribute(node, 'alpha', 'float') ?? 1,
        beta: node.inputs.length > 2 ? (attribute(node, 'beta', 'float') ?? 1) : 1,
      }),
  },
};
