import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadRequests, settingsFromFlags } from '../../src/config/index.ts';
import { check } from '../../src/pipeline/check.ts';
import { fileIn } from '../support/fixture-files.ts';
import { FIXTURES, goldensIn, networkOf } from '../support/golden.ts';
import { recut } from '../support/wrong-models.ts';

const work = mkdtempSync(join(tmpdir(), 'prunegate-folded-'));
const HOST = { version: 'test', isHashed: false, log: () => {} };
const seed = goldensIn(join(FIXTURES, 'golden')).find(({ name }) => name === 'seed_mobilenet_v2')!;
const dense = fileIn(seed.folder, 'dense.folded.onnx');

async function checked(changed: Record<string, unknown> = {}, pruned = fileIn(seed.folder, 'pruned.folded.onnx')) {
  const spec = join(work, 'spec.json');
  writeFileSync(spec, JSON.stringify({ prune: { ...seed.prune, ...changed } }));
  return check(loadRequests(settingsFromFlags({ dense, pruned, spec }), work)[0]!, HOST);
}

/** The folded model as it would be had one layer been cut by other filters. */
function cutOtherwise(layer: string, filters: readonly number[]): string {
  const kernel = (name: string) => (name === layer ? filters : seed.layers[name]!.retained);
  return recut(networkOf(dense), networkOf(fileIn(seed.folder, 'pruned.folded.onnx')), { kernel }).save(
    join(work, 'pruned.onnx'),
  );
}

describe('a pair of folded models', () => {
  it('is unverifiable, shows what is retained, says how tf2onnx exports unfolded, and warns of ranking these weights', async () => {
    const { report, exitCode } = await checked();
    expect(exitCode).toBe(3);
    for (const layer of report.layers) expect(layer.actual, layer.name).toEqual(seed.layers[layer.name]!.retained);
    const [finding, ...others] = report.findings;
    expect(others).toEqual([]);
    expect(finding!.details).toEqual([
      expect.stringMatching(/^BatchNorm is folded into conv1 \(tf2onnx named its tensor .*_weights_fused_bn\)/),
      'Export the dense model without folding: run `from tf2onnx import optimizer; optimizer._optimizers.pop("remove_back_to_back", None)` before tf2onnx converts it. Norms of the folded weights are no substitute: BatchNorm scales each filter, which changes their order.',
      'Checked without norms: each keeps all its filters or a multiple of 8 that is not below the minimum of 16, and equalized layers keep the same.',
    ]);
  });

  it('diverges where equalized layers keep different filters, whatever their norms are', async () => {
    const { report, exitCode } = await checked({}, cutOtherwise('conv1', seed.layers['conv1']!.exploring));
    expect(exitCode).toBe(1);
    expect(report.findings[0]).toMatchObject({
      layers: ['conv1', 'expanded_conv_depthwise'],
      verdict: 'mismatch',
      place: { key: 'prune.equalization_criterion', layer: 'conv1', filters: [] },
      title: 'conv1 and expanded_conv_depthwise are equalized and kept different filters',
      details: [
        'It is equalized with expanded_conv_depthwise, so both keep the same filters, but 0, 15, 27 stay only in it and 3, 19, 22 only in expanded_conv_depthwise.',
        'It is equalized with conv1, so both keep the same filters, but 3, 19, 22 stay only in it and 0, 15, 27 only in conv1.',
      ],
    });
  });

  it('diverges where filters stand in another order', async () => {
    const { report, exitCode } = await checked(
      {},
      cutOtherwise('conv_1', [...seed.layers['conv_1']!.retained].reverse()),
    );
    expect(exitCode).toBe(1);
    expect(report.findings[0]!.title).toBe('conv_1 keeps its filters in another order');
  });

  it.each([
    [
      { min_num_filters: 24 },
      'min_num_filters',
      /kept fewer filters than the minimum of 24 leaves$/,
      'It keeps 16 of 32 filters, and the minimum of 24 leaves 24 at least.',
    ],
    [
      { min_num_filters: 20 },
      'min_num_filters',
      /kept fewer filters than the minimum of 20 leaves$/,
      'It keeps 16 of 32 filters, and the minimum of 20, rounded up to the granularity of 8, leaves 24 at least.',
    ],
    [
      { granularity: 12, min_num_filters: 1 },
      'granularity',
      /kept a number of filters that is no multiple of 12$/,
      'It keeps 16 of 32 filters, which is neither all of them nor a multiple of the granularity of 12.',
    ],
  ])('diverges where the counts are none that %j allows', async (changed, specKey, title, detail) => {
    const { report, exitCode } = await checked(changed);
    expect(exitCode).toBe(1);
    const finding = report.findings.find((one) => one.verdict === 'mismatch');
    expect(finding).toMatchObject({ kind: 'layers', place: { key: `prune.${specKey}` } });
    expect(finding!.title).toMatch(title);
    expect(finding!.details[0]).toBe(detail);
    // All of them are right, however many they are.
    const whole = report.layers.filter((layer) => layer.actual?.length === layer.filters);
    expect(whole.length).toBeGreaterThan(0);
    for (const layer of whole) expect(layer.verdict, layer.name).not.toBe('mismatch');
  });

  it('claims nothing of layers whose partner hangs on memory addresses', async () => {
    const open = goldensIn(join(FIXTURES, 'golden')).find(({ name }) => name === 'random_r2092_address_dependent')!;
    const spec = join(work, 'open.json');
    writeFileSync(spec, JSON.stringify({ prune: open.prune }));
    const flags = {
      dense: fileIn(open.folder, 'dense.onnx'),
      pruned: fileIn(open.folder, 'pruned.onnx'),
      spec,
      folding: 'folded',
    };
    const { report } = await check(loadRequests(settingsFromFlags(flags), work)[0]!, HOST);
    expect(report.layers.filter((layer) => layer.verdict === 'mismatch')).toEqual([]);
  });
});
