import { existsSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadRequests, settingsFromFlags } from '../../src/config/index.ts';
import { sizeOf } from '../../src/network/index.ts';
import { check } from '../../src/pipeline/check.ts';
import { recoverRetention } from '../../src/recovery/index.ts';
import { fileIn } from '../support/fixture-files.ts';
import { expectationOf, FIXTURES, goldensIn, isRight, networkOf, SHARED } from '../support/golden.ts';

const fixtures = goldensIn(join(FIXTURES, 'golden'));
const others = goldensIn(SHARED).filter(({ name }) => !fixtures.some((fixture) => fixture.name === name));
const goldens = [...fixtures, ...others];
const work = mkdtempSync(join(tmpdir(), 'prunegate-golden-'));

describe.skipIf(others.length === 0)('goldens beside the project (skipped where ../shared is not there)', () => {
  it('are tested with those in the project', () => expect(others.length).toBeGreaterThan(0));
});

describe.each(goldens)('$name', (golden) => {
  const dense = networkOf(fileIn(golden.folder, 'dense.onnx'));

  it('has the layers and parameters that Keras counts', async () => {
    expect([...dense.prunable.keys()].sort()).toEqual(Object.keys(golden.layers).sort());
    for (const [name, { filters }] of Object.entries(golden.layers))
      expect(dense.prunable.get(name)?.filters, name).toBe(filters);
    expect(sizeOf(dense).parameters).toBe(golden.params.dense);
  });

  it('is expected to retain what the real pruner retained, exploring and afterwards', async () => {
    const expectation = expectationOf(dense, golden.prune);
    expect(expectation.refusal).toBeNull();
    for (const [name, { retained, exploring }] of Object.entries(golden.layers)) {
      expect(
        isRight(expectation, name, retained),
        `${name} retained ${retained}, expected ${expectation.layers.get(name)?.expected}`,
      ).toBe(true);
      if (golden.name !== 'ties') expect(expectation.layers.get(name)?.exploring, name).toEqual(exploring);
    }
  });

  it('has the equalization groups of the real pruner', async () => {
    const groups = expectationOf(dense, golden.prune).groups.map(({ members }) => [...members].sort().join());
    expect(groups.sort()).toEqual(golden.equalizationGroups.map((members) => [...members].sort().join()).sort());
  });

  it.runIf(golden.grid.length > 0)('is expected to retain the same for every spec of its grid', async () => {
    for (const [k, row] of golden.grid.entries()) {
      const expectation = expectationOf(dense, row.prune);
      for (const [name, retained] of Object.entries(row.layers)) {
        expect(
          isRight(expectation, name, retained),
          `row ${k} ${name}: ${JSON.stringify(row.prune)} retained ${retained}, expected ${expectation.layers.get(name)?.expected}`,
        ).toBe(true);
      }
    }
  });

  it('gives back what the pruned model retains', async () => {
    const recovery = recoverRetention(dense, networkOf(fileIn(golden.folder, 'pruned.onnx')));
    expect(recovery.extra).toEqual([]);
    expect(recovery.elsewhere).toEqual([]);
    for (const [name, { retained }] of Object.entries(golden.layers)) {
      expect(recovery.layers.get(name), name).toMatchObject({
        kernel: { kind: 'exact' },
        actual: retained,
        isPermuted: false,
        duplicated: [],
      });
    }
  });

  it('conforms', async () => {
    const { report, exitCode } = await checkPair(golden.folder, 'dense.onnx', 'pruned.onnx', golden.prune);
    expect({ verdict: report.verdict, findings: report.findings, exitCode }).toEqual({
      verdict: 'conforms',
      findings: [],
      exitCode: 0,
    });
    const ambiguous = report.layers.filter((layer) => layer.verdict === 'ambiguous').map((layer) => layer.name);
    const isUndetermined = report.layers.some((layer) => layer.tie !== null || layer.alternatives !== null);
    expect(ambiguous.length > 0 && !isUndetermined).toBe(false);
  });

  it.runIf(existsSync(fileIn(golden.folder, 'dense.folded.onnx')))(
    'is recovered from the folded pair too, and its expectation is unverifiable',
    async () => {
      const { report, exitCode } = await checkPair(
        golden.folder,
        'dense.folded.onnx',
        'pruned.folded.onnx',
        golden.prune,
      );
      expect(exitCode).toBe(3);
      expect(report.verdict).toBe('unverifiable');
      for (const layer of report.layers) {
        expect(layer.actual, layer.name).toEqual(golden.layers[layer.name]?.retained);
        expect(layer.verdict, layer.name).not.toBe('mismatch');
        if (layer.folding === 'folded' && layer.rule !== 'excluded') expect(layer.expected, layer.name).toBeNull();
      }
    },
  );
});

const mixed = goldens.filter(({ folder }) => existsSync(fileIn(folder, 'pruned.folded.onnx')));

describe('an unfolded dense model with a folded pruned one, the pair that most users have', () => {
  it.each(mixed)(
    '$name conforms: BatchNorm is folded as the exporter does, bit for bit',
    async ({ folder, prune, layers }) => {
      const { report, exitCode } = await checkPair(folder, 'dense.onnx', 'pruned.folded.onnx', prune);
      expect({ verdict: report.verdict, findings: report.findings, exitCode }).toEqual({
        verdict: 'conforms',
        findings: [],
        exitCode: 0,
      });
      for (const layer of report.layers) expect(layer.actual, layer.name).toEqual(layers[layer.name]?.retained);
    },
  );

  it('tells layers that lost their name by their place in the graph, and says so', async () => {
    const { folder, prune } = mixed.find(({ name }) => name === 'random_r0012')!;
    const { report } = await checkPair(folder, 'dense.onnx', 'pruned.folded.onnx', prune);
    expect(report.notes).toEqual([
      'Conv__1790 of the pruned model is dw_7, recognized by its place in the graph: no layer of that name is there.',
    ]);
  });
});

function checkPair(folder: string, dense: string, pruned: string, prune: Record<string, unknown>) {
  const spec = join(work, 'spec.json');
  writeFileSync(spec, JSON.stringify({ prune }));
  const [request] = loadRequests(
    settingsFromFlags({ dense: fileIn(folder, dense), pruned: fileIn(folder, pruned), spec }),
    work,
  );
  return check(request!, { version: 'test', isHashed: true, log() {} });
}
