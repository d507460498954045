import type { Operation, Settings } from '../network/index.ts';

/** What an operator makes of one element of each operand. */
type Arithmetic = (operands: readonly number[], settings: Settings) => number;

const number = (settings: Settings, name: string, fallback: number): number => {
  const value = settings[name];
  return typeof value === 'number' ? value : fallback;
};

/** Abramowitz and Stegun 7.1.26, to 1.5e-7: as near as two ways to write a Gelu come to each other in float32. */
function erf(x: number): number {
  const t = 1 / (1 + 0.3275911 * Math.abs(x));
  const sum = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
  return Math.sign(x) * (1 - sum * Math.exp(-x * x));
}

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));
const softplus = (x: number): number => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
const clamp = (x: number, low: number, high: number): number => Math.min(Math.max(x, low), high);
const first =
  (f: (x: number, settings: Settings) => number): Arithmetic =>
  ([x], settings) =>
    f(x!, settings);
const both =
  (f: (a: number, b: number) => number): Arithmetic =>
  (operands) =>
    operands.reduce(f);

/** Operators of ai.onnx that look at one position of each operand, by their definitions there. */
const ARITHMETIC: Readonly<Record<string, Arithmetic>> = {
  Add: both((a, b) => a + b),
  Sum: both((a, b) => a + b),
  Sub: both((a, b) => a - b),
  Mul: both((a, b) => a * b),
  Div: both((a, b) => a / b),
  Max: both(Math.max),
  Min: both(Math.min),
  Pow: both((a, b) => a ** b),
  Mean: (operands) => operands.reduce((a, b) => a + b) / operands.length,
  Clip: first((x, s) =>
    clamp(x, number(s, 'min', Number.NEGATIVE_INFINITY), number(s, 'max', Number.POSITIVE_INFINITY)),
  ),
  LeakyRelu: first((x, s) => (x < 0 ? number(s, 'alpha', 0.01) * x : x)),
  Elu: first((x, s) => (x < 0 ? number(s, 'alpha', 1) * Math.expm1(x) : x)),
  Celu: first((x, s) => Math.max(x, 0) + Math.min(0, number(s, 'alpha', 1) * Math.expm1(x / number(s, 'alpha', 1)))),
  Selu: first((x, s) => number(s, 'gamma', 1.050701) * (x > 0 ? x : number(s, 'alpha', 1.6732632) * Math.expm1(x))),
  ThresholdedRelu: first((x, s) => (x > number(s, 'alpha', 1) ? x : 0)),
  Sigmoid: first(sigmoid),
  HardSigmoid: first((x, s) => clamp(number(s, 'alpha', 0.2) * x + number(s, 'beta', 0.5), 0, 1)),
  HardSwish: first((x) => x * clamp(x / 6 + 0.5, 0, 1)),
  Swish: first((x, s) => x * sigmoid(number(s, 'alpha', 1) * x)),
  Tanh: first(Math.tanh),
  Softplus: first(softplus),
  Softsign: first((x) => x / (1 + Math.abs(x))),
  Mish: first((x) => x * Math.tanh(softplus(x))),
  Gelu: first((x, s) =>
    s['approximate'] === 'tanh'
      ? 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)))
      : 0.5 * x * (1 + erf(x / Math.SQRT2)),
  ),
  Erf: first(erf),
  Exp: first(Math.exp),
  Log: first(Math.log),
  Sqrt: first(Math.sqrt),
  Reciprocal: first((x) => 1 / x),
  Abs: first(Math.abs),
  Neg: first((x) => -x),
  Sign: first(Math.sign),
  Floor: first(Math.floor),
  Ceil: first(Math.ceil),
  Sin: first(Math.sin),
  Cos: first(Math.cos),
  Greater: both((a, b) => Number(a > b)),
  GreaterOrEqual: both((a, b) => Number(a >= b)),
  Less: both((a, b) => Number(a < b)),
  LessOrEqual: both((a, b) => Number(a <= b)),
  Not: first((x) => Number(x === 0)),
  And: both((a, b) => Number(a !== 0 && b !== 0)),
  Or: both((a, b) => Number(a !== 0 || b !== 0)),
  Where: ([condition, a, b]) => (condition !== 0 ? a! : b!),
};

/**
 * An operation as arithmetic on single elements, its constant numbers filled in.
 * @returns null where it looks at more than one position, or a setting of it is not known
 */
export function arithmeticOf({ op, settings }: Operation): ((operands: readonly number[]) => number) | null {
  const f = ARITHMETIC[op];
  if (f === undefined || Object.values(settings).some((value) => value === 'computed')) return null;
  const fixed = Object.entries(settings).flatMap(([name, value]) => {
    const at = /^operand (\d+)$/.exec(name)?.[1];
    return at === undefined ? [] : [{ at: Number(at) - 1, value }];
  });
  if (fixed.some(({ value }) => typeof value !== 'number')) return null;
  const { operand, side } = settings;
  // A vector on one side: which element meets which position is not known here.
  if (side !== undefined && operand === undefined) return null;
  if (operand !== undefined && typeof operand !== 'number') return null;
  return (operands) => {
    const all = [...operands];
    if (typeof operand === 'number') all.splice(side === 'left' ? 0 : all.length, 0, operand);
    for (const { at, value } of fixed) all.splice(at, 0, value as number);
    return f(all, settings);
  };
}
