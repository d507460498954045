import { describe, expect, it } from 'vitest';
import { compareGraphs } from '../../src/comparison/index.ts';
import { recoverRetention } from '../../src/recovery/index.ts';
import { network, rows } from '../support/convs.ts';
import { float16, float32, type Graph, op } from '../support/onnx-builder.ts';

const shaped = (values: readonly number[], dims: readonly number[]) => ({ ...float32(values), dims: dims.map(BigInt) });

/** Two convolutions with something between, and something in front. */
function model(nodes: Graph['nodes'], weights: Graph['weights'] = {}) {
  const has = (name: string): boolean => nodes.some(({ output }) => output?.includes(name));
  const all = [
    { name: 'a', from: has('front') ? 'front' : 'x', kernel: rows(3, 2, 1) },
    { name: 'b', from: has('between') ? 'between' : 'a', kernel: rows(2, 3, 2) },
  ];
  return network(all, { nodes, weights });
}

const compared = (dense: ReturnType<typeof model>, pruned: ReturnType<typeof model>) => {
  const { differences, open } = compareGraphs(recoverRetention(dense, pruned).correspondence);
  return { differences: differences.map(({ title }) => title), open };
};

const GRID = Array.from({ length: 16 }, (_, k) => k / 3 - 2);
const other = (k: number, value: number): number[] => GRID.map((one, at) => (at === k ? value : one));

describe('a constant that follows no channels', () => {
  const grid = (values: readonly number[], dims = [1, 1, 4, 4]) =>
    model([op('Mul', ['a', 'grid'], 'between', { name: 'mul' })], { grid: shaped(values, dims) });

  it('holds the same values, but for rounding and axes of one', () => {
    expect(compared(grid(GRID), grid(GRID, [4, 4]))).toEqual({ differences: [], open: [] });
    expect(compared(grid(GRID), grid(GRID.map((value) => value * (1 + 1e-7))))).toMatchObject({ differences: [] });
    expect(compared(grid(GRID), grid(other(5, 7)))).toEqual({
      differences: ['the constant of Mul behind a has 7 instead of -0.33333'],
      open: [],
    });
  });

  it('makes no number be compared more loosely where it alone is in half precision', () => {
    const leaky = (alpha: number) =>
      model([op('LeakyRelu', 'a', 'between', { name: 'leaky', alpha: { float: alpha } })], { stray: float16([1, 2]) });
    expect(compared(leaky(0.1), leaky(0.1))).toEqual({ differences: [], open: [] });
    expect(compared(leaky(0.1), leaky(0.1001)).differences).toHaveLength(1);
  });

  it('is named by the number that is another one, not by one that half precision only rounded', () => {
    const clip = (low: number, high: number) =>
      model([op('Clip', ['a', 'low', 'high'], 'between', { name: 'clip' })], {
        ...{ low: shaped([low], []), high: shaped([high], []), stray: float16(GRID) },
      });
    expect(compared(clip(0.1, 6), clip(0.0999755859375, 6)).differences).toEqual([]);
    expect(compared(clip(0.1, 6), clip(0.0999755859375, 5)).differences).toEqual([
      'the number of Clip behind a is 5 instead of 6',
    ]);
  });

  it("is compared in front of the first layer too: a picture's mean", () => {
    const mean = (values: readonly number[]) =>
      model([op('Sub', ['x', 'mean'], 'front', { name: 'sub' })], { mean: shaped(values, [1, 2, 1, 1]) });
    expect(compared(mean([0.4, 0.5]), mean([0.4, 0.5]))).toEqual({ differences: [], open: [] });
    expect(compared(mean([0.4, 0.5]), mean([0.5, 0.4]))).toMatchObject({
      differences: ['the constant of Sub behind the input x has 0.5 instead of 0.4'],
    });
  });

  it('is open where one model alone has it', () => {
    expect(compared(grid(GRID), model([]))).toEqual({ differences: [], open: ['Mul'] });
  });
});

