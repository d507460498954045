import { describe, expect, it } from 'vitest';
import { executionOf } from '../support/execution.ts';
import { queryKeyValue } from '../support/heads.ts';
import { float32, int64, op, writeModel } from '../support/onnx-builder.ts';

/** Numbers without a pattern, the same in every run. */
const values = (seed: number, count: number): number[] =>
  Array.from({ length: count }, (_, k) => 0.8 * Math.sin(seed + 12.9898 * (k + 1) * ((k % 7) + 1)));

const [TOKENS, WIDTH, HEADS, OUT] = [3, 6, 2, 3];
const ALL = { width: [0, 1, 2, 3, 4, 5], heads: [0, 1, 2, 3, 4, 5, 6, 7] };
/** Of each head other channels go. */
const KEPT = { width: [0, 1, 3, 4], heads: [1, 3, 4, 5] };

interface Block {
  readonly scale: number;
  readonly epsilon: number;
  readonly activation: string;
  /** How the scores are read: an axis of their softmax. */
  readonly axis: number;
  /** Which token the head reads. */
  readonly token: number;
  readonly join: string;
  /** What the output is multiplied by. */
  readonly factor: number;
}

const BLOCK: Block = { scale: 0.5, epsilon: 1e-5, activation: 'Relu', axis: -1, token: 0, join: 'Add', factor: 1 };

/** Rows and columns of a matrix as [in][out]. */
function matrix(
  seed: number,
  [rows, columns]: readonly [number, number],
  into: readonly number[],
  out: readonly number[],
) {
  const all = values(seed, rows * columns);
  const data = into.flatMap((row) => out.map((column) => all[row * columns + column]!));
  return { ...float32(data), dims: [BigInt(into.length), BigInt(out.length)] };
}

/** A transformer's block: a layer, LayerNorm, attention of two heads, a residual, and a head. */
function model({ width, heads }: typeof ALL, change: Partial<Block> = {}): string {
  const { scale, epsilon, activation, axis, token, join, factor } = { ...BLOCK, ...change };
  const vector = (seed: number) => float32(width.map((k) => 1 + values(seed, WIDTH)[k]!));
  const five = [0, 1, 2, 3, 4];
  return writeModel({
    inputs: { x: [1, TOKENS, 5] },
    weights: {
      sw: matrix(1, [5, WIDTH], five, width),
      gain: vector(2),
      shift: vector(3),
      qw: matrix(4, [WIDTH, 8], width, heads),
      kw: matrix(5, [WIDTH, 8], width, heads),
      vw: matrix(6, [WIDTH, 8], width, heads),
      ow: matrix(7, [8, WIDTH], heads, width),
      hw: matrix(8, [WIDTH, OUT], width, [0, 1, 2]),
      heads: int64([1, TOKENS, HEADS, -1]),
      flat: int64([1, TOKENS, -1]),
      scale: float32(scale),
      token: int64(token),
      factor: float32(factor),
    },
    nodes: [
      op('MatMul', ['x', 'sw'], 's', { name: 'm/stem/MatMul' }),
      op('LayerNormalization', ['s', 'gain', 'shift'], 'n', { name: 'norm', epsilon: { float: epsilon } }),
      ...queryKeyValue('n'),
      op('MatMul', ['q_t', 'k_t'], 'scores', { name: 'scores' }),
      op('Mul', ['scores', 'scale'], 'logits', { name: 'scaling' }),
      op('Softmax', 'logits', 'map', { name: 'map', axis }),
      op('MatMul', ['map', 'v_t'], 'attended', { name: 'attended' }),
      op('Transpose', 'attended', 'back', { perm: [0, 2, 1, 3] }),
      op('Reshape', ['back', 'flat'], 'joined'),
      op('MatMul', ['joined', 'ow'], 'o', { name: 'm/o/MatMul' }),
      op(join, ['s', 'o'], 'r', { name: 'join' }),
      op(activation, 'r', 'a', { name: 'act' }),
      op('Gather', ['a', 'token'], 'first', { axis: 1 }),
      op('MatMul', ['first', 'hw'], 'h', { name: 'm/head/MatMul' }),
      op('Mul', ['h', 'factor'], 'y', { name: 'last' }),
    ],
    outputs: ['y'],
    opset: 17,
  });
}

const dense = model(ALL);

describe('where LayerNorm and heads leave a masked model no measure', () => {
  it('the dense model cut to the same channels is one', async () => {
    const found = await executionOf(dense, model(KEPT));
    expect(found).toMatchObject({ verdict: 'equal', measure: 'cut' });
    expect(found.reason).toMatch(/those of the dense model cut to the same channels/);
  });

  it('which has the scale of heads of the size that is left, where the pruned model has that', async () => {
    expect(await executionOf(dense, model(KEPT, { scale: Math.sqrt(1 / 2) }))).toMatchObject({ verdict: 'equal' });
    expect(await executionOf(dense, model(KEPT, { scale: 0.6 }))).toMatchObject({
      verdict: 'different',
      measure: 'cut',
    });
  });

  it.each<[string, Partial<Block>]>([
    ['another epsilon', { epsilon: 0.1 }],
    ['another activation', { activation: 'Sigmoid' }],
    ['a softmax over another axis', { axis: -2 }],
    ['another token', { token: 1 }],
    ['another operator', { join: 'Mul' }],
    ['another factor behind the last layer', { factor: 1.01 }],
  ])('%s is found', async (_, change) => {
    const found = await executionOf(dense, model(KEPT, change));
    expect(found, found.reason).toMatchObject({ verdict: 'different', measure: 'cut' });
    expect(found.reason).toMatch(/than in the dense model cut to the same channels/);
  });

  it('and a masked one is taken where it is one', async () => {
    const width = { width: ALL.width, heads: ALL.heads };
    expect(await executionOf(dense, model(width))).toMatchObject({ verdict: 'equal', measure: 'masked' });
  });

  it('which no cut is of filters in another order, and that is said', async () => {
    const moved = { ...KEPT, width: [1, 0, 3, 4] };
    const found = await executionOf(dense, model(moved));
    expect(found).toMatchObject({ verdict: null, measure: 'masked' });
    expect(found.reason).toMatch(/LayerNormalization of norm\), and the filters of stem stand in another order/);
  });
});
