import { describe, expect, it } from 'vitest';
import { between, cutAndRun, cutGraph, denseLast, last, numbers, refusedCut } from '../support/cutting.ts';
import { int64, op } from '../support/onnx-builder.ts';

describe('numbers that say which channels there are follow:', () => {
  it('targets of Reshape, with sizes that are copied or inferred', async () => {
    for (const target of [
      [0, -1],
      [-1, 96],
      [0, 96],
    ]) {
      const nodes = [op('Reshape', ['a', 'to'], 'y'), denseLast];
      const made = await cutAndRun(between(nodes, { ow: [96, 2] }, { weights: { to: int64(target) } }), {
        a: [0, 1, 5],
      });
      expect(numbers(made, 'to')).toEqual(target.map((size) => BigInt(size === 96 ? 48 : size)));
    }
  });

  it('the groups of a channel shuffle, or it is refused', async () => {
    const nodes = [
      op('Reshape', ['a', 'split'], 'b'),
      op('Transpose', 'b', 'c', { perm: [0, 2, 1, 3, 4] }),
      op('Reshape', ['c', 'join'], 'y'),
      last,
    ];
    const more = { weights: { split: int64([0, 2, 3, 4, 4]), join: int64([0, 6, 4, 4]) } };
    const graph = between(nodes, { ow: [2, 6, 1, 1] }, more);
    const made = await cutAndRun(graph, { a: [0, 2, 3, 5] });
    expect([numbers(made, 'split'), numbers(made, 'join')]).toEqual([
      [0n, 2n, 2n, 4n, 4n],
      [0n, 4n, 4n, 4n],
    ]);
    // Rows as long as one another, but of other columns: the shuffle would pair them otherwise.
    expect(refusedCut(graph, { a: [0, 1, 4, 5] })).toMatch(/rows of different lengths|would carry other channels/);
    expect(refusedCut(graph, { a: [0, 1, 5] })).toBe('tensor b: cannot be cut: is left with rows of different lengths');
  });

  it('the parts of a Split, written or not', async () => {
    const split = (opset: number, inputs: string[], attributes: Record<string, number | number[]>) =>
      between(
        [
          op('Split', ['a', ...inputs], 's t', { axis: 1, ...attributes }),
          op('Concat', ['t', 's'], 'y', { axis: 1 }),
          last,
        ],
        { ow: [2, 6, 1, 1] },
        { weights: { parts: int64([2, 4]) }, opset },
      );
    const written = await cutAndRun(split(13, ['parts'], {}), { a: [1, 2, 3, 5] });
    expect(numbers(written, 'parts')).toEqual([1n, 3n]);
    const older = await cutAndRun(split(11, [], { split: [2, 4] }), { a: [1, 2, 3, 5] });
    expect(older.graph.node[1]!.attribute).toMatchObject([{ name: 'axis' }, { name: 'split', ints: [1n, 3n] }]);
    const equal = await cutAndRun(split(13, [], {}), { a: [0, 1, 4, 5] });
    expect(equal.graph.node[1]).toMatchObject({ input: ['a'] });
    const uneven = await cutAndRun(split(13, [], {}), { a: [1, 3, 5] });
    expect(uneven.graph.node[1]).toMatchObject({ input: ['a', 's_sizes_cut'] });
    expect(numbers(uneven, 's_sizes_cut')).toEqual([1n, 2n]);
    const counted = await cutAndRun(split(18, [], { num_outputs: 2 }), { a: [0, 1, 2, 5] });
    expect(counted.graph.node[1]!.attribute.map(({ name }) => name)).toEqual(['axis']);
    expect(refusedCut(split(13, ['parts'], {}), { a: [4, 5] })).toMatch(/is left without any channel|a part is left/);
  });

  it('ranges and positions', async () => {
    const sliced = (values: number[][], filters: number) =>
      between(
        [op('Slice', ['a', 's', 'e', 'axes', 't'], 'y'), last],
        { ow: [2, filters, 1, 1] },
        { weights: { s: int64(values[0]!), e: int64(values[1]!), axes: int64([2, 1]), t: int64(values[2]!) } },
      );
    const part = await cutAndRun(
      sliced(
        [
          [0, 1],
          [4, -1],
          [1, 1],
        ],
        4,
      ),
      { a: [0, 1, 4, 5] },
    );
    expect([numbers(part, 's'), numbers(part, 'e')]).toEqual([
      [0n, 1n],
      [4n, -1n],
    ]);
    const moved = await cutAndRun(
      sliced(
        [
          [0, 3],
          [4, 6],
          [1, 1],
        ],
        3,
      ),
      { a: [1, 4, 5] },
    );
    expect([numbers(moved, 's'), numbers(moved, 'e')]).toEqual([
      [0n, 1n],
      [4n, 3n],
    ]);
    await cutAndRun(
      sliced(
        [
          [0, 5],
          [4, -100],
          [1, -1],
        ],
        6,
      ),
      { a: [1, 4, 5] },
    );
    await cutAndRun(
      sliced(
        [
          [0, 3],
          [4, -100],
          [1, -1],
        ],
        4,
      ),
      { a: [0, 2, 5] },
    );
    await cutAndRun(
      sliced(
        [
          [0, 0],
          [4, 6],
          [1, 2],
        ],
        3,
      ),
      { a: [0, 1, 2, 3] },
    );
    expect(
      refusedCut(
        sliced(
          [
            [0, 0],
            [4, 6],
            [1, 2],
          ],
          3,
        ),
        { a: [0, 2, 3, 4] },
      ),
    ).toBe('y: cannot be cut: Slice: the channels that it takes are no longer evenly spaced');
    const picks = between(
      [op('Gather', ['a', 'i'], 'y', { axis: 1 }), last],
      { ow: [2, 4, 1, 1] },
      { weights: { i: int64([5, -6, 2, 5]) } },
    );
    const picked = await cutAndRun(picks, { a: [0, 3, 5] });
    expect(numbers(picked, 'i')).toEqual([2n, 0n, 2n]);
  });

  it('sizes that a Resize is given', async () => {
    const nodes = [op('Resize', ['a', '', '', 'to'], 'y', { mode: 'nearest' }), last];
    const more = { weights: { to: int64([2, 6, 8, 8]) }, inputs: { x: [2, 3, 4, 4] } };
    const made = await cutAndRun(between(nodes, { ow: [2, 6, 1, 1] }, more), { a: [1, 2] });
    expect(numbers(made, 'to')).toEqual([2n, 2n, 8n, 8n]);
  });

  it('shapes in value_info, inputs and outputs, and no others', () => {
    const graph = between(
      [op('Relu', 'a', 'y'), last],
      { ow: [2, 6, 1, 1] },
      {
        inputs: { x: ['N', 3, 4, 4], aw: [6, 3, 1, 1] },
        valueInfo: { a: ['N', 6, 4, 4], y: ['N', 'C', 'H', 'W'], ab: [6], unknown: [6] },
      },
    );
    const { graph: after } = cutGraph(graph, { a: [0, 5], out: [1] });
    const shapes = [...after.input, ...after.valueInfo].map(({ name, type }) => {
      const tensor = type!.value.case === 'tensorType' ? type!.value.value : null;
      return [name, ...tensor!.shape!.dim.map(({ value }) => value.value)];
    });
    expect(shapes).toEqual([
      ['x', 'N', 3n, 4n, 4n],
      ['aw', 2n, 3n, 1n, 1n],
      ['a', 'N', 2n, 4n, 4n],
      ['y', 'N', 2n, 'H', 'W'],
      ['ab', 2n],
      ['unknown', 6n],
    ]);
  });

  it('sizes that the graph computes, where they do not come out right by themselves', async () => {
    const computed = [
      op('Shape', 'a', 'shape'),
      op('Gather', ['shape', 'zero'], 'batch'),
      op('Unsqueeze', ['batch', 'zeros'], 'n'),
    ];
    const more = { weights: { zero: int64(0), zeros: int64([0]), rest: int64([96]), infer: int64([-1]) } };
    const fixed = between(
      [...computed, op('Concat', ['n', 'rest'], 'to', { axis: 0 }), op('Reshape', ['a', 'to'], 'y'), denseLast],
      { ow: [96, 2] },
      more,
    );
    const settled = await cutAndRun(fixed, { a: [0, 4] });
    expect(settled.graph.node.find(({ opType }) => opType === 'Reshape')!.input).toEqual(['a', 'to_cut']);
    expect(numbers(settled, 'to_cut')).toEqual([-1n, 32n]);
    const adapting = between(
      [...computed, op('Concat', ['n', 'infer'], 'to', { axis: 0 }), op('Reshape', ['a', 'to'], 'y'), denseLast],
      { ow: [96, 2] },
      more,
    );
    const kept = await cutAndRun(adapting, { a: [0, 4] });
    expect(kept.graph.node).toEqual(kept.graph.node.map((node) => expect.objectContaining({ input: node.input })));
    expect(kept.graph.node.find(({ opType }) => opType === 'Reshape')!.input).toEqual(['a', 'to']);
  });
});
