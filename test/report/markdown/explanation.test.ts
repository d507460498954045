import { micromark } from 'micromark';
import { gfm, gfmHtml } from 'micromark-extension-gfm';
import { describe, expect, it } from 'vitest';
import type { Expectation, LayerExplanation } from '../../../src/dialects/index.ts';
import { layerExplanationMarkdown, modelExplanationMarkdown } from '../../../src/report/index.ts';
import { pointwise } from '../../support/convs.ts';
import { expectationOf, networkOf } from '../../support/golden.ts';
import { op, writeModel } from '../../support/onnx-builder.ts';

/** Rows of the tables as GitHub shows them. */
function tablesIn(markdown: string): readonly (readonly (readonly string[])[])[] {
  const html = micromark(markdown, { extensions: [gfm()], htmlExtensions: [gfmHtml()] });
  return [...html.matchAll(/<table>(.*?)<\/table>/gs)].map(([, body]) =>
    [...body!.matchAll(/<tr>(.*?)<\/tr>/gs)].map(([, row]) =>
      [...row!.matchAll(/<t[hd][^>]*>(.*?)<\/t[hd]>/gs)].map(([, cell]) => cell!.replaceAll('\u200b', '')),
    ),
  );
}

/** Two layers of eight filters, whose norms fall from the first to the last. */
function explained(name: string): { readonly expectation: Expectation; readonly layer: LayerExplanation } {
  const kernel = (rows: number, channels: number): ReturnType<typeof pointwise> =>
    pointwise(Array.from({ length: rows }, (_, k) => Array.from({ length: channels }, () => 1 - k / rows)));
  const network = networkOf(
    writeModel({
      inputs: { x: [1, 3, 4, 4] },
      outputs: ['y'],
      weights: { aw: kernel(8, 3), bw: kernel(8, 8) },
      nodes: [
        op('Conv', ['x', 'aw'], 't', { name: `m/${name}/Conv2D` }),
        op('Conv', ['t', 'bw'], 'y', { name: 'm/b/Conv2D' }),
      ],
    }),
  );
  const expectation = expectationOf(network, { threshold: 0.6, granularity: 1, min_num_filters: 1 });
  return { expectation, layer: expectation.explainLayer(name)! };
}

describe('an explanation as markdown', () => {
  it('is a table of the filters that stay, the cut, and one of those that go', () => {
    const { layer } = explained('a');
    const markdown = layerExplanationMarkdown(layer, true);
    expect(markdown).toMatch(/^### a\n\n8 filters, 4 kept: /);
    expect(markdown).toContain('\n\n**cut 0.600: 4 filters pass**\n\n');
    const [above, below, another] = tablesIn(markdown);
    expect(another).toBeUndefined();
    expect(above![0]).toEqual(['filter', 'norm', 'a', 'rank', 'margin', '', 'rule', '']);
    expect(above!.slice(1).map(([filter]) => filter)).toEqual(['0', '1', '2', '3']);
    expect(below!.slice(1).map(([filter]) => filter)).toEqual(['4', '5', '6', '7']);
    expect(below![1]!.slice(4, 7)).toEqual(['-0.100', 'cut', 'threshold']);
  });

  it('of a model is a line for each layer', () => {
    const { expectation } = explained('a');
    const spec = {
      effective: {},
      summary: 'threshold 0.6',
      file: '',
      line: () => null,
      at: () => ({ file: null, line: null, key: null }),
    };
    const [layers] = tablesIn(modelExplanationMarkdown(expectation, spec));
    expect(layers!.map(([layer, kept]) => [layer, kept])).toEqual([
      ['layer', 'kept'],
      ['a', '4'],
      ['b', '4'],
    ]);
  });

  it.each(['a|b', '`x`', '<b>x</b>', '@someone', 'x\ny', 'n'.repeat(500_000)])(
    'keeps its columns whatever a layer is called: %#',
    (name) => {
      const { layer } = explained(name);
      const [above] = tablesIn(layerExplanationMarkdown(layer, false));
      for (const row of above!) expect(row).toHaveLength(8);
      expect(above![0]![2]!.length).toBeLessThan(80);
    },
  );
});
