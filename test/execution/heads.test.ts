import { describe, expect, it } from 'vitest';
import { executionOf } from '../support/execution.ts';
import { float32, op, writeModel } from '../support/onnx-builder.ts';

/** What stands at the end of a network, and the bias in front of it: scores of detection heads lie near 1e-5. */
const HEADS = {
  'no activation': { bias: 0, nodes: [op('Identity', 'h', 'y')] },
  'a Sigmoid near 0': { bias: 0, nodes: [op('Sigmoid', 'h', 'y', { name: 'score' })] },
  'a Sigmoid far from 0': { bias: -12, nodes: [op('Sigmoid', 'h', 'y', { name: 'score' })] },
  'a Softmax': { bias: 0, nodes: [op('Softmax', 'h', 'y', { name: 'score', axis: 1 })] },
  'a Softmax that is sure': { bias: -30, nodes: [op('Softmax', 'h', 'y', { name: 'score', axis: 1 })] },
  'boxes beside scores': {
    bias: -12,
    nodes: [
      op('Sigmoid', 'h', 'score_', { name: 'score' }),
      op('Mul', ['h', 'stride'], 'box', { name: 'box' }),
      op('Concat', ['box', 'score_'], 'y', { axis: 1 }),
    ],
  },
} as const;
type Head = keyof typeof HEADS;

const [FILTERS, CLASSES] = [16, 5];
const KEPT = { a: [0, 2, 3, 5, 8, 9, 11, 14], b: [1, 2, 4, 6, 7, 10, 12, 15] };
const ALL = { a: [...Array(FILTERS).keys()], b: [...Array(FILTERS).keys()] };

/** Numbers without a pattern, the same in every run. */
function values(seed: number, count: number, size: number): number[] {
  return Array.from({ length: count }, (_, k) => size * Math.sin(seed + 12.9898 * (k + 1) * ((k % 7) + 1)));
}

/** A kernel as [filter][column][position], with the filters and columns that are kept. */
function kernel(seed: number, columns: number, area: number, kept: readonly number[], from: readonly number[]) {
  const all = values(seed, FILTERS * columns * area, Math.sqrt(2 / (columns * area)));
  return kept.flatMap((filter) =>
    from.flatMap((column) => {
      const at = (filter * columns + column) * area;
      return all.slice(at, at + area);
    }),
  );
}

interface Net {
  readonly a: number[];
  readonly biasA: number[];
  readonly b: number[];
  readonly gate: number[];
  readonly head: number[];
  readonly biasHead: number[];
  readonly strides: readonly number[];
  readonly pads: readonly number[];
  readonly activation: string;
  readonly join: string;
}

function net(kept: { readonly a: readonly number[]; readonly b: readonly number[] }, head: Head): Net {
  const colours = [0, 1, 2];
  const bias = values(5, FILTERS, 0.5);
  return {
    a: kernel(1, 3, 9, kept.a, colours),
    biasA: kept.a.map((filter) => bias[filter]!),
    b: kernel(2, FILTERS, 9, kept.b, kept.a),
    gate: kernel(3, FILTERS, 1, kept.b, kept.a),
    head: kernel(4, FILTERS, 1, [...Array(CLASSES).keys()], kept.b),
    biasHead: values(6, CLASSES, 0.2).map(
      (value, k) => value + (k === 0 && head.startsWith('a Softmax') ? 0 : HEADS[head].bias),
    ),
    strides: [1, 1],
    pads: [1, 1, 1, 1],
    activation: 'Relu',
    join: 'Mul',
  };
}

/** a, an activation, two branches that are multiplied, and a head. */
function written(
  kept: { readonly a: readonly number[]; readonly b: readonly number[] },
  head: Head,
  change: Partial<Net> = {},
): string {
  const made = { ...net(kept, head), ...change };
  const weight = (data: readonly number[], ...dims: readonly number[]) => ({
    ...float32(data),
    dims: dims.map(BigInt),
  });
  const [a, b] = [kept.a.length, kept.b.length];
  return writeModel({
    inputs: { x: ['N', 3, 12, 12] },
    weights: {
      wa: weight(made.a, a, 3, 3, 3),
      ba: float32(made.biasA),
      wb: weight(made.b, b, a, 3, 3),
      wg: weight(made.gate, b, a, 1, 1),
      wh: weight(made.head, CLASSES, b, 1, 1),
      bh: float32(made.biasHead),
      stride: float32([32]),
    },
    nodes: [
      op('Conv', ['x', 'wa', 'ba'], 'ca', {
        name: 'net/a/Conv2D',
        kernel_shape: [3, 3],
        strides: made.strides,
        pads: made.pads,
      }),
      op(made.activation, 'ca', 'ra', { name: 'net/act/Act' }),
      op('Conv', ['ra', 'wb'], 'cb', { name: 'net/b/Conv2D', kernel_shape: [3, 3], pads: [1, 1, 1, 1] }),
      op('Conv', ['ra', 'wg'], 'cg', { name: 'net/gate/Conv2D', kernel_shape: [1, 1] }),
      op(made.join, ['cb', 'cg'], 'm', { name: 'net/join/Join' }),
      op('Conv', ['m', 'wh', 'bh'], 'h', { name: 'net/head/Conv2D', kernel_shape: [1, 1] }),
      ...HEADS[head].nodes,
    ],
    outputs: ['y'],
  });
}

/** Two rows of a kernel that change places. */
function exchanged(data: readonly number[], length: number, i: number, j: number): number[] {
  const row = (k: number): number => (k === i ? j : k === j ? i : k);
  return data.map((_, at) => data[row(Math.floor(at / length)) * length + (at % length)]!);
}

const WRONG: readonly (readonly [string, (right: Net) => Partial<Net>])[] = [
  ['a kernel that stands twice', ({ b }) => ({ b: [...b.slice(72, 144), ...b.slice(72)] })],
  ['a bias that changed by 1 %', ({ biasA }) => ({ biasA: biasA.map((bias, k) => (k === 3 ? 1.01 * bias : bias)) })],
  [
    "the head's bias changed by 1 %",
    ({ biasHead }) => ({ biasHead: biasHead.map((bias, k) => (k === 1 ? 1.01 * bias : bias)) }),
  ],
  // Columns of the head as rows of its transpose.
  [
    'two columns exchanged',
    ({ head }) => ({
      head: [...Array(CLASSES).keys()].flatMap((k) => exchanged(head.slice(8 * k, 8 * k + 8), 1, 2, 5)),
    }),
  ],
  ['another stride', () => ({ strides: [2, 2] })],
  ['another padding', () => ({ pads: [2, 2, 0, 0] })],
  ['a missing activation', () => ({ activation: 'Identity' })],
  ['another activation', () => ({ activation: 'Tanh' })],
  ['Add for Mul', () => ({ join: 'Add' })],
];

describe.each(Object.keys(HEADS) as Head[])('a network that ends in %s', (head) => {
  it('computes the same with channels cut', async () => {
    const { verdict, reason } = await executionOf(written(ALL, head), written(KEPT, head));
    expect(verdict, reason).toBe('equal');
  });

  it.each(WRONG)('computes something else with %s', async (_, change) => {
    const { verdict, reason } = await executionOf(written(ALL, head), written(KEPT, head, change(net(KEPT, head))));
    expect(verdict, reason).toBe('different');
  });
});
