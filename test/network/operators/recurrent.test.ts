import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { recoverRetention } from '../../../src/recovery/index.ts';
import { cutAndRun, cutGraph, weights, whole } from '../../support/cutting.ts';
import { networkOf } from '../../support/golden.ts';
import { CONVERTERS, type Converter, convertModel } from '../../support/narrow-model.ts';
import { float32, type Graph, int64, op, writeModel } from '../../support/onnx-builder.ts';

const UNITS = 4;
const work = mkdtempSync(join(tmpdir(), 'prunegate-recurrent-'));

/** A convolution whose filters are what a recurrent layer reads, column by column of the picture. */
const sequence = (weight: string, bias: string, name: string) => [
  op('Conv', ['x', weight, bias], 'a', { name }),
  op('Squeeze', ['a', 'axis'], 'flat'),
  op('Transpose', ['flat'], 'seq', { perm: [2, 0, 1] }),
];

/** A convolution whose 6 filters are what a recurrent layer of two directions reads. */
function reading(cell: string, gates: number, changed: Graph['weights'] = {}): Graph {
  const rows = gates * UNITS;
  return {
    inputs: { x: [2, 3, 1, 5] },
    nodes: [
      ...sequence('aw', 'ab', 'm/a/Conv2D'),
      op(cell, ['seq', 'w', 'r', 'b', '', 'h0'], 'y', {
        name: 'm/rnn/Cell',
        hidden_size: UNITS,
        direction: 'bidirectional',
      }),
      op('Transpose', ['y'], 'last', { perm: [0, 2, 1, 3] }),
      op('Reshape', ['last', 'merged'], 'read'),
      op('MatMul', ['read', 'ow'], 'z', { name: 'm/out/MatMul' }),
    ],
    outputs: ['z'],
    weights: {
      ...weights({
        aw: [6, 3, 1, 1],
        ab: [6],
        w: [2, rows, 6],
        r: [2, rows, UNITS],
        b: [2, 2 * rows],
        ow: [2 * UNITS, 3],
      }),
      axis: int64([2]),
      merged: int64([0, 0, 2 * UNITS]),
      h0: { ...float32(Array.from({ length: 2 * 2 * UNITS }, () => 0)), dims: [2n, 2n, BigInt(UNITS)] },
      ...changed,
    },
  };
}

const retained = { a: [0, 2, 5] };
const cells = [
  ['LSTM', 4],
  ['GRU', 3],
  ['RNN', 1],
] as const;

describe('recurrent layers', () => {
  it.each(cells)('%s reads the channels that are left, and its units stay', async (cell, gates) => {
    const { cut, dense } = await cutAndRun(reading(cell, gates), retained);
    expect(cut.model.graph.initializers.get('w')?.dims).toEqual([2, gates * UNITS, 3]);
    expect(dense.unseen).toEqual([]);
    expect([...dense.prunable.keys()]).toEqual(['a', 'out']);
  });

  it.each(cells)('%s that reads its channels in another order keeps others than the layer before', (cell, gates) => {
    const { dense } = cutGraph(reading(cell, gates), retained);
    const swapped = cutGraph(reading(cell, gates, { w: columnsSwapped(2 * gates * UNITS, 6) }), retained);
    const { layers } = recoverRetention(dense, swapped.cut);
    expect(layers.get('a')?.disagreements).toMatchObject([{ consumer: 'rnn' }]);
  });

  it.each(['r', 'b'])('what belongs to its rows is compared: %s', (changed) => {
    const { dense } = cutGraph(reading('LSTM', 4), retained);
    const size = changed === 'r' ? [2, 16, UNITS] : [2, 32];
    const { w: other } = weights({ w: size });
    const { elsewhere } = recoverRetention(dense, cutGraph(reading('LSTM', 4, { [changed]: other! }), retained).cut);
    expect(elsewhere.map(({ tensor }) => tensor)).toEqual([changed]);
  });

  it('leaves what other units would mean open', () => {
    const { dense } = cutGraph(reading('LSTM', 4), retained);
    const { elsewhere, open } = recoverRetention(dense, networkOf(writeModel(reading('RNN', 1))));
    expect(elsewhere).toEqual([]);
    expect(open.map(({ tensor }) => tensor)).toContain('rnn');
  });

  it('reads gates that are put in order where they are too large to be computed with', async () => {
    const [units, channels] = [256, 66];
    const graph = reordered(units, channels);
    const kept = Array.from({ length: channels / 2 }, (_, k) => 2 * k);
    const { dense } = await cutAndRun(graph, { a: kept });
    expect(dense.layers.find(({ kind }) => kind === 'recurrent')?.name).toBe('rnn');
    expect(dense.unseen).toEqual([]);
  });

  // Small ones are computed with, large ones are read when they are asked for.
  it.each([4, 256])('with %d units that are put in order are compared where a model was halved', (units) => {
    const kept = { a: Array.from({ length: 33 }, (_, k) => 2 * k) };
    const [path, half] = [join(work, `${units}.onnx`), join(work, `${units}.half.onnx`)];
    const graph = thirds(reordered(units, 66));
    const { dense } = cutGraph(graph, kept, path);
    const found = (converter: Converter) =>
      recoverRetention(dense, networkOf(convertModel(path, half, converter))).elsewhere.map(({ tensor }) => tensor);
    expect(found(CONVERTERS.half)).toEqual([]);
    expect(found(CONVERTERS.brain)).toEqual([]);
    const { 'rnn.weight_hh_l0': other } = weights({ 'rnn.weight_hh_l0': [4 * units, units] });
    cutGraph({ ...graph, weights: { ...graph.weights, 'rnn.weight_hh_l0': other! } }, kept, path);
    expect(found(CONVERTERS.half)).toHaveLength(1);
  });
});

