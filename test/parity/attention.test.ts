import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadRequests, settingsFromFlags } from '../../src/config/index.ts';
import { check } from '../../src/pipeline/check.ts';
import { torchGoldensIn } from '../support/torch-golden.ts';

const SHARED = join(import.meta.dirname, '../../../shared/golden_attention');
const work = mkdtempSync(join(tmpdir(), 'prunegate-attention-'));
const goldens = torchGoldensIn(SHARED);
const EXPORTERS = ['', '.dynamo'];
/** Each exporter's models, and a pruned model that was exported otherwise than the dense one. */
const pairs = goldens.flatMap((golden) =>
  EXPORTERS.flatMap((before) => EXPORTERS.map((after) => ({ ...golden, before, after }))),
);

type Pair = (typeof pairs)[number];

async function checked({ name, folder, before, after }: Pair, isReported: boolean) {
  const spec = join(work, `${name}.json`);
  const written = JSON.parse(readFileSync(join(folder, 'spec.json'), 'utf8'));
  writeFileSync(spec, JSON.stringify('prune' in written ? written : { dialect: 'torch-pruning', prune: written }));
  const [dense, pruned] = [join(folder, `dense${before}.onnx`), join(folder, `pruned${after}.onnx`)];
  const more = isReported ? { reported: join(folder, 'history.json') } : {};
  const [request] = loadRequests(settingsFromFlags({ dense, pruned, spec, ...more }), work);
  return check(request!, { version: 'test', isHashed: false, log() {} });
}

describe.skipIf(pairs.length === 0)('models of attention that Torch-Pruning really pruned', () => {
  it.each(pairs)('$name, dense$before and pruned$after: nothing wrong is expected, found or reported', async (pair) => {
    const { report } = await checked(pair, true);
    expect(report.verdict).not.toBe('diverges');
    for (const { name, expected, actual, reported } of report.layers) {
      const retained = pair.layers[name]?.retained;
      if (retained === undefined) continue;
      for (const list of [expected, actual, reported]) expect([retained, null], name).toContainEqual(list);
    }
  });

  it.each(pairs)('$name, dense$before and pruned$after conform', async (pair) => {
    const { report, exitCode } = await checked(pair, false);
    expect({ verdict: report.verdict, findings: report.findings, exitCode }).toEqual({
      verdict: 'conforms',
      findings: [],
      exitCode: 0,
    });
    expect(report.layers.filter(({ name }) => name in pair.layers)).toHaveLength(Object.keys(pair.layers).length);
    expect(report.layers.every(({ verdict }) => verdict === 'match')).toBe(true);
  });
});
