import { describe, expect, it } from 'vitest';
import { compareGraphs } from '../../src/comparison/index.ts';
import { recoverRetention } from '../../src/recovery/index.ts';
import { network, rows } from '../support/convs.ts';
import { type Attribute, float32, type Graph, int64, op } from '../support/onnx-builder.ts';

type Between = readonly [nodes: Graph['nodes'], weights?: Graph['weights']];

/** Two convolutions with something between. */
function model([nodes, weights = {}]: Between) {
  const all = [
    { name: 'a', from: 'x', kernel: rows(3, 2, 1) },
    { name: 'b', from: nodes.length > 0 ? 'between' : 'a', kernel: rows(2, 3, 2) },
  ];
  return network(all, { nodes, weights });
}

const compared = (dense: Between, pruned: Between) => {
  const { differences, open } = compareGraphs(recoverRetention(model(dense), model(pruned)).correspondence);
  return { differences: differences.map(({ title }) => title), open };
};
const SAME = { differences: [], open: [] };

describe('an interpolation', () => {
  const resized = (attributes: Readonly<Record<string, Attribute>>, scales = [1, 1, 2, 2]): Between => [
    [op('Resize', ['a', '', 'scales'], 'between', { name: 'resize', ...attributes })],
    { scales: float32(scales) },
  ];
  const nearest = (transform: string, rounding: string) =>
    resized({ mode: 'nearest', coordinate_transformation_mode: transform, nearest_mode: rounding });
  const linear = (transform: string, scales?: number[]) =>
    resized({ mode: 'linear', coordinate_transformation_mode: transform }, scales);
  const sized: Between = [
    [op('Resize', ['a', '', '', 'sizes'], 'between', { mode: 'nearest' })],
    { sizes: int64([1, 3, 8, 8]) },
  ];
  const upsampled: Between = [[op('Upsample', ['a', 'scales'], 'between')], { scales: float32([1, 1, 2, 2]) }];

  it.each([
    ['defaults', resized({}), nearest('half_pixel', 'round_prefer_floor')],
    [
      'as PyTorch and as TensorFlow write it',
      nearest('asymmetric', 'floor'),
      nearest('half_pixel', 'round_prefer_ceil'),
    ],
    ['sizes and scales', sized, nearest('asymmetric', 'floor')],
    ['an older operator set', upsampled, nearest('asymmetric', 'floor')],
    ['tf_half_pixel_for_nn', nearest('tf_half_pixel_for_nn', 'floor'), nearest('half_pixel', 'round_prefer_floor')],
    [
      'linear at whole positions',
      linear('asymmetric', [1, 1, 0.5, 0.5]),
      resized(
        { mode: 'nearest', coordinate_transformation_mode: 'asymmetric', nearest_mode: 'floor' },
        [1, 1, 0.5, 0.5],
      ),
    ],
    ['half_pixel of PyTorch', linear('pytorch_half_pixel'), linear('half_pixel')],
  ])('reads the same positions: %s', (_, a, b) => {
    expect(compared(a, b)).toEqual(SAME);
    expect(compared(b, a)).toEqual(SAME);
  });

  it.each([
    ['mode of Resize behind a is linear instead of nearest', nearest('half_pixel', 'floor'), linear('half_pixel')],
    ['Resize behind a reads other positions', linear('half_pixel'), linear('align_corners')],
    ['Resize behind a reads other positions', nearest('asymmetric', 'floor'), nearest('asymmetric', 'ceil')],
    ['scales of Resize behind a is [4, 4] instead of [2, 2]', linear('half_pixel'), linear('half_pixel', [1, 1, 4, 4])],
  ])('reads others: %s', (says, a, b) => {
    expect(compared(a, b).differences).toEqual([says]);
  });
});

describe('a padding', () => {
  const padded = (mode: string, value = 0, pads = [0, 0, 1, 1, 0, 0, 1, 1]): Between => [
    [op('Pad', ['a', 'pads', 'value'], 'between', { mode })],
    { pads: int64(pads), value: float32(value) },
  ];

  it('has a mode, a value and sizes', () => {
    expect(compared(padded('reflect'), padded('reflect'))).toEqual(SAME);
    expect(compared(padded('reflect'), padded('edge')).differences).toEqual([
      'mode of Pad behind a is edge instead of reflect',
    ]);
    expect(compared(padded('constant', 1), padded('constant', 0.5)).differences).toEqual([
      'value of Pad behind a is 0.5 instead of 1',
    ]);
    expect(compared(padded('edge'), padded('edge', 0, [0, 0, 2, 1, 0, 0, 0, 1])).differences).toHaveLength(1);
  });

  it('with what no maximum takes is one, however it is written', () => {
    expect(compared(padded('constant', -3.4e38), padded('constant', Number.NEGATIVE_INFINITY))).toEqual(SAME);
  });

  it('that takes away what a slice takes is not known to be another', () => {
    const cut = padded('constant', 0, [0, 0, -1, 0, 0, 0, -1, 0]);
    const sliced: Between = [
      [op('Slice', ['a', 'starts', 'ends', 'axes'], 'between')],
      { starts: int64([1]), ends: int64([-1]), axes: int64([2]) },
    ];
    expect(compared(sliced, cut).differences).toEqual([]);
    expect(compared(cut, sliced).differences).toEqual([]);
  });
});

describe('a maximum of maxima', () => {
  const pool = (size: number, strides = [1, 1]): Readonly<Record<string, Attribute>> => ({
    kernel_shape: [size, size],
    pads: Array(4).fill(size >> 1),
    strides,
  });
  const pooled = (...pools: readonly Readonly<Record<string, Attribute>>[]): Between => [
    pools.map((one, k) =>
      op('MaxPool', k === 0 ? 'a' : `m${k}`, k === pools.length - 1 ? 'between' : `m${k + 1}`, one),
    ),
  ];

  it('in steps of one is one over a larger window', () => {
    expect(compared(pooled(pool(5)), pooled(pool(3), pool(3)))).toEqual(SAME);
    expect(compared(pooled(pool(5)), pooled(pool(3), pool(5))).differences).toEqual([
      'kernel of MaxPool behind a is [7, 7] instead of [5, 5]',
    ]);
    expect(compared(pooled(pool(5, [2, 2])), pooled(pool(3, [2, 2]), pool(3))).differences).not.toEqual([]);
  });
});