/** As PyTorch's TorchScript exporter writes an LSTM: the gates of its parameters are put in the order that ONNX has. */
function reordered(units: number, channels: number): Graph {
  const gates = ['i', 'o', 'f', 'c'];
  const pieces = (of: string) => [
    ...gates.map((gate, k) =>
      op('Slice', [of, `at${[0, 3, 1, 2][k]}`, `end${[0, 3, 1, 2][k]}`, 'rows'], `${of}_${gate}`),
    ),
    op(
      'Concat',
      gates.map((gate) => `${of}_${gate}`),
      `${of}_all`,
      { axis: 0 },
    ),
    op('Unsqueeze', [`${of}_all`, 'rows'], `${of}_ready`),
  ];
  const places = [0, 1, 2, 3].flatMap((k) => [
    [`at${k}`, int64([k * units])] as const,
    [`end${k}`, int64([(k + 1) * units])] as const,
  ]);
  return {
    inputs: { x: [1, 3, 1, 2] },
    nodes: [
      ...sequence('a.weight', 'a.bias', '/a/Conv'),
      ...pieces('rnn.weight_ih_l0'),
      ...pieces('rnn.weight_hh_l0'),
      op('LSTM', ['seq', 'rnn.weight_ih_l0_ready', 'rnn.weight_hh_l0_ready'], 'y', {
        name: '/rnn/LSTM',
        hidden_size: units,
      }),
    ],
    outputs: ['y'],
    producer: 'pytorch',
    weights: {
      ...weights({ 'a.weight': [channels, 3, 1, 1], 'a.bias': [channels] }),
      ...weights({ 'rnn.weight_ih_l0': [4 * units, channels], 'rnn.weight_hh_l0': [4 * units, units] }),
      ...Object.fromEntries(places),
      axis: int64([2]),
      rows: int64([0]),
    },
  };
}

type Init = NonNullable<Graph['weights']>[string];

/** The same graph with a third of its weights, which half precision does not hold. */
function thirds(graph: Graph): Graph {
  const third = (weight: Init): Init =>
    weight.dataType === 1
      ? {
          ...weight,
          rawData: new Uint8Array(new Float32Array(weight.rawData!.slice().buffer).map((w) => w / 3).buffer),
        }
      : weight;
  return {
    ...graph,
    weights: Object.fromEntries(Object.entries(graph.weights ?? {}).map(([name, weight]) => [name, third(weight)])),
  };
}

/** As `weights` makes the third of several, with columns 0 and 2, which are kept, exchanged. */
function columnsSwapped(rows: number, columns: number) {
  const values = whole(rows * columns, 3);
  for (let row = 0; row < rows; row++) {
    const [a, b] = [row * columns, row * columns + 2];
    [values[a], values[b]] = [values[b]!, values[a]!];
  }
  return { dataType: 1, dims: [2n, BigInt(rows / 2), BigInt(columns)], rawData: new Uint8Array(values.buffer) };
}
