import { describe, expect, it } from 'vitest';
import { traceModules } from '../../../../src/dialects/torch-pruning/trace/module-graph.ts';
import { parametersOf } from '../../../../src/dialects/torch-pruning/trace/parameters.ts';
import { inMemory } from '../../../support/convs.ts';
import { float32, int64, op, zeros } from '../../../support/onnx-builder.ts';

const [TOKENS, HEADS, SIZE] = [8, 2, 4];

/** Heads of keys that are multiplied with a table by token and channel, and repeated for the queries that share them. */
function keys(table: (token: number, channel: number) => number) {
  const values = Array.from({ length: TOKENS * SIZE }, (_, k) => table(Math.floor(k / SIZE), k % SIZE));
  return inMemory({
    inputs: { x: [1, TOKENS, 6] },
    producer: 'pytorch',
    weights: {
      'k.weight': zeros([6, HEADS * SIZE]),
      table: { ...float32(values), dims: [BigInt(TOKENS), BigInt(SIZE)] },
      apart: int64([1, TOKENS, HEADS, SIZE]),
      axis: int64([2]),
      shared: int64([1, HEADS, 3, TOKENS, SIZE]),
      joined: int64([1, HEADS * 3, TOKENS, SIZE]),
    },
    nodes: [
      op('MatMul', ['x', 'k.weight'], 'k', { name: '/k/MatMul' }),
      op('Reshape', ['k', 'apart'], 'heads'),
      op('Transpose', ['heads'], 'turned', { perm: [0, 2, 1, 3] }),
      op('Mul', ['turned', 'table'], 'moved'),
      op('Unsqueeze', ['moved', 'axis'], 'one'),
      op('Expand', ['one', 'shared'], 'repeated'),
      op('Reshape', ['repeated', 'joined'], 'whole'),
      op('Sigmoid', ['whole'], 'y'),
    ],
    outputs: ['y'],
  });
}

const parametersIn = (network: ReturnType<typeof keys>) => {
  const modules = traceModules(network);
  return modules.flatMap(parametersOf(network, new Set(modules))).map(({ name, width }) => ({ name, width }));
};

/** The angles of rotary positions, both halves of a head alike. */
const angle = (token: number, channel: number): number => token / 10_000 ** ((2 * (channel % (SIZE / 2))) / SIZE);

describe('a table by token and channel, which an attention multiplies its heads with', () => {
  it.each([
    ['sines', (token: number, channel: number) => Math.fround(Math.sin(angle(token, channel)))],
    ['cosines', (token: number, channel: number) => Math.fround(Math.cos(angle(token, channel)))],
    ['scaled cosines', (token: number, channel: number) => Math.fround(1.3 * Math.cos(angle(token, channel)))],
  ])('is no parameter where it holds %s', (_, table) => {
    expect(parametersIn(keys(table))).toEqual([]);
  });

  it.each([
    ['anything', (token: number, channel: number) => Math.fround(Math.sin(token * token + channel))],
    ['a sine too few', (token: number, channel: number) => (channel === 3 ? (token % 3) - 1.5 : Math.sin(token))],
  ])('may be one where it holds %s', (_, table) => {
    expect(parametersIn(keys(table))).toEqual([{ name: 'table', width: SIZE }]);
  });
});

describe('heads that several queries share', () => {
  it('are known to be repeated, whatever was done to them before', () => {
    const types = traceModules(keys(() => 1)).map(({ type }) => type);
    expect(types).toContain('Expand');
  });
});
