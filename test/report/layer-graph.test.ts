import { join } from 'node:path';
import { expect, it } from 'vitest';
import { layerGraph } from '../../src/report/layer-graph.ts';
import { FIXTURES, networkOf } from '../support/golden.ts';

function pairsOf(model: string): readonly string[] {
  const { nodes, edges } = layerGraph(networkOf(join(FIXTURES, model)))!;
  return Array.from(
    { length: edges.length / 2 },
    (_, k) => `${nodes[edges[2 * k]!]!.name} > ${nodes[edges[2 * k + 1]!]!.name}`,
  );
}

it('leads past what only passes channels on, and through what joins them', () => {
  const pairs = pairsOf('golden/se_net_nchw/dense.onnx');
  expect(pairs).toEqual(expect.arrayContaining(['dw > excite', 'se_expand > excite', 'stem > res', 'project > res']));
  expect(pairs.some((pair) => /bn|relu|activation/i.test(pair))).toBe(false);
});

it('follows layers that read others which are numbered later, as in a pyramid', () => {
  const pairs = pairsOf('golden_tf1/efficientdet_shared_heads_nhwc/dense.onnx');
  expect(pairs).toContain('resample_p5 > weighted_fusion_0_0');
  expect(pairs).toContain('resample_p3 > weighted_fusion_1_0');
  // By way of an upsampling that is numbered after the fusion.
  expect(pairs).toContain('after_combine_conv_0_0 > weighted_fusion_1_0');
});
