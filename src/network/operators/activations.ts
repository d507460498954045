import type { OnnxNode } from '../../onnx/index.ts';
import { attribute, type Carry } from '../walk.ts';
import { passThrough } from './carry.ts';
import { erf } from './erf.ts';
import type { Operator, Pointwise } from './operator.ts';

const unary: Carry = (walk, node) => passThrough(walk, node, 'activation');

type Of = (x: number) => number;

const sigmoid: Of = (x) => 1 / (1 + Math.exp(-x));
const softplus: Of = (x) => (x > 30 ? x : Math.log1p(Math.exp(x)));
const hardSigmoid = (x: number, alpha: number, beta: number): number => Math.min(1, Math.max(0, alpha * x + beta));
/** Halves go to the even neighbour (ai.onnx Round). */
const round: Of = (x) => (Math.abs(x % 1) === 0.5 ? 2 * Math.round(x / 2) : Math.round(x));

/** x times the share of the normal distribution below it, as an integral or its approximation by tanh (ai.onnx 20). */
export const gelu: Of = (x) => 0.5 * x * (1 + erf(x / Math.SQRT2));
export const fastGelu: Of = (x) => 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)));

/** Functions without attributes. */
const PLAIN: Readonly<Record<string, Of>> = {
  Relu: (x) => Math.max(0, x),
  Softplus: softplus,
  Softsign: (x) => x / (1 + Math.abs(x)),
  Mish: (x) => x * Math.tanh(softplus(x)),
  HardSwish: (x) => x * hardSigmoid(x, 1 / 6, 0.5),
  Erf: erf,
  Exp: Math.exp,
  Log: Math.log,
  Sqrt: Math.sqrt,
  Reciprocal: (x) => 1 / x,
  Abs: Math.abs,
  Neg: (x) => -x,
  Sign: Math.sign,
  Floor: Math.floor,
  Ceil: Math.ceil,
  Round: round,
  Sin: Math.sin,
  Cos: Math.cos,
  Tan: Math.tan,
  Sinh: Math.sinh,
  Cosh: Math.cosh,
  Atan: Math.atan,
  Asin: Math.asin,
  Acos: Math.acos,
  Asinh: Math.asinh,
  Acosh: Math.acosh,
  Atanh: Math.atanh,
  Not: (x) => (x === 0 ? 1 : 0),
  IsNaN: (x) => (Number.isNaN(x) ? 1 : 0),
};

/** A function of one operand under attributes, with the values that ai.onnx gives those that a node does not have. */
function under(
  defaults: Readonly<Record<string, number>>,
  apply: (x: number, ...attributes: readonly number[]) => number,
): Operator {
  const names = Object.keys(defaults);
  const pointwise = (node: OnnxNode): Pointwise => {
    const values = names.map((name) => attribute(node, name, 'float') ?? defaults[name]!);
    return (x) => apply(x!, ...values);
  };
  return { carry: unary, pointwise };
}

/** Bounds are inputs or, before ai.onnx 11, attributes; NaN stands for one that is left out. */
const clip = (node: OnnxNode): Pointwise => {
  const [least, most] = ['min', 'max'].map((name) => attribute(node, name, 'float'));
  const bound = (value: number | undefined, fallback: number): number =>
    value === undefined || Number.isNaN(value) ? fallback : value;
  return (x, min, max) =>
    Math.min(bound(max, most ?? Number.POSITIVE_INFINITY), Math.max(bound(min, least ?? Number.NEGATIVE_INFINITY), x!));
};

const geluOf = (node: OnnxNode): Pointwise => {
  const apply = attribute(node, 'approximate', 'string') === 'tanh' ? fastGelu : gelu;
  return (x) => apply(x!);
};

const plain = (apply: Of): Operator => ({ carry: unary, pointwise: () => (x) => apply(x!) });

export const ACTIVATIONS: Readonly<Record<string, Operator>> = {
  ...Object.fromEntries(Object.entries(PLAIN).map(([op, apply]) => [op, plain(apply)])),
  Sigmoid: { ...plain(sigmoid), saturates: true },
  Tanh: { ...plain(Math.tanh), saturates: true },
  HardSigmoid: {
    ...under({ alpha: Math.fround(0.2), beta: 0.5 }, (x, alpha, beta) => hardSigmoid(x, alpha!, beta!)),
    saturates: true,
  },
  LeakyRelu: under({ alpha: Math.fround(0.01) }, (x, alpha) => (x < 0 ? alpha! * x : x)),
  Elu: { ...under({ alpha: 1 }, (x, alpha) => (x < 0 ? alpha! * Math.expm1(x) : x)), sort: 'elu' },
  Celu: under({ alpha: 1 }, (x, alpha) => (x < 0 ? alpha! * Math.expm1(x / alpha!) : x)),
  Selu: under(
    { alpha: Math.fround(1.6732632), gamma: Math.fround(1.050701) },
    (x, alpha, gamma) => gamma! * (x < 0 ? alpha! * Math.expm1(x) : x),
  ),
  ThresholdedRelu: under({ alpha: 1 }, (x, alpha) => (x > alpha! ? x : 0)),
  Shrink: under({ lambd: 0.5, bias: 0 }, (x, lambd, bias) => (x < -lambd! ? x + bias! : x > lambd! ? x - bias! : 0)),
  /** ai.onnx 24. */
  Swish: under({ alpha: 1 }, (x, alpha) => x * sigmoid(alpha! * x)),
  Gelu: { carry: unary, pointwise: geluOf },
  Clip: { carry: unary, pointwise: clip },
};
