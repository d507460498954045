import { describe, expect, it } from 'vitest';
import { recoverRetention } from '../../../src/recovery/index.ts';
import { convs, inMemory, kept, rows } from '../../support/convs.ts';
import { float32, followers, type Graph, int64, layerOf, op } from '../../support/onnx-builder.ts';

/** A BatchNorm without parameters of its own, whose ones and zeros are stored, or one number that is expanded. */
const plain = (isExpanded: boolean): Graph =>
  convs([{ name: 'a', from: 'x', kernel: rows(4, 2, 1) }], {
    nodes: [
      ...(isExpanded ? [op('Expand', ['one', 'size'], 'ones'), op('Expand', ['zero', 'size'], 'zeros')] : []),
      op('BatchNormalization', ['a', 'ones', 'zeros', 'mean', 'var'], 'y', { name: 'norm' }),
    ],
    weights: {
      mean: float32([0.5, -1, 2, 0.25]),
      var: float32([1, 2, 3, 4]),
      ...(isExpanded
        ? { one: float32(1), zero: float32(0), size: int64([4]) }
        : { ones: float32([1, 1, 1, 1]), zeros: float32([0, 0, 0, 0]) }),
    },
    outputs: ['y'],
  });

describe('a BatchNorm without parameters of its own', () => {
  it('is followed where the exporter expands one number', () => {
    const network = inMemory(plain(true));
    expect(followers(network)).toEqual(['norm mean mean = a:0 a:1 a:2 a:3', 'norm variance var = a:0 a:1 a:2 a:3']);
    const [norm] = layerOf(network, 'a').norms;
    expect([norm!.scale, norm!.shift].map(({ elements }) => elements)).toEqual([4, 4]);
  });

  it.each([
    [true, false],
    [false, true],
  ])('is the same however it is written: %j, %j', (dense, pruned) => {
    expect(kept(recoverRetention(inMemory(plain(dense)), inMemory(plain(pruned))))).toMatchObject({
      wrong: [],
      open: [],
    });
  });
});
