import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { executionOf } from '../support/execution.ts';
import { networkOf } from '../support/golden.ts';
import { tf1Goldens } from '../support/golden-tf1.ts';

/** Layers that TAO's TF1 pruner makes anew without their weights, in what it really wrote. */
const REBUILT = [
  { name: 'efficientdet_shared_heads_nhwc', rebuilt: /^weighted_fusion_/ },
  { name: 'separable_unpruned', rebuilt: /^sep/ },
];
const goldens = [...tf1Goldens('').own, ...tf1Goldens('odd').own];

describe.each(REBUILT)('$name', ({ name, rebuilt }) => {
  const { folder } = goldens.find((golden) => golden.name === name)!;
  const files = [join(folder, 'dense.onnx'), join(folder, 'pruned.onnx')] as const;

  it('differs, unless the pruner is known to make layers anew', async () => {
    const different = await executionOf(...files);
    expect(different.verdict).toBe('different');
    const names = new Set(
      networkOf(files[0])
        .layers.map((layer) => layer.name)
        .filter((layer) => rebuilt.test(layer)),
    );
    expect(names.size).toBeGreaterThan(0);
    const excused = await executionOf(...files, {}, { isAsPruned: true, rebuilt: names });
    expect(excused).toMatchObject({
      verdict: null,
      reason: expect.stringContaining('the pruner itself makes it anew'),
    });
  });
});