describe('a Transpose', () => {
  const turned = (...perms: readonly (readonly number[])[]) =>
    model(
      perms.map((perm, k) =>
        op('Transpose', k === 0 ? 'a' : `t${k - 1}`, k === perms.length - 1 ? 'between' : `t${k}`, { perm }),
      ),
    );

  it('is layout, unless it turns the picture', () => {
    expect(compared(model([]), turned([0, 2, 3, 1], [0, 3, 1, 2]))).toEqual({ differences: [], open: [] });
    expect(compared(model([]), turned([0, 1, 3, 2]))).toMatchObject({
      differences: ['Transpose behind a is new'],
    });
    expect(compared(model([]), turned([0, 2, 3, 1], [0, 3, 2, 1]))).toMatchObject({
      differences: ['Transpose behind a is new'],
    });
  });
});

describe('a function of elements', () => {
  it('has the same numbers and settings', () => {
    const scaled = (factor: number) => model([op('Mul', ['a', 'factor'], 'between')], { factor: float32(factor) });
    const bent = (alpha: number) => model([op('Elu', 'a', 'between', { alpha: { float: alpha } })]);
    expect(compared(scaled(3), scaled(3))).toEqual({ differences: [], open: [] });
    expect(compared(scaled(3), scaled(4)).differences).toEqual(['the number of Mul behind a is 4 instead of 3']);
    expect(compared(bent(0.7), bent(1)).differences).toEqual(['Elu behind a has other settings']);
  });
});

describe('behind an operator that is not understood', () => {
  it('a number that may hang on how many channels a head has is open, and any other one compared', () => {
    const scaled = (factor: number) =>
      model([op('Mystery', 'a', 'm', { domain: 'mine' }), op('Div', ['m', 'factor'], 'between')], {
        factor: float32(factor),
      });
    const [eight, four] = [scaled(Math.sqrt(8)), scaled(Math.sqrt(4))];
    expect(compared(eight, four)).toEqual({ differences: [], open: ['mine.Mystery'] });
    for (const [before, after] of [
      [four, eight],
      [eight, scaled(2.1)],
      [eight, scaled(-2)],
    ] as const)
      expect(compared(before, after).differences).toEqual([expect.stringContaining('the number of Div')]);
  });

  it('such a number may be rounded to half precision in a model of halves', () => {
    const scaled = (factor: number) =>
      model([op('Mystery', 'a', 'm', { domain: 'mine' }), op('Div', ['m', 'factor'], 'between')], {
        'a.weight': { ...float16(rows(3, 2, 1).flat()), dims: [3n, 2n, 1n, 1n] },
        'b.weight': { ...float16(rows(2, 3, 2).flat()), dims: [2n, 3n, 1n, 1n] },
        factor: float16([factor]),
      });
    const [seven, three, other] = [Math.sqrt(7), Math.sqrt(3), 1.8].map(scaled);
    expect(compared(seven!, three!)).toEqual({ differences: [], open: ['mine.Mystery'] });
    expect(compared(seven!, other!).differences).toEqual([expect.stringContaining('the number of Div')]);
  });

  it('what is computed of it is compared all the same', () => {
    const written = (alpha: number, isBefore: boolean) =>
      model(
        isBefore
          ? [
              op('LeakyRelu', 'a', 'leaky', { name: 'leaky', alpha: { float: alpha } }),
              op('LpNormalization', 'leaky', 'between', { axis: 2, p: 2 }),
            ]
          : [
              op('LpNormalization', 'a', 'normal', { axis: 2, p: 2 }),
              op('LeakyRelu', 'normal', 'between', { name: 'leaky', alpha: { float: alpha } }),
            ],
      );
    for (const isBefore of [true, false]) {
      expect(compared(written(0.1, isBefore), written(0.1, isBefore)).differences).toEqual([]);
      expect(compared(written(0.1, isBefore), written(0.3, isBefore)).differences).toEqual([
        expect.stringContaining('LeakyRelu'),
      ]);
    }
  });
});
