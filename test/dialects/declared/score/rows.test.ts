import { describe, expect, it } from 'vitest';
import { reusableBuffer } from '../../../../src/bytes/index.ts';
import { PRESETS } from '../../../../src/dialects/declared/presets.ts';
import { rowScores } from '../../../../src/dialects/declared/score/rows.ts';
import { weightSums } from '../../../../src/dialects/declared/score/weight-sums.ts';
import { filterBlocks, type Weight } from '../../../../src/network/index.ts';
import { inMemory, weights } from '../../../support/convs.ts';
import { op, zeros } from '../../../support/onnx-builder.ts';

const [FILTERS, COLUMNS] = [40, 16_000];

describe('scores of filters', () => {
  // 1.3 MB: three blocks.
  const bytes = new Uint8Array(Float32Array.from(weights(FILTERS * COLUMNS, 3)).buffer);
  const network = inMemory({
    inputs: { x: [1, COLUMNS, 1, 1] },
    weights: { 'a.weight': { ...zeros([FILTERS, COLUMNS, 1, 1]), rawData: bytes } },
    nodes: [op('Conv', ['x', 'a.weight'], 'a', { name: 'a' })],
    outputs: ['a'],
  });
  const layer = network.prunable.get('a')!;
  const weight = layer.weight as Weight;
  const whole = { ...weight, tensor: { ...weight.tensor, part: null } };

  it.each([
    ['l1', 'none', null],
    ['l2', 'tensor-l2', null],
    ['fpgm', 'none', null],
    ['l2', 'none', (column: number) => column % 3 > 0],
  ] as const)(
    '%s, normalized by %s, are the same from blocks of a kernel as from all of it',
    (value, normalize, left) => {
      expect(filterBlocks(weight).length).toBeGreaterThan(2);
      expect(filterBlocks(whole)).toHaveLength(1);
      const importance = { ...PRESETS['tinynn']!.importance, value, normalize } as Parameters<typeof rowScores>[2];
      const [inBlocks, atOnce] = [weight, whole].map((one) =>
        rowScores(layer, one, importance, left, weightSums(reusableBuffer(bytes.length))),
      );
      expect(inBlocks).toEqual(atOnce);
      expect(new Set(inBlocks!.values).size).toBe(FILTERS);
    },
  );
});
