import { describe, expect, it } from 'vitest';
import { compareGraphs } from '../../src/comparison/index.ts';
import { recoverRetention } from '../../src/recovery/index.ts';
import { networkOf } from '../support/golden.ts';
import { type Graph, op, writeModel, zeros } from '../support/onnx-builder.ts';

/** A convolution, a chain of nodes that each read what the one before made, and a convolution. */
function chain(count: number, node: (from: string, to: string, k: number) => Graph['nodes'][number], width = 4): Graph {
  const at = (k: number): string => (k === count ? 'end' : `t${k}`);
  return {
    inputs: { x: [1, 3, 4, 4] },
    outputs: ['y'],
    weights: { aw: zeros([4, 3, 1, 1]), bw: zeros([2, width, 1, 1]) },
    nodes: [
      op('Conv', ['x', 'aw'], 't0', { name: 'm/a/Conv2D' }),
      ...Array.from({ length: count }, (_, k) => node(at(k), at(k + 1), k)),
      op('Conv', ['end', 'bw'], 'y', { name: 'm/b/Conv2D' }),
    ],
  };
}

/** Reads a graph, and does with it all that a check does. */
function through(graph: Graph): void {
  const network = networkOf(writeModel(graph));
  const columns = [...network.prunable.values()].at(-1)!.calls[0]!.columns;
  expect(columns).toBeInstanceOf(Int32Array);
  const { differences, open } = compareGraphs(recoverRetention(network, network).correspondence);
  expect([differences, open]).toEqual([[], []]);
}

describe('a graph that is deep', () => {
  it.each([
    ['Identity', (from: string, to: string) => op('Identity', from, to)],
    ['Relu', (from: string, to: string) => op('Relu', from, to)],
    ['Add of one tensor twice', (from: string, to: string) => op('Add', [from, from], to)],
    ['Add of an early tensor', (from: string, to: string) => op('Add', [from, 't0'], to)],
    ['named Add', (from: string, to: string, k: number) => op('Add', [from, 't0'], to, { name: `m/add_${k}/add` })],
    ['Transpose', (from: string, to: string) => op('Transpose', from, to, { perm: [0, 1, 3, 2] })],
  ])('is read: 10,000 times %s', (_, node) => through(chain(10_000, node)), 30_000);

  it('is read: 2,000 times Concat', () => {
    through(chain(2_000, (from, to) => op('Concat', [from, 't0'], to, { axis: 1 }), 4 + 4 * 2_000));
  }, 30_000);

  it('is read: 20,000 times Add over 200 layers', () => {
    const layers = Array.from({ length: 200 }, (_, k) => k);
    const at = (k: number): string => (k === 20_000 ? 'end' : `s${k}`);
    through({
      inputs: { x: [1, 3, 4, 4] },
      outputs: ['y'],
      weights: { bw: zeros([2, 4, 1, 1]), ...Object.fromEntries(layers.map((k) => [`w${k}`, zeros([4, 3, 1, 1])])) },
      nodes: [
        ...layers.map((k) => op('Conv', ['x', `w${k}`], k === 0 ? 's0' : `c${k}`, { name: `m/c_${k}/Conv2D` })),
        ...Array.from({ length: 20_000 }, (_, k) =>
          op('Add', [at(k), `c${1 + (k % 199)}`], at(k + 1), { name: `m/add_${k}/add` }),
        ),
        op('Conv', ['end', 'bw'], 'y', { name: 'm/b/Conv2D' }),
      ],
    });
  }, 60_000);
});
