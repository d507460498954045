import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadRequests, settingsFromFlags } from '../../src/config/index.ts';
import { check } from '../../src/pipeline/check.ts';
import { torchGoldensIn } from '../support/torch-golden.ts';

const SHARED = join(import.meta.dirname, '../../../shared/golden_attention');
const work = mkdtempSync(join(tmpdir(), 'prunegate-attention-'));
const pairs = torchGoldensIn(SHARED).flatMap((golden) => ['', '.dynamo'].map((exporter) => ({ ...golden, exporter })));

type Pair = (typeof pairs)[number];

async function reportOf({ name, folder, exporter }: Pair, more: { readonly reported?: string } = {}) {
  const spec = join(work, `${name}.json`);
  const written = JSON.parse(readFileSync(join(folder, 'spec.json'), 'utf8'));
  writeFileSync(spec, JSON.stringify('prune' in written ? written : { dialect: 'torch-pruning', prune: written }));
  const [dense, pruned] = [join(folder, `dense${exporter}.onnx`), join(folder, `pruned${exporter}.onnx`)];
  const [request] = loadRequests(settingsFromFlags({ dense, pruned, spec, ...more }), work);
  return (await check(request!, { version: 'test', isHashed: false, log() {} })).report;
}

describe.skipIf(pairs.length === 0)('models of attention that Torch-Pruning really pruned', () => {
  it.each(pairs)('$name$exporter is never called wrong, and nothing wrong is expected of it', async (pair) => {
    const report = await reportOf(pair, { reported: join(pair.folder, 'history.json') });
    expect(report.verdict).not.toBe('diverges');
    for (const { name, expected, actual, reported } of report.layers) {
      const retained = pair.layers[name]?.retained;
      if (retained === undefined) continue;
      for (const list of [expected, actual, reported]) expect([retained, null], name).toContainEqual(list);
    }
  });

  // The feed-forward layers, and with nn.MultiheadAttention everything, need nothing of the attention to be known.
  it.each([
    ['mha_local', '', 0],
    ['vit_mlp_only', '', 0],
    ['vit_mlp_only', '.dynamo', 0],
    ['vit_qkv_local', '', 2],
    ['crnn_local', '', 0],
    ['crnn_local', '.dynamo', 0],
  ])('%s%s leaves %i layers open', async (name, exporter, open) => {
    const report = await reportOf(pairs.find((pair) => pair.name === name && pair.exporter === exporter)!);
    expect(report.layers.filter(({ verdict }) => verdict !== 'match')).toHaveLength(open);
  });
});
