import type { KeepKeys, Rounding } from '../keys.ts';

/**
 * How many of n filters a share that goes leaves. Each is its pruner's expression, evaluated as written, in doubles:
 * `int(10 * (1 - 0.9))` is 0.
 */
const ROUNDINGS: Readonly<Record<Rounding, (n: number, a: number) => number>> = {
  // NNI (compression/base/...), torch.ao SaliencyPruner: n - int(n * a)
  'remove-floor': (n, a) => n - Math.trunc(n * a),
  // torch.nn.utils.prune, torch.ao FPGMPruner, PaddleSlim, onnxsim: n - round(n * a)
  'remove-nearest': (n, a) => n - roundTiesToEven(n * a),
  // TinyNN removes filters one by one until their share is reached.
  'remove-ceil': (n, a) => n - leastShare(n, a),
  'keep-floor': (n, a) => Math.trunc(n * (1 - a)),
  'keep-nearest': (n, a) => roundTiesToEven(n * (1 - a)),
  // NNCF: ceil(n - n * a)
  'keep-ceil': (n, a) => Math.ceil(n - n * a),
};

/** How many of n filters (of a block) stay by ratio, remove or keep, before multiples and minimum; null for the other rules. */
export function ruledCount(n: number, { rule, amount, rounding }: KeepKeys): number | null {
  switch (rule) {
    case 'ratio':
      return within(n, ROUNDINGS[rounding](n, amount));
    case 'remove':
      return within(n, n - amount);
    case 'keep':
      return within(n, amount);
    default:
      return null;
  }
}

/** How many of all scores in the pool stay above a rank-threshold. */
export function pooledCount(all: number, { amount, rounding }: KeepKeys): number {
  return ROUNDINGS[rounding](all, amount);
}

/** The count rounded to a multiple; at most n. */
export function multipleOf(n: number, count: number, { multiple: { of, to } }: KeepKeys): number {
  switch (to) {
    case 'up':
      return Math.min(n, Math.ceil(count / of) * of);
    case 'down':
      return Math.min(n, Math.floor(count / of) * of);
    case 'nearest':
      return Math.min(n, Math.floor(Math.trunc(count + of / 2) / of) * of);
  }
}

/** The least number of n filters that stay. */
export function leastOf(n: number, { min }: KeepKeys): number {
  if (typeof min === 'number') return Math.min(n, min);
  return Math.min(n, Math.max(Math.trunc((n * Number.parseFloat(min)) / 100), 1));
}

/** The formula with its numbers, as an explanation shows it. */
export function countFormula(n: number, { rule, amount, rounding }: KeepKeys): string {
  if (rule === 'remove') return `${n} - ${amount}`;
  if (rule === 'keep') return `${amount} of ${n}`;
  const formulas: Readonly<Record<Rounding, string>> = {
    'remove-floor': `${n} - int(${n} * ${amount})`,
    'remove-nearest': `${n} - round(${n} * ${amount})`,
    'remove-ceil': `${n} - the least k with k / ${n} >= ${amount}`,
    'keep-floor': `int(${n} * (1 - ${amount}))`,
    'keep-nearest': `round(${n} * (1 - ${amount}))`,
    'keep-ceil': `ceil(${n} - ${n} * ${amount})`,
  };
  return formulas[rounding];
}

function leastShare(n: number, share: number): number {
  for (let k = Math.max(0, Math.floor(n * share) - 1); k <= n; k++) if (k / n >= share) return k;
  return n;
}

function within(n: number, count: number): number {
  return Math.max(0, Math.min(n, count));
}

/** As IEEE 754 and Python's round() do it: halves go to the even neighbour. */
function roundTiesToEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  return rest > 0.5 || (rest === 0.5 && floor % 2 !== 0) ? floor + 1 : floor;
}
