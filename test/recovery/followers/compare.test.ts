import { describe, expect, it } from 'vitest';
import type { Network } from '../../../src/network/index.ts';
import { recoverRetention } from '../../../src/recovery/index.ts';
import { type ConvInit, convs, inMemory, kept, network, rows, weights } from '../../support/convs.ts';
import { float32, type Graph, int64, op } from '../../support/onnx-builder.ts';

const conv = (init: Partial<ConvInit> = {}): ConvInit => ({ name: 'a', from: 'x', kernel: rows(4, 2, 1), ...init });
const whole = { actual: { a: [0, 1, 2, 3] }, wrong: [], open: [], extra: [] };

/** A BatchNormalization behind a, under names of its own. */
function normalized(vectors: Readonly<Record<'scale' | 'shift' | 'mean' | 'variance', readonly number[]>>): Graph {
  const names = Object.keys(vectors).map((role) => `norm.${role}`);
  return convs([conv()], {
    nodes: [op('BatchNormalization', ['a', ...names], 'y', { name: 'norm' })],
    weights: Object.fromEntries(Object.entries(vectors).map(([role, values]) => [`norm.${role}`, float32(values)])),
    outputs: ['y'],
  });
}

/** One filter laid out as a tensor of 16 positions, and what meets it there. */
function anchored(nodes: Graph['nodes'], values = weights(16, 1)) {
  const scalar = (value: number) => ({ ...int64([value]), dims: [] });
  return network([conv({ kernel: rows(1, 2, 1) })], {
    nodes: [op('Reshape', ['a', 'shape'], 'flat'), ...nodes],
    weights: {
      ...{ v: { ...float32(values), dims: [1n, 4n, 4n] }, shape: int64([1, 4, 4]) },
      ...{ zero: scalar(0), one: scalar(1), count: scalar(16) },
    },
    outputs: ['y'],
  });
}

/** That either model lacks what the other stores is a difference, and nothing is open. */
function expectMissing(name: string, stored: Network, without: Network): void {
  expect(kept(recoverRetention(without, stored))).toMatchObject({
    wrong: [`${name}: the dense model has no such constant`],
    open: [],
  });
  expect(kept(recoverRetention(stored, without))).toMatchObject({
    wrong: [`${name}: the pruned model has no such constant`],
    open: [],
  });
}

