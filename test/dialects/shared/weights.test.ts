import { describe, expect, it } from 'vitest';
import { numbersIn, readableWeight, weightsOf } from '../../../src/dialects/shared/weights.ts';
import type { Layer, Weight } from '../../../src/network/index.ts';
import { convs, inMemory, rows } from '../../support/convs.ts';

const [layer] = [...inMemory(convs([{ name: 'a', from: 'x', kernel: rows(3, 2, 1) }])).prunable.values()];
const weight = layer!.weight as Weight;
const stored = (dtype: string): Layer =>
  ({ ...layer!, weight: { ...weight, tensor: { ...weight.tensor, dtype } } }) as Layer;

describe('the weights of a layer', () => {
  it('are those that a pruner saw in single and double precision', () => {
    expect(readableWeight(layer!)).toBe(weight);
    expect(readableWeight(stored('float64'))).toMatchObject({ tensor: { dtype: 'float64' } });
  });

  it('are rounded copies in half precision', () => {
    for (const dtype of ['float16', 'bfloat16'])
      expect(readableWeight(stored(dtype))).toEqual({
        unknown: `a has ${dtype} weights, and the pruner may have ranked what they were rounded from`,
        remedy: 'Export the dense model in float32; the pruned one may be in half precision.',
      });
  });

  it('are none where they are computed at run time', () => {
    const unknown = { unknown: 'the weight of a is computed at run time', remedy: null };
    expect(readableWeight({ ...layer!, weight: null })).toEqual(unknown);
    expect(readableWeight({ ...layer!, weight: { opaque: 'Mul' } } as unknown as Layer)).toEqual(unknown);
  });

  it('are scaled filter by filter where a BatchNorm is folded in, and as they are stored otherwise', () => {
    const plain = [...numbersIn(weight.tensor)];
    expect([...weightsOf(weight)]).toEqual(plain);
    const scaled = weightsOf({ ...weight, rowScale: Float32Array.from([2, 1, -1]) } as unknown as Weight);
    expect([...scaled]).toEqual(plain.map((value, k) => value * [2, 1, -1][Math.floor(k / 2)]!));
    expect([...numbersIn(weight.tensor)]).toEqual(plain);
  });
});
