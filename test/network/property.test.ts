import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FIXED_CHANNEL, type Network } from '../../src/network/index.ts';
import { layerOf, networkOf } from '../support/onnx-builder.ts';
import { grow } from '../support/random-graph.ts';

/** Sets of channels that couplings tie together. */
function tiedIn(network: Network): (a: string, b: string) => boolean {
  const parent = new Map<string, string>();
  const root = (id: string): string => {
    const up = parent.get(id);
    return up === undefined || up === id ? id : root(up);
  };
  for (const { operands } of network.couplings) {
    for (const ids of operands)
      ids.forEach((id, k) => void parent.set(root(label(network, id)), root(label(network, operands[0]![k]!))));
  }
  return (a, b) => root(a) === root(b);
}

function label(network: Network, id: number): string {
  if (id === FIXED_CHANNEL) return '-';
  const layer = network.layers[network.channelOwner[id]!]!;
  return `${layer.name}${id - layer.firstChannel}`;
}

describe('columns of random chains of layout operators', () => {
  const outcomes = { known: 0, opaque: 0, undecidable: 0 };
  for (const symbolicBatch of [false, true]) {
    it(`are what an interpreter finds, with a ${symbolicBatch ? 'symbolic' : 'static'} batch`, () => {
      fc.assert(
        fc.property(fc.array(fc.nat(1000), { minLength: 40, maxLength: 120 }), (choices) => {
          const { graph, truth, positions, axis, applied } = grow(choices, symbolicBatch);
          const network = networkOf(graph);
          const call = layerOf(network, 'out').calls[0]!;
          if (!(call.columns instanceof Int32Array)) {
            // A column that several untied channels meet in has no answer.
            outcomes[truth.some((value) => value.includes('+')) ? 'undecidable' : 'opaque']++;
            return;
          }
          outcomes.known++;
          const claimed = Array.from(call.columns, (id) => label(network, id));
          expect(claimed.length).toBe(truth.length);
          const isTied = tiedIn(network);
          const isOne = isSingle(network);
          for (const [k, value] of truth.entries()) {
            const channels = value.split('+');
            for (const channel of channels) {
              // A layer's only filter is never cut, and an input's channel never is: they are broadcast over the others.
              if (channel === '?' || isOne(channel) || (channel === '-' && channels.length > 1)) continue;
              if (!isTied(claimed[k]!, channel))
                expect.fail(`column ${k}: claimed ${claimed[k]}, but ${value} (${applied.join(' ')})`);
            }
          }
          if (!symbolicBatch && axis !== 0 && call.positions !== null) expect(call.positions).toBe(positions);
        }),
        { numRuns: 1500, seed: Number(process.env['SEED'] ?? 20260), endOnFailure: process.env['SEED'] !== undefined },
      );
    });
  }

  it('are known for most chains', () => {
    const { known, opaque } = outcomes;
    expect(known).toBeGreaterThan(1000);
    expect(opaque / (known + opaque)).toBeLessThan(0.25);
  });
});

function isSingle(network: Network): (channel: string) => boolean {
  return (channel) => network.layers.some((layer) => layer.filters === 1 && channel === `${layer.name}0`);
}
