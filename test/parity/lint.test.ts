import { copyFileSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadRequests, settingsFromFlags } from '../../src/config/index.ts';
import { check } from '../../src/pipeline/check.ts';
import { ANYBODY, REPORT_FORMATS, renderMarkdown } from '../../src/report/index.ts';
import { fileIn } from '../support/fixture-files.ts';
import { FIXTURES, goldensIn } from '../support/golden.ts';

const work = mkdtempSync(join(tmpdir(), 'prunegate-lint-'));
const seed = goldensIn(join(FIXTURES, 'golden')).find(({ name }) => name === 'seed_mobilenet_v2')!;
const HOST = { version: 'test', isHashed: false, log: () => {} };

/** The lints of the seed model under its own spec, changed. One key stands on each line. */
async function lintsOf(changed: Record<string, unknown>, { spec = 'spec.yaml', pruned = 'pruned.onnx' } = {}) {
  const keys = { ...seed.prune, excluded_layers: [], ...changed };
  const lines = Object.entries(keys).map(([key, value]) => `  ${key}: ${JSON.stringify(value)}`);
  writeFileSync(join(work, spec), ['prune:', ...lines].join('\n'));
  copyFileSync(fileIn(seed.folder, 'pruned.onnx'), join(work, pruned));
  const flags = { dense: fileIn(seed.folder, 'dense.onnx'), pruned: join(work, pruned), spec: join(work, spec) };
  const { report } = await check(loadRequests(settingsFromFlags(flags), work)[0]!, HOST);
  const lineOf = (key: string): number => Object.keys(keys).indexOf(key) + 2;
  return { report, lints: report.lints, lineOf, rules: report.lints.map(({ rule }) => rule) };
}

describe('remarks on a spec', () => {
  it('tell in one line that the minimum decides, and leave the verdict alone', async () => {
    const { report, lints, lineOf } = await lintsOf({});
    expect(report.verdict).toBe('conforms');
    expect(lints).toMatchObject([
      {
        rule: 'minimum-above-width',
        message:
          'min_num_filters 16, not the threshold, decides in 7 of 13 layers; it is not below the width of expanded_conv_project (16): nothing of it is ever pruned',
        file: join(work, 'spec.yaml'),
        line: lineOf('min_num_filters'),
      },
    ]);
    const text = REPORT_FORMATS.text.render(report, ANYBODY);
    expect(text).toContain(`\nspec: ${join(work, 'spec.yaml')}:${lineOf('min_num_filters')}: min_num_filters 16, not`);
    expect(renderMarkdown(report)).toContain('decides in 7 of 13 layers');
  });

  it('say nothing where there is nothing to say', async () => {
    expect((await lintsOf({ min_num_filters: 8, threshold: 0.4 })).lints).toEqual([]);
  });

  it.each([
    [
      1.5,
      'max',
      'threshold 1.5 is not below 1, the largest value under normalizer max: no filter exceeds it, and every layer keeps its minimum alone (min_num_filters 16, granularity 8)',
    ],
    [
      1,
      'max',
      'threshold 1 is not below 1, the largest value under normalizer max: no filter exceeds it, and every layer keeps its minimum alone (min_num_filters 16, granularity 8)',
    ],
    [
      500,
      'off',
      /^no filter of any layer exceeds threshold 500, the largest value is [\d.]+ under normalizer off: every layer keeps/,
    ],
  ])('threshold %d under normalizer %s is out of reach', async (threshold, normalizer, message) => {
    const { lints, lineOf } = await lintsOf({ threshold, normalizer });
    expect(lints[0]).toMatchObject({ rule: 'threshold-out-of-reach', line: lineOf('threshold') });
    expect(lints[0]!.message).toMatch(message);
  });

  it('a threshold just below the largest value is in reach', async () => {
    expect((await lintsOf({ threshold: 0.9999 })).rules).not.toContain('threshold-out-of-reach');
  });

  it('a granularity above the width of layers prunes nothing of them', async () => {
    const { lints, lineOf } = await lintsOf({ granularity: 32, min_num_filters: 1 });
    expect(lints.find(({ rule }) => rule === 'granularity-above-width')).toMatchObject({
      message:
        'granularity 32 is not below the width of conv1 (32), expanded_conv_depthwise (32) and 4 more layers: nothing of them is ever pruned',
      line: lineOf('granularity'),
      layers: expect.arrayContaining(['expanded_conv_project', 'block_3_project']),
    });
  });

  it('an excluded layer that does not exist is named with the nearest, on its own line', async () => {
    const { lints, lineOf } = await lintsOf({ excluded_layers: ['conv_1', 'block_1_expnd', 'bn_conv1'] });
    expect(lints.slice(0, 2)).toMatchObject([
      {
        rule: 'excluded-layer-unknown',
        message:
          'excluded_layers names block_1_expnd (did you mean block_1_expand?), which the dense model does not have',
        line: lineOf('excluded_layers'),
        layers: ['block_1_expnd'],
      },
      { rule: 'excluded-layer-not-pruned', message: expect.stringContaining('names bn_conv1 (batch-norm), but only') },
    ]);
  });

  it('a threshold that equals a filter in float32 is near the cut, and its neighbours are listed', async () => {
    const value = 0.7599999904632568;
    const { lints } = await lintsOf({ threshold: value, min_num_filters: 1, granularity: 1 });
    const near = lints.find(({ rule }) => rule === 'near-cut');
    expect(near?.message).toMatch(/^\d+ filters? lies? within float32 reach of the cut.* conv1 28 \(0\.7600001\d\)/);
    expect(near?.layers).toContain('conv1');
  });

  it.each([
    [
      'model_th=0.5_eq=union.onnx',
      ['the name of the pruned file, model_th=0.5_eq=union.onnx, says threshold 0.5, the spec says 0.68'],
    ],
    [
      'model_th=0.68_eq=intersection.onnx',
      [
        'the name of the pruned file, model_th=0.68_eq=intersection.onnx, says equalization_criterion intersection, the spec says union',
      ],
    ],
    ['model_th=0.68_eq=union.onnx', []],
  ])('the name %s of the pruned file is compared with the spec', async (pruned, messages) => {
    const { lints } = await lintsOf({}, { pruned });
    expect(lints.filter(({ rule }) => rule === 'name-disagrees').map(({ message }) => message)).toEqual(messages);
  });

  it("the spec file's own name too", async () => {
    const { lints } = await lintsOf({}, { spec: 'prune_th=0.7_eq=union.yaml' });
    expect(lints.find(({ rule }) => rule === 'name-disagrees')?.message).toBe(
      'the name of the spec file, prune_th=0.7_eq=union.yaml, says threshold 0.7, the spec says 0.68',
    );
  });

  it('a spec under which no layer loses a filter is reported', async () => {
    expect((await lintsOf({ threshold: 0, min_num_filters: 1 })).rules).toContain('nothing-pruned');
  });

  it('never fill the screen', async () => {
    const { lints } = await lintsOf(
      { threshold: 2, granularity: 64, min_num_filters: 200, excluded_layers: ['a', 'b', 'c', 'd', 'e', 'bn_conv1'] },
      { pruned: 'model_th=0.1_eq=intersection.onnx' },
    );
    expect(lints.length).toBeLessThanOrEqual(8);
    for (const { message } of lints) expect(message.length).toBeLessThan(300);
  });
});
