import { existsSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { check } from '../src/check.ts';
import { loadRequests, settingsFromFlags } from '../src/config/index.ts';
import { alignNames, foldLike } from '../src/network/index.ts';
import { recoverRetention } from '../src/recovery/index.ts';
import { networkOf } from './support/golden.ts';
import { FIXTURES, SHARED, type TorchGolden, torchGoldensIn } from './support/torch-golden.ts';

const fixtures = torchGoldensIn(FIXTURES);
const others = torchGoldensIn(SHARED).filter(({ name }) => !fixtures.some((fixture) => fixture.name === name));
const goldens = [...fixtures, ...others];

describe.skipIf(others.length === 0)('goldens beside the project (skipped where ../shared is not there)', () => {
  it('are tested with those in the project', () => expect(others.length).toBeGreaterThan(0));
});

const work = mkdtempSync(join(tmpdir(), 'prunegate-torch-'));

async function checkPair(golden: TorchGolden, dense: string, pruned: string) {
  const spec = join(work, `${golden.name}.json`);
  writeFileSync(spec, JSON.stringify(golden.spec));
  const flags = { dense: join(golden.folder, dense), pruned: join(golden.folder, pruned), spec };
  const [request] = loadRequests(settingsFromFlags(flags), work);
  return check(request!, 'check', { version: 'test', isHashed: false, log() {} });
}

/** The exports of one pruned model, each with the dense model that it is held against. */
const PAIRS = [
  ['dense.onnx', 'pruned.onnx'],
  ['dense.onnx', 'pruned.folded.onnx'],
  ['dense.onnx', 'pruned.dynamo.onnx'],
  ['dense.folded.onnx', 'pruned.folded.onnx'],
  ['dense.dynamo.onnx', 'pruned.dynamo.onnx'],
] as const;

describe.each(goldens)('$name', (golden) => {
  const pairs = PAIRS.filter(([, pruned]) => existsSync(join(golden.folder, pruned)));

  it.each(pairs)('%s names its layers as PyTorch does, and %s gives back what they retain', (denseFile, prunedFile) => {
    const dense = networkOf(join(golden.folder, denseFile));
    expect([...dense.prunable.values()].map(({ name, filters }) => [name, filters])).toEqual(
      Object.entries(golden.layers).map(([name, { filters }]) => [name, filters]),
    );
    const { pruned } = alignNames(dense, networkOf(join(golden.folder, prunedFile)));
    const recovery = recoverRetention(foldLike(dense, pruned), pruned);
    expect(recovery).toMatchObject({ extra: [], elsewhere: [] });
    for (const [name, { retained }] of Object.entries(golden.layers)) {
      expect(recovery.layers.get(name), name).toEqual({
        name,
        kernel: { kind: 'exact' },
        actual: retained,
        isPermuted: false,
        duplicated: [],
        disagreements: [],
      });
    }
  });

  const unfolded = pairs.filter(([dense]) => dense === 'dense.onnx');

  it.each(unfolded)('%s and %s conform: what Torch-Pruning retained is expected', async (dense, pruned) => {
    const { report, exitCode } = await checkPair(golden, dense, pruned);
    expect({ verdict: report.verdict, findings: report.findings, exitCode }).toEqual({
      verdict: 'conforms',
      findings: [],
      exitCode: 0,
    });
    for (const { name, expected, exploring, verdict } of report.layers)
      expect({ expected, exploring, verdict }, name).toEqual({
        expected: golden.layers[name]?.retained,
        exploring: null,
        verdict: 'match',
      });
  });

  const folded = pairs.filter(([dense]) => dense !== 'dense.onnx');

  it.each(folded)('%s and %s: what is retained is told, what should be is not', async (dense, pruned) => {
    const { report, exitCode } = await checkPair(golden, dense, pruned);
    expect({ verdict: report.verdict, exitCode }).toEqual({ verdict: 'unverifiable', exitCode: 3 });
    for (const { name, actual, expected, folding, remedy } of report.layers) {
      expect(actual, name).toEqual(golden.layers[name]?.retained);
      if (folding !== 'folded') continue;
      expect(expected, name).toBeNull();
      expect(remedy, name).toContain('do_constant_folding=False');
    }
  });
});
