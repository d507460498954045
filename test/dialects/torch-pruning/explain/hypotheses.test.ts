import { describe, expect, it } from 'vitest';
import type { Layer, Network, RetainedIndices } from '../../../../src/network/index.ts';
import { networkOf } from '../../../support/golden.ts';
import { float32, op, writeModel } from '../../../support/onnx-builder.ts';
import { expectationOf } from '../support.ts';

/** Different numbers, so that no two filters tie. */
function kernel(...dims: readonly number[]) {
  const count = dims.reduce((a, b) => a * b, 1);
  const values = Array.from({ length: count }, (_, k) => Math.sin(k * 12.9898 + dims[0]!) * 3);
  return { ...float32(values), dims: dims.map(BigInt) };
}

/** Two convolutions and a linear layer; every read of a weight is counted. */
function counted(): { readonly network: Network; readonly reads: Map<string, number> } {
  const reads = new Map<string, number>();
  const path = writeModel({
    producer: 'pytorch',
    inputs: { x: ['N', 3, 8, 8] },
    outputs: ['y'],
    weights: { 'a.weight': kernel(32, 3, 1, 1), 'b.weight': kernel(48, 32, 1, 1), 'c.weight': kernel(4, 48, 1, 1) },
    nodes: [
      op('Conv', ['x', 'a.weight'], 'ya', { name: '/a/Conv' }),
      op('Conv', ['ya', 'b.weight'], 'yb', { name: '/b/Conv' }),
      op('Conv', ['yb', 'c.weight'], 'y', { name: '/c/Conv' }),
    ],
  });
  const network = networkOf(path);
  const counting = (layer: Layer): Layer => {
    const { weight } = layer;
    if (weight === null || 'opaque' in weight) return layer;
    const read = (...args: Parameters<typeof weight.tensor.read>) => {
      reads.set(layer.name, (reads.get(layer.name) ?? 0) + 1);
      return weight.tensor.read(...args);
    };
    return { ...layer, weight: { ...weight, tensor: { ...weight.tensor, read } } };
  };
  const layers = new Map(network.layers.map((layer) => [layer, counting(layer)]));
  return {
    network: {
      ...network,
      layers: [...layers.values()],
      prunable: new Map([...network.prunable].map(([name, layer]) => [name, layers.get(layer)!])),
      outputLayers: network.outputLayers.map((layer) => layers.get(layer)!),
    },
    reads,
  };
}

const SPEC = { pruning_ratio: 0.41, ignored_layers: ['c'] };

/** Causes under which every layer keeps what it does here, in the order in which they are tried. */
function fitting(network: Network, actual: (layer: string) => RetainedIndices | null): string[] {
  const { hypotheses } = expectationOf(network, SPEC);
  return [...hypotheses({ prunedFile: 'pruned.onnx', actual })].flatMap(({ test }) => {
    const variant = test();
    const isRight =
      variant !== null &&
      [...network.prunable.keys()].every((name) => String(variant.layers.get(name)?.expected) === String(actual(name)));
    return isRight ? [variant.cause] : [];
  });
}

describe('mistakes that Torch-Pruning may have been run with', () => {
  it('are another ratio before another rounding, where both fit', () => {
    const { network } = counted();
    const half = expectationOf(network, { ...SPEC, pruning_ratio: 0.5 });
    const causes = fitting(network, (name) => half.layers.get(name)!.expected);
    expect(causes[0]).toBe('The kept channels are those of pruning_ratio 0.5; the spec says 0.41.');
    expect(causes).toContain('The kept channels are those of round_to 8; the spec says none.');
  });

  it('are a ratio of hundredths too', () => {
    const { network } = counted();
    const odd = expectationOf(network, { ...SPEC, pruning_ratio: 0.72 });
    expect(fitting(network, (name) => odd.layers.get(name)!.expected)[0]).toBe(
      'The kept channels are those of pruning_ratio 0.72; the spec says 0.41.',
    );
  });

  it('are all tried from three readings of each weight: its squares, its absolute values, and its distances', () => {
    const { network, reads } = counted();
    const { hypotheses } = expectationOf(network, SPEC);
    const all = [...hypotheses({ prunedFile: 'pruned.onnx', actual: () => null })];
    expect(all.length).toBeGreaterThan(40);
    for (const { test } of all) test();
    // Distances take the rows of a layer and the columns of the next apart, each with a reading of its own.
    expect(Object.fromEntries(reads)).toEqual({ a: 3, b: 4, c: 3 });
  });

  it('say what they take: new sums as many numbers as there are weights, distances far more, all else the filters alone', () => {
    const { network } = counted();
    const works = [...expectationOf(network, SPEC).hypotheses({ prunedFile: '', actual: () => null })].map(
      ({ work }) => work,
    );
    const ranking = Math.min(...works);
    const reading = 32 * 3 + 48 * 32 + 4 * 48;
    const distances = (32 * 32 * (3 + 48)) / 2 + (48 * 48 * (32 + 4)) / 2 + (4 * 4 * 48) / 2;
    expect([...new Set(works)].sort((a, b) => a - b)).toEqual([ranking, ranking + reading, ranking + distances / 4]);
  });
});