describe('what one model has and the other has not', () => {
  const bias = weights(4, 2);

  it.each([
    ['a bias of zeros', { bias: [0, -0, 0, 0] }],
    ['no bias', {}],
  ])('is no difference where it changes nothing: %s', (_, other) => {
    expect(kept(recoverRetention(network([conv()]), network([conv(other)])))).toEqual(whole);
    expect(kept(recoverRetention(network([conv(other)]), network([conv()])))).toEqual(whole);
  });

  it.each([
    ['Add', [0, 0, 0, 0]],
    ['Mul', [1, 1, 1, 1]],
  ])('is no difference where it changes nothing: %s', (opType, values) => {
    const vector = { ...float32(values), dims: [4n, 1n, 1n] };
    const other = network([conv()], { nodes: [op(opType, ['a', 'v'], 'y')], weights: { v: vector }, outputs: ['y'] });
    expect(kept(recoverRetention(network([conv()]), other))).toEqual(whole);
  });

  it('is no difference where a bias of zeros stands beside the own bias in an Add', () => {
    const added = (other: Partial<ConvInit>) =>
      network([conv(other)], {
        nodes: [op('Add', ['a', 'v'], 'y')],
        weights: { v: { ...float32(bias), dims: [4n, 1n, 1n] } },
        outputs: ['y'],
      });
    expect(kept(recoverRetention(added({}), added({ bias: [0, 0, 0, 0] })))).toEqual(whole);
    expect(kept(recoverRetention(added({ bias: [0, 0, 0, 0] }), added({})))).toEqual(whole);
  });

  it('is one where it changes a single channel', () => {
    const other = network([conv({ bias: [0, 0, 1e-30, 0] })]);
    expect(kept(recoverRetention(network([conv()]), other))).toMatchObject({
      wrong: ['a.bias: the dense model has no such bias'],
    });
    expect(kept(recoverRetention(other, network([conv()])))).toMatchObject({
      wrong: ['a.bias: the pruned model has no such bias'],
    });
  });

  it('is open where it is one for each position of a single channel, which the other model computes, and only there', () => {
    const [stored, computed, without] = [
      anchored([op('Sub', ['v', 'flat'], 'y')]),
      anchored([
        op('CumSum', ['v', 'one'], 'sum'),
        op('Reshape', ['sum', 'shape'], 'w'),
        op('Sub', ['w', 'flat'], 'y'),
      ]),
      anchored([op('Relu', ['flat'], 'y')]),
    ];
    const open = { wrong: [], open: [expect.stringContaining('computes its constant at run time')] };
    expect(kept(recoverRetention(computed, stored))).toMatchObject(open);
    expect(kept(recoverRetention(stored, computed))).toMatchObject(open);
    expectMissing('v', stored, without);
  });

  it('is compared where the other model computes it of sizes and the type of what it meets', () => {
    // As the dynamo exporter writes anchors before it optimizes: a range of integers, cast like a picture.
    const computed = anchored([
      op('Range', ['zero', 'count', 'one'], 'whole'),
      op('CastLike', ['whole', 'flat'], 'floats'),
      op('Reshape', ['floats', 'shape'], 'w'),
      op('Sub', ['w', 'flat'], 'y'),
    ]);
    const stored = (values: readonly number[]) => anchored([op('Sub', ['v', 'flat'], 'y')], values);
    const right = Array.from({ length: 16 }, (_, k) => k);
    expect(kept(recoverRetention(computed, stored(right)))).toMatchObject({ wrong: [], open: [] });
    expect(kept(recoverRetention(stored(right), computed))).toMatchObject({ wrong: [], open: [] });
    expect(kept(recoverRetention(computed, stored(right.with(9, 8))))).toMatchObject({
      wrong: [expect.stringContaining('its value 9 is not the dense one')],
    });
  });

  it('is reported where its elements are those of channels that belong to no layer', () => {
    const [start, end, axis] = [int64([4]), int64([6]), int64([1])];
    const mean = { ...float32([0.5, 0.25]), dims: [2n, 1n, 1n] };
    const behind = (last: ReturnType<typeof op>) =>
      network([conv()], {
        nodes: [
          op('Concat', ['a', 'x'], 'both', { axis: 1 }),
          op('Slice', ['both', 'start', 'end', 'axis'], 'image'),
          last,
        ],
        weights: { mean, start, end, axis },
        outputs: ['y'],
      });
    const stored = behind(op('Sub', ['image', 'mean'], 'y'));
    const without = behind(op('Relu', ['image'], 'y'));
    expectMissing('mean', stored, without);
  });

  it('is reported of a BatchNorm of one filter too', () => {
    const one = conv({ kernel: rows(1, 2, 1) });
    expect(kept(recoverRetention(network([{ ...one, bias: [0.5] }]), network([one])))).toMatchObject({
      wrong: ['a.bias: the pruned model has no such bias'],
    });
  });

  it('is none where a module is called again on the same channels', () => {
    const called = (count: number) =>
      network([conv()], {
        nodes: Array.from({ length: count }, (_, k) => op('Mul', ['a', 'v'], `y${k}`)),
        weights: { v: { ...float32(bias), dims: [4n, 1n, 1n] } },
        outputs: Array.from({ length: count }, (_, k) => `y${k}`),
      });
    expect(kept(recoverRetention(called(2), called(1)))).toEqual(whole);
    expect(kept(recoverRetention(called(1), called(2)))).toEqual(whole);
  });

  it('is not known of a layer that weights could hold which nobody followed', () => {
    const more = [conv(), { name: 'b', from: 'a', kernel: rows(2, 4, 3) }];
    const hidden = (elements: number) =>
      network([conv()], {
        nodes: [op('Hidden', ['a', 'w'], 'y', { domain: 'other', name: 'hidden' })],
        weights: { w: { ...float32(weights(elements, 5)), dims: [BigInt(elements)] } },
        outputs: ['y'],
      });
    expect(kept(recoverRetention(hidden(8), network(more)))).toMatchObject({
      extra: [],
      open: ['b: the dense model has no such layer, but weights that were not followed (other.Hidden)'],
    });
    expect(kept(recoverRetention(hidden(7), network(more)))).toMatchObject({ extra: ['b'], open: [] });
  });

  it('is not known behind an operator that is not followed', () => {
    const shift = { ...float32(bias), dims: [4n, 1n, 1n] };
    const followed = convs([conv()], {
      nodes: [op('Relu', 'a', 'r'), op('Add', ['r', 'v'], 'y', { name: 'shifted' })],
      weights: { v: shift },
      outputs: ['y'],
    });
    const hidden = convs([conv()], {
      nodes: [op('Hidden', 'a', 'r', { domain: 'other' }), op('Add', ['r', 'v'], 'y', { name: 'shifted' })],
      weights: { v: shift },
      outputs: ['y'],
    });
    const open = (side: string) => ({
      actual: whole.actual,
      wrong: [],
      open: [`v: the ${side} model was not followed behind other.Hidden, where its like may be`],
    });
    expect(kept(recoverRetention(inMemory(followed), inMemory(hidden)))).toMatchObject(open('pruned'));
    expect(kept(recoverRetention(inMemory(hidden), inMemory(followed)))).toMatchObject(open('dense'));
  });
});

