import { describe, expect, it } from 'vitest';
import { recoverRetention } from '../../src/recovery/index.ts';
import { type ConvInit, kept, network, rows } from '../support/convs.ts';
import { op } from '../support/onnx-builder.ts';

describe("the channels of the model's input", () => {
  const kernel = rows(4, 3, 1);
  const model = (order: readonly number[], filters = [0, 1, 2, 3]) =>
    network([{ name: 'stem', from: 'x', kernel: filters.map((f) => order.map((k) => kernel[f]![k]!)) }], {
      channels: 3,
    });

  it('stand in their order, whichever filters are cut', () => {
    expect(kept(recoverRetention(model([0, 1, 2]), model([0, 1, 2], [1, 3])))).toMatchObject({ wrong: [] });
    expect(kept(recoverRetention(model([0, 1, 2]), model([2, 1, 0], [1, 3])))).toMatchObject({
      actual: { stem: [1, 3] },
      wrong: [
        "the input of stem: it reads the channels of the model's input in the order 2, 1, 0, the dense one in ascending order",
      ],
    });
  });
});

describe("the model's inputs", () => {
  const both = (a: string, b: string, names = ['left', 'right']) => {
    const all: ConvInit[] = [
      { name: 'a', from: a, kernel: rows(4, 2, 1) },
      { name: 'b', from: b, kernel: rows(4, 2, 2) },
      { name: 'c', from: 'sum', kernel: rows(3, 4, 3) },
    ];
    return network(all, {
      inputs: Object.fromEntries(names.map((name) => [name, [1, 2, 4, 4]])),
      nodes: [op('Add', ['a', 'b'], 'sum', { name: 'sum' })],
    });
  };

  it('are read by the layers that read them before', () => {
    const dense = both('left', 'right');
    expect(kept(recoverRetention(dense, both('left', 'right')))).toMatchObject({ wrong: [] });
    expect(kept(recoverRetention(dense, both('right', 'left')))).toMatchObject({
      wrong: [
        "the input of a: it reads right of the model's inputs, the dense one left",
        "the input of b: it reads left of the model's inputs, the dense one right",
      ],
    });
  });

  it('are the same by their order where they are called otherwise', () => {
    const dense = both('left', 'right');
    expect(kept(recoverRetention(dense, both('l', 'r', ['l', 'r'])))).toMatchObject({ wrong: [] });
    expect(kept(recoverRetention(dense, both('r', 'l', ['l', 'r'])))).toMatchObject({
      wrong: [{}, {}].map(() => expect.any(String)),
    });
  });

  it('are concatenated in their order, and added in any', () => {
    const model = (opType: string, names: readonly string[]) =>
      network([{ name: 'a', from: 'in', kernel: rows(4, opType === 'Add' ? 2 : 4, 1) }], {
        inputs: { left: [1, 2, 4, 4], right: [1, 2, 4, 4] },
        nodes: [op(opType, names, 'in', opType === 'Add' ? {} : { axis: 1 })],
      });
    const swapped = (opType: string) =>
      kept(recoverRetention(model(opType, ['left', 'right']), model(opType, ['right', 'left'])));
    expect(swapped('Add')).toMatchObject({ wrong: [] });
    expect(swapped('Concat')).toMatchObject({
      wrong: ["the input of a: it reads right, left of the model's inputs, the dense one left, right"],
    });
  });
});
