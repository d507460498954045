import { elementwise, softmax, unary } from './ops-elementwise.ts';
import { flatten, identity, reshape, squeeze, transpose, unsqueeze } from './ops-layout.ts';
import { concat, gather, globalPool, pad, pool, reduce, resize, slice, split } from './ops-spatial.ts';
import { batchNorm, conv, convTranspose, gemm, instanceNorm, layerNorm, matMul } from './ops-weighted.ts';
import type { Handler } from './walk.ts';
import { constant } from './walk.ts';

/** Operators whose constant operand is a layer's weight. */
export const WEIGHTED_OPS: ReadonlySet<string> = new Set(['Conv', 'ConvTranspose', 'MatMul', 'Gemm']);

const UNARY = [
  ...['Relu', 'LeakyRelu', 'Elu', 'Selu', 'Celu', 'ThresholdedRelu', 'Clip', 'Sigmoid', 'HardSigmoid', 'HardSwish', 'Tanh'],
  ...['Softplus', 'Softsign', 'Gelu', 'Mish', 'Swish', 'Erf', 'Exp', 'Log', 'Sqrt', 'Reciprocal', 'Abs', 'Neg', 'Sign', 'Floor', 'Ceil'],
  ...['Round', 'Sin', 'Cos', 'Atan', 'Not', 'IsNaN', 'LRN', 'LpNormalization', 'MeanVarianceNormalization', 'Shrink'],
] as const;
const ELEMENTWISE = ['Add', 'Sub', 'Mul', 'Div', 'Max', 'Min', 'Sum', 'Mean', 'Pow', 'Mod', 'PRelu', 'And', 'Or', 'Xor', 'Equal', 'Greater', 'Less', 'GreaterOrEqual', 'LessOrEqual', 'Where'] as const;
const REDUCE = ['ReduceMean', 'ReduceSum', 'ReduceMax', 'ReduceMin', 'ReduceL1', 'ReduceL2', 'ReduceProd', 'ReduceSumSquare', 'ReduceLogSumExp', 'ReduceLogSum'] as const;

/** How each ai.onnx operator carries channels. An operator that is not here is opaque: what depends on it cannot be verified. */
export const HANDLERS: ReadonlyMap<string, Handler> = new Map<string, Handler>([
  ['Constant', constant],
  ['Conv', conv],
  ['ConvTranspose', convTranspose],
  ['MatMul', matMul],
  ['Gemm', gemm],
  ['BatchNormalization', batchNorm],
  ['InstanceNormalization', instanceNorm],
  ['LayerNormalization', layerNorm],
  ...UNARY.map((op): [string, Handler] => [op, unary]),
  ...ELEMENTWISE.map((op): [string, Handler] => [op, elementwise]),
  ...REDUCE.map((op): [string, Handler] => [op, reduce]),
  ['Softmax', softmax],
  ['LogSoftmax', softmax],
  ['Hardmax', softmax],
  ['Identity', identity],
  ['Cast', identity],
  ['CastLike', identity],
  ['Dropout', identity],
  ['DequantizeLinear', identity],
  ['QuantizeLinear', identity],
  ['Transpose', transpose],
  ['Reshape', reshape],
  ['Flatten', flatten],
  ['Squeeze', squeeze],
  ['Unsqueeze', unsqueeze],
  ['MaxPool', pool],
  ['AveragePool', pool],
  ['LpPool', pool],
  ['GlobalAveragePool', globalPool],
  ['GlobalMaxPool', globalPool],
  ['GlobalLpPool', globalPool],
  ['Resize', resize],
  ['Upsample', resize],
  ['Pad', pad],
  ['Concat', concat],
  ['Slice', slice],
  ['Split', split],
  ['Gather', gather],
]);