describe('BatchNorm', () => {
  const right = { scale: weights(4, 3), shift: weights(4, 4), mean: weights(4, 5), variance: [1, 2, 3, 4] };
  const dense = inMemory(normalized(right));

  it('without affine or centre is compared by what is left of it', () => {
    const plain = { ...right, scale: [1, 1, 1, 1], shift: [0, 0, 0, 0] };
    expect(kept(recoverRetention(inMemory(normalized(plain)), inMemory(normalized(plain))))).toEqual(whole);
    expect(kept(recoverRetention(inMemory(normalized(plain)), dense))).toMatchObject({
      wrong: [{}, {}].map(() => expect.any(String)),
    });
  });

  it('may be stored under names of another', () => {
    const renamed = normalized(right);
    const node = renamed.nodes.at(-1)!;
    const other = { ...node, input: node.input!.map((name) => name.replace('norm.', 'other.bn.')) };
    const tensors = Object.entries(renamed.weights!).map(
      ([name, t]) => [name.replace('norm.', 'other.bn.'), t] as const,
    );
    const pruned = inMemory({
      ...renamed,
      nodes: [...renamed.nodes.slice(0, -1), other],
      weights: Object.fromEntries(tensors),
    });
    expect(kept(recoverRetention(dense, pruned))).toEqual(whole);
  });
});

describe('a vector of layers of which one could not be determined', () => {
  it('is not compared, and that is said', () => {
    const both = (b: ConvInit['kernel']): Graph =>
      convs([conv(), { name: 'b', from: 'x', kernel: b }], {
        nodes: [op('Concat', ['a', 'b'], 'c', { name: 'c', axis: 1 }), op('Mul', ['c', 'v'], 'y', { name: 'scaled' })],
        weights: { v: { ...float32(weights(8, 6)), dims: [8n, 1n, 1n] } },
        outputs: ['y'],
      });
    const other = rows(4, 2, 9).map((row) => row.map((value) => value * 40));
    const recovery = recoverRetention(inMemory(both(rows(4, 2, 2))), inMemory(both(other)));
    expect(recovery.layers.get('b')!.kernel.kind).toBe('unrecognized');
    expect(recovery.layers.get('a')).toMatchObject({
      disagreements: [],
      open: [{ tensor: 'v', detail: 'it belongs to b as well, whose filters could not be determined' }],
    });
  });
});
