import { describe, expect, it } from 'vitest';
import { refusal } from '../onnx/support.ts';
import { cutAndRun, weights } from '../support/cutting.ts';
import { columns, type FunctionInit, type Graph, kinds, layerOf, networkOf, op } from '../support/onnx-builder.ts';

/** A function of the domain `m`; ai.onnx is the model's own version. */
function define(
  name: string,
  from: Pick<FunctionInit, 'input' | 'output' | 'attribute' | 'node'>,
  version = 13n,
): FunctionInit {
  return {
    name,
    domain: 'm',
    opsetImport: [
      { domain: '', version },
      { domain: 'm', version: 1n },
    ],
    ...from,
  };
}

const call = (name: string, inputs: readonly string[], output: string, more = {}) =>
  op(name, [...inputs], output, { name: output, domain: 'm', ...more });

const strided = (version: bigint): FunctionInit =>
  define(
    'Strided',
    {
      input: ['x', 'w'],
      output: ['y'],
      attribute: ['strides'],
      node: [
        {
          opType: 'Conv',
          input: ['x', 'w'],
          output: ['t'],
          attribute: [{ name: 'strides', type: 7, refAttrName: 'strides' }],
        },
        { opType: 'Relu', input: ['t'], output: ['y'] },
      ],
    },
    version,
  );
const STRIDED = strided(13n);
const TWICE: FunctionInit = define('Twice', {
  input: ['x', 'v', 'w'],
  output: ['y'],
  node: [
    {
      opType: 'Strided',
      domain: 'm',
      input: ['x', 'v'],
      output: ['t'],
      attribute: [{ name: 'strides', type: 7, ints: [2n, 2n] }],
    },
    { opType: 'Strided', domain: 'm', input: ['t', 'w'], output: ['y'] },
  ],
});

function model(functions: readonly FunctionInit[], nodes: Graph['nodes'], more: Partial<Graph> = {}): Graph {
  return {
    inputs: { x: [1, 3, 8, 8] },
    outputs: ['z'],
    weights: weights({ 'a.weight': [6, 3, 3, 3], 'b.weight': [4, 6, 1, 1], 'c.weight': [2, 4, 1, 1] }),
    functions,
    nodes,
    ...more,
  };
}

describe("a model's own functions", () => {
  const nodes = [call('Twice', ['x', 'a.weight', 'b.weight'], 'y'), op('Conv', ['y', 'c.weight'], 'z')];

  it('are what they stand for, one inside another, with the values of their attributes', () => {
    const network = networkOf(model([TWICE, STRIDED], nodes));
    expect(columns(network, 'b')).toBe('a:0 a:1 a:2 a:3 a:4 a:5');
    expect(columns(network, 'c')).toBe('b:0 b:1 b:2 b:3');
    // Strided by two where the call says so, by one where nothing does.
    expect(layerOf(network, 'b').output.shape).toEqual([1, 4, 3, 3]);
    expect(network.unseen).toEqual([]);
    expect(network.nodes.map(({ op: name, isInner }) => [name, isInner])).toEqual([
      ['Conv', true],
      ['Relu', true],
      ['Conv', true],
      ['Relu', true],
      ['Conv', false],
    ]);
  });

  it('are cut and run like any other graph', async () => {
    await cutAndRun(model([TWICE, STRIDED], nodes), { a: [0, 2, 5], b: [1, 3] });
  });

  it('may give out what they are given', () => {
    const both = define('Both', {
      input: ['x', 'w'],
      output: ['x', 'y'],
      node: [{ opType: 'Conv', input: ['x', 'w'], output: ['y'] }],
    });
    const network = networkOf(
      model(
        [both],
        [
          call('Both', ['x', 'a.weight'], 'same t'),
          op('Conv', ['t', 'b.weight'], 'y'),
          op('Conv', ['y', 'c.weight'], 'z'),
        ],
      ),
    );
    expect(kinds(network).slice(0, 1)).toEqual(['x input']);
    expect(columns(network, 'b')).toBe('a:0 a:1 a:2 a:3 a:4 a:5');
  });

  it('of another version of the operators stay calls, whose weights nobody looked at', () => {
    const old = strided(1n);
    const network = networkOf(
      model([old], [call('Strided', ['x', 'a.weight'], 'y'), op('Conv', ['y', 'b.weight'], 'z')]),
    );
    expect(network.unseen.map(({ tensor, op: by }) => [tensor.name, by])).toEqual([['a.weight', 'm.Strided']]);
  });

  it('that call themselves, or unfold to too much, are refused', () => {
    const endless = define('Endless', {
      input: ['x'],
      output: ['y'],
      node: [{ opType: 'Endless', domain: 'm', input: ['x'], output: ['y'] }],
    });
    const doubling = Array.from({ length: 30 }, (_, k) =>
      define(`F${k}`, {
        input: ['x'],
        output: ['y'],
        node: ['t', 'y'].map((output, at) => ({
          opType: k === 29 ? 'Relu' : `F${k + 1}`,
          domain: k === 29 ? '' : 'm',
          input: [at === 0 ? 'x' : 't'],
          output: [output],
        })),
      }),
    );
    for (const [functions, name] of [
      [[endless], 'Endless'],
      [doubling, 'F0'],
    ] as const)
      expect(
        refusal(() => networkOf(model(functions, [call(name, ['x'], 'y'), op('Conv', ['y', 'a.weight'], 'z')]))),
      ).toContain('unfold to more nodes than are read');
  });
});
